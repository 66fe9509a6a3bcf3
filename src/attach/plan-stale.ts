/**
 * Last part of the plan of attachments: removes own ports that nobody is entitled to any more, and limits that no port uses.
 * Names only rows that carry the mark. Pure.
 */

import { safeText } from '../lib/text.js';
import type { ObservedPort, ObservedQos } from '../model/observed.js';
import { isOwnedBy } from '../model/ownership.js';
import { noteCandidate, type Builder } from './attach-builder.js';
import { attachmentLabel } from './attachment.js';
import { ifaceId } from './nad-key.js';
import { readPod } from './pod-reading.js';
import { ifaceIdKey, ifaceIdVerKey, sandboxKey, type PluggedPort } from './row-identity.js';

export function ownQos({ input }: Builder, port: ObservedPort): ObservedQos | undefined {
  const qos = port.qos === undefined ? undefined : input.observed.qos.get(port.qos);
  return qos !== undefined && isOwnedBy(qos.externalIds, input.settings.mark) ? qos : undefined;
}

/** What must still be so when the rows are changed: they are the ones that were looked at. */
export function rowsOf({ port, main, identity }: PluggedPort): {
  portUuid: string;
  interfaceUuid: string;
  guard: Map<string, string>;
} {
  const guard = new Map([
    [ifaceIdKey, identity.ifaceId],
    [ifaceIdVerKey, identity.uid],
    [sandboxKey, identity.sandboxId],
  ]);
  return { portUuid: port.uuid, interfaceUuid: main.uuid, guard };
}

export function detach(builder: Builder, present: PluggedPort, cause: string): void {
  const { port } = present;
  const { observed, pods } = builder.input;
  const bridge = observed.bridges.get(port.bridge);
  if (bridge === undefined) return;
  const pod = pods.get(present.identity.uid);
  const netdev = observed.netdevs.get(port.name);
  if (netdev?.isUp === true) builder.linksDown.push({ name: port.name, isUp: false });
  builder.removals.push({
    kind: 'detach',
    key: present.key,
    port: port.name,
    label: pod === undefined ? safeText(present.identity.ifaceId) : attachmentLabel(pod, present.identity.nadKey),
    differences: [{ table: 'Bridge', field: 'ports', from: port.name, to: '(removed)' }],
    bridgeUuid: bridge.uuid,
    rows: rowsOf(present),
    qosUuid: ownQos(builder, port)?.uuid,
    cause,
  });
}

/** Why an own port has to go although nothing else is wanted in its place; undefined: it stays. */
function removalCause(builder: Builder, present: PluggedPort, wantedOn: ReadonlySet<string>): string | undefined {
  const { pods, deleted, observed } = builder.input;
  const { identity, port, key } = present;
  const winner = builder.winners.get(port.name);
  if (!observed.netdevs.has(port.name)) {
    return noteCandidate(builder, present, 'deviceGone') ? 'its device is gone' : undefined;
  }
  if (winner !== undefined && winner !== key) return 'another pod holds the function now';
  const pod = pods.get(identity.uid);
  if (pod === undefined) {
    if (deleted.has(identity.uid)) return 'the pod was deleted';
    return noteCandidate(builder, present, 'podMissing') ? 'the host cluster lists the pod no more' : undefined;
  }
  // Without a winner the holder has released it.
  if (winner === undefined) return pod.isTerminal ? 'the pod has ended' : 'the pod has released the function';
  if (!wantedOn.has(port.name)) return undefined;
  return changedIdentity(builder, present);
}

/** The same pod and network, but another sandbox or name: it was made anew. */
function changedIdentity({ input }: Builder, { identity, port }: PluggedPort): string | undefined {
  if (port.bridge !== input.settings.bridge) return `it was moved to ${safeText(port.bridge)}`;
  const pod = input.pods.get(identity.uid);
  const details = pod === undefined ? undefined : readPod(pod).details;
  const entry = details?.kind === 'read' ? details.networks.get(identity.nadKey) : undefined;
  if (pod === undefined || entry?.kind !== 'ok') return undefined;
  const wantedId = ifaceId(identity.nadKey, pod.namespace, pod.name);
  if (entry.sandboxId !== identity.sandboxId) return 'the pod has another sandbox';
  return wantedId === identity.ifaceId ? undefined : 'its iface-id was changed';
}

/** Removes own ports that nobody is entitled to any more. */
export function planStale(builder: Builder, wantedOn: ReadonlySet<string>): void {
  const removed = new Set(builder.removals.map(({ port }) => port));
  for (const present of builder.plugged.values()) {
    if (!present.isOwn || removed.has(present.port.name)) continue;
    const cause = removalCause(builder, present, wantedOn);
    if (cause !== undefined) detach(builder, present, cause);
  }
}

/** QoS rows are root rows: they outlive the port that they were made for. */
export function planLeakedQos(builder: Builder): void {
  const { observed, settings } = builder.input;
  if (observed.qos.size === 0) return;
  const used = new Set([...observed.ports.values()].map(({ qos }) => qos));
  for (const { uuid, externalIds } of observed.qos.values()) {
    if (used.has(uuid) || !isOwnedBy(externalIds, settings.mark)) continue;
    builder.removals.push({
      kind: 'dropQos',
      key: uuid,
      port: '',
      label: `QoS row ${uuid}`,
      differences: [{ table: 'QoS', field: '_uuid', from: uuid, to: '(removed)' }],
      uuid,
      owner: settings.mark,
    });
  }
}
