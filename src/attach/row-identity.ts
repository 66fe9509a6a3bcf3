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
  readonly identity: AttachIdentity;
  readonly key: string;
  /** This agent made it, or took it over. */
  readonly isOwn: boolean;
}

/** Rows are immutable: what is read from one is kept with it. */
const known = new WeakMap<ObservedPort, { readonly mark: string; readonly plugged: PluggedPort | undefined }>();

function readPort(port: ObservedPort, mark: string): PluggedPort | undefined {
  const main = mainInterface(port);
  const identity = main === undefined ? undefined : rowIdentity(main.externalIds);
  if (main === undefined || identity === undefined || port.interfaces.length !== 1) return undefined;
  const marks = [port.externalIds.get(ownerKey), main.externalIds.get(ownerKey)];
  // A mark that was wiped from one of the rows still counts on the other; somebody else's never does.
  const isOwn = marks.includes(mark) && marks.every((found) => found === mark || found === undefined);
  return { port, main, identity, key: attachmentKey(identity.uid, identity.nadKey), isOwn };
}

/** The port as a pod's, or undefined when it is none. */
export function pluggedPort(port: ObservedPort, mark: string): PluggedPort | undefined {
  const seen = known.get(port);
  if (seen?.mark === mark) return seen.plugged;
  const plugged = readPort(port, mark);
  known.set(port, { mark, plugged });
  return plugged;
}
