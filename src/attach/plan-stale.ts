/**
 * Last part of the plan of attachments: removes own ports that nobody is entitled to any more, or that have to be made anew.
 * Names only rows that carry the mark. Pure.
 */

import { safeText } from '../lib/text.js';
import { ownerKey } from '../model/ownership.js';
import type { AttachedRows } from './attach-action.js';
import { isDeclaredDevice, isPodGone, noteCandidate, type Builder } from './attach-builder.js';
import { attachmentLabel } from './attachment.js';
import { ifaceId } from './nad-key.js';
import { ownQos } from './plan-qos.js';
import { readPod } from './pod-reading.js';
import { ifaceIdKey, ifaceIdVerKey, nadKeyKey, sandboxKey, type PluggedPort } from './row-identity.js';

/** What must still be so when the rows are changed: they are the ones that were looked at, and as much ours as they were. */
export function rowsOf({ port, main }: PluggedPort): AttachedRows {
  const keys = [ownerKey, ifaceIdKey, ifaceIdVerKey, sandboxKey, nadKeyKey];
  const guard = keys.flatMap((key): [string, string][] => {
    const value = main.externalIds.get(key);
    return value === undefined ? [] : [[key, value]];
  });
  return { portUuid: port.uuid, interfaceUuid: main.uuid, guard: new Map(guard) };
}

/** Removes an own port, its link first. */
export function detach(builder: Builder, present: PluggedPort, cause: string): void {
  const { port, identity } = present;
  const { observed } = builder.input;
  const bridge = observed.bridges.get(port.bridge);
  if (bridge === undefined) return;
  const pod = builder.pods.get(identity.uid);
  if (observed.netdevs.get(port.name)?.isUp === true) builder.linksDown.push({ name: port.name, isUp: false });
  builder.removals.push({
    kind: 'detach',
    key: present.key,
    port: port.name,
    label: pod === undefined ? safeText(identity.ifaceId) : attachmentLabel(pod, identity.nadKey),
    differences: [{ table: 'Bridge', field: 'ports', from: port.name, to: '(removed)' }],
    bridgeUuid: bridge.uuid,
    rows: rowsOf(present),
    qosUuid: ownQos(builder, port)?.uuid,
    cause,
  });
}

/** Why an own port has to go; undefined: it stays. */
function removalCause(builder: Builder, present: PluggedPort, wantedOn: ReadonlySet<string>): string | undefined {
  const { observed } = builder.input;
  const { port, key } = present;
  const cause = lostRight(builder, present) ?? changedIdentity(builder, present);
  if (cause !== undefined) return cause;
  // Whatever its pod says: the port has nothing behind it.
  if (!observed.netdevs.has(port.name)) {
    return noteCandidate(builder, present, 'deviceGone') ? 'its device is gone' : undefined;
  }
  // Only what can be made anew at once is taken away to be mended.
  if (!wantedOn.has(port.name) || builder.winners.get(port.name) !== key) return undefined;
  if (port.bridge !== builder.input.settings.bridge) return `it was moved to ${safeText(port.bridge)}`;
  return present.isAlone ? undefined : 'another interface was put into it';
}

/** The pod is gone, or has released the function, or somebody else has it now. */
function lostRight(builder: Builder, present: PluggedPort): string | undefined {
  const { port, identity, key } = present;
  if (isDeclaredDevice(builder, port.name)) return 'the configuration declares its device as a port';
  if (isPodGone(builder, present)) return identity.uid === '' ? 'its iface-id-ver was wiped' : 'the pod was deleted';
  const pod = builder.pods.get(identity.uid);
  if (pod === undefined && noteCandidate(builder, present, 'podMissing'))
    return 'the host cluster lists the pod no more';
  if (pod?.isTerminal === true) return 'the pod has ended';
  const winner = builder.winners.get(port.name);
  if (winner !== undefined && winner !== key) return 'another attachment has the function now';
  return winner === undefined && pod !== undefined ? 'the pod has released the function' : undefined;
}

/**
 * The same pod and network, but another sandbox or name: it was made anew, and OVN has to see the old port go before the new
 * one comes. What the pod's annotation does not say readably changes nothing.
 */
function changedIdentity({ pods }: Builder, { identity }: PluggedPort): string | undefined {
  const pod = pods.get(identity.uid);
  const details = pod === undefined ? undefined : readPod(pod).details;
  const entry = details?.kind === 'read' ? details.networks.get(identity.nadKey) : undefined;
  if (pod === undefined || entry?.kind !== 'ok') return undefined;
  // A sandbox that was wiped from the row is put back.
  const isOther = identity.sandboxId !== '' && identity.sandboxId !== entry.sandboxId;
  if (isOther) return 'the pod has another sandbox';
  return ifaceId(identity.nadKey, pod.namespace, pod.name) === identity.ifaceId
    ? undefined
    : 'its iface-id was changed';
}

/** Removes own ports that nobody is entitled to any more. @param wantedOn devices whose rows can be made anew now */
export function planStale(builder: Builder, wantedOn: ReadonlySet<string>): void {
  const removed = new Set(builder.removals.map(({ port }) => port));
  for (const present of builder.plugged.values()) {
    if (!present.isOwn || removed.has(present.port.name)) continue;
    const cause = removalCause(builder, present, wantedOn);
    if (cause !== undefined) detach(builder, present, cause);
  }
}
