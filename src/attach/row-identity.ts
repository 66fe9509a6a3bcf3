/** What the rows in the database say of whose attachment they are. Pure. */

import type { ObservedInterface, ObservedPort } from '../model/observed.js';
import { ownerKey, type StringMap } from '../model/ownership.js';
import { mainInterface } from '../plan/own-rows.js';
import { attachmentKey, type AttachIdentity } from './attachment.js';
import { defaultNadKey } from './nad-key.js';

/** Keys of Interface.external_ids that tell an attachment, as ovn-kubernetes writes them. */
export const ifaceIdKey = 'iface-id';
export const ifaceIdVerKey = 'iface-id-ver';
export const sandboxKey = 'sandbox';
export const nadKeyKey = 'k8s.ovn.org/nad';
export const networkKey = 'k8s.ovn.org/network';
export const ovnInstalledKey = 'ovn-installed';

/** Whose attachment the row is; undefined for a row that is no pod's. */
export function rowIdentity(externalIds: StringMap): AttachIdentity | undefined {
  const [ifaceId, uid, sandboxId] = [ifaceIdKey, ifaceIdVerKey, sandboxKey].map((key) => externalIds.get(key));
  if (ifaceId === undefined || uid === undefined || sandboxId === undefined) return undefined;
  return { ifaceId, uid, sandboxId, nadKey: externalIds.get(nadKeyKey) ?? defaultNadKey };
}

export function isSameIdentity(a: AttachIdentity, b: AttachIdentity): boolean {
  return a.ifaceId === b.ifaceId && a.uid === b.uid && a.sandboxId === b.sandboxId && a.nadKey === b.nadKey;
}

/** A pod's port that is there. */
export interface PluggedPort {
  readonly port: ObservedPort;
  readonly main: ObservedInterface;
  /** Of an own port whose keys somebody wiped, what is missing is empty. */
  readonly identity: AttachIdentity;
  readonly key: string;
  /** This agent made it, or took it over. */
  readonly isOwn: boolean;
  /** It carries the mark of somebody else: another agent's, or that of a declared port. */
  readonly isOthers: boolean;
  /** No other interface has been put into the port. */
  readonly isAlone: boolean;
}

/** Rows are immutable: what is read from one is kept with it. */
const known = new WeakMap<ObservedPort, { readonly mark: string; readonly plugged: PluggedPort | undefined }>();

function readPort(port: ObservedPort, mark: string): PluggedPort | undefined {
  const main = mainInterface(port);
  if (main === undefined) return undefined;
  const marks = [port.externalIds.get(ownerKey), main.externalIds.get(ownerKey)];
  // A mark that was wiped from one of the rows still counts on the other; somebody else's never does.
  const isOthers = marks.some((found) => found !== undefined && found !== mark);
  const isOwn = !isOthers && marks.includes(mark);
  const isAlone = port.interfaces.length === 1;
  // Whatever was done to an own port, it must not be forgotten: nobody else would ever remove it.
  const identity = isOwn ? ownIdentity(main.externalIds) : isAlone ? rowIdentity(main.externalIds) : undefined;
  if (identity === undefined) return undefined;
  return { port, main, identity, key: attachmentKey(identity.uid, identity.nadKey), isOwn, isOthers, isAlone };
}

function ownIdentity(externalIds: StringMap): AttachIdentity {
  return {
    ifaceId: externalIds.get(ifaceIdKey) ?? '',
    uid: externalIds.get(ifaceIdVerKey) ?? '',
    sandboxId: externalIds.get(sandboxKey) ?? '',
    nadKey: externalIds.get(nadKeyKey) ?? defaultNadKey,
  };
}

/** The port as a pod's, or undefined when it is none. */
export function pluggedPort(port: ObservedPort, mark: string): PluggedPort | undefined {
  const seen = known.get(port);
  if (seen?.mark === mark) return seen.plugged;
  const plugged = readPort(port, mark);
  known.set(port, { mark, plugged });
  return plugged;
}

/**
 * Whether the port is that of the attachment and may be repaired in place: own, or nobody's and of the very same identity.
 * A sandbox that was wiped is put back; a wiped iface-id or iface-id-ver is not, because OVN has forgotten the port by then
 * and would not say ovn-installed again (OVN, controller/if-status.c): such a port is made anew.
 */
export function standsFor({ identity, isOwn, isOthers }: PluggedPort, wanted: AttachIdentity): boolean {
  if (isOthers) return false;
  const isWiped = isOwn && identity.sandboxId === '';
  return isSameIdentity(isWiped ? { ...identity, sandboxId: wanted.sandboxId } : identity, wanted);
}
