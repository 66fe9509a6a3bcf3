/**
 * What carries the agent's mark and belongs to no intent, and devices that were created anew under Open vSwitch. Neither
 * is acted upon at first sight: the planner names candidates, somebody else counts sightings and time, and hands the ripe
 * ones back.
 */

import type { DesiredPort } from '../intent/resolve.js';
import { objectKey, type Finding, type ObjectRef } from '../model/condition.js';
import type { ObservedBridge, ObservedPort } from '../model/observed.js';
import type { RemovalCause } from './action.js';
import { isOwnBridge } from './plan-bridges.js';
import { isOwnPort, mainInterface } from './plan-ports.js';
import type { PlanBuilder } from './plan.js';

/** Identifies a candidate: the same object for another cause is another candidate. */
export function candidateKey(object: ObjectRef, cause: RemovalCause): string {
  return `${cause} ${objectKey(object)}`;
}

const lossOf: Record<RemovalCause, string> = {
  orphan: 'all traffic of the object, which no intent wants',
  deviceGone: 'none: its device is gone',
  deviceRecreated: 'none: it carries no traffic until it is re-attached',
};

/** Notes the candidate; true when it has been seen long enough to act upon. */
function isRipe(builder: PlanBuilder, object: ObjectRef, cause: RemovalCause): boolean {
  const key = candidateKey(object, cause);
  builder.candidates.push({ key, object, cause });
  return builder.input.ripe.has(key);
}

function deletePort(builder: PlanBuilder, port: ObservedPort, cause: RemovalCause): void {
  const bridge = builder.input.observed.bridges.get(port.bridge);
  if (bridge === undefined) return;
  builder.actions.push({
    kind: 'deletePort',
    object: { kind: 'port', name: port.name, bridge: port.bridge },
    loss: lossOf[cause],
    differences: [{ table: 'Bridge', field: 'ports', from: port.name, to: '(removed)' }],
    uuid: port.uuid,
    bridgeUuid: bridge.uuid,
    cause,
  });
}

/**
 * Whether the kernel device is not the one that Open vSwitch opened. Both datapaths put a device into promiscuous mode
 * when they open it, so a device that has a port number and is not promiscuous was created after that; the database alone
 * shows nothing wrong (link up, number unchanged, no error, and even the new ifindex).
 */
export function isDeviceRecreated(builder: PlanBuilder, port: DesiredPort, present: ObservedPort): boolean {
  const { observed } = builder.input;
  const main = mainInterface(present);
  const netdev = observed.netdevs.get(port.name);
  if (port.type !== '' || main?.type !== '' || netdev === undefined) return false;
  if (main.ofport === undefined || main.ofport <= 0 || !observed.liveness.answering.has(present.bridge)) return false;
  return !netdev.isPromiscuous || (main.ifindex !== undefined && main.ifindex !== netdev.ifindex);
}

function planOrphanPort(builder: PlanBuilder, port: ObservedPort): void {
  const main = mainInterface(port);
  const isDeviceGone = main?.type === '' && !builder.input.observed.netdevs.has(port.name);
  const cause: RemovalCause = isDeviceGone ? 'deviceGone' : 'orphan';
  const object: ObjectRef = { kind: 'port', name: port.name, bridge: port.bridge };
  if (isRipe(builder, object, cause)) deletePort(builder, port, cause);
  else if (cause === 'orphan') builder.findings.push(orphanPending(object));
}

function orphanPending(object: ObjectRef): Finding {
  return {
    reason: 'OrphanPending',
    object,
    message: `The ${object.kind} ${object.name} carries the agent's mark and belongs to no intent.`,
    claimants: [],
    remedy: 'It is removed after the grace period; declare it again to keep it.',
  };
}

function planOrphanBridge(builder: PlanBuilder, bridge: ObservedBridge): void {
  const { observed, owner } = builder.input;
  const object: ObjectRef = { kind: 'bridge', name: bridge.name };
  const strangers = [...observed.ports.values()].filter(
    (port) => port.bridge === bridge.name && port.name !== bridge.name && !isOwnPort(port, owner),
  );
  if (strangers.length > 0) {
    const names = strangers.map((port) => port.name).sort();
    builder.findings.push({
      reason: 'OrphanKept',
      object,
      message: `Bridge ${bridge.name} is no longer wanted, but holds ports of others: ${names.slice(0, 5).join(', ')}.`,
      claimants: names.slice(0, 5),
      remedy: 'Move those ports away, or declare the bridge with mode: share.',
    });
    return;
  }
  if (!isRipe(builder, object, 'orphan')) {
    builder.findings.push(orphanPending(object));
    return;
  }
  const loss = lossOf.orphan;
  const differences = [{ table: 'Open_vSwitch', field: 'bridges', from: bridge.name, to: '(removed)' }];
  builder.actions.push({ kind: 'deleteBridge', object, loss, differences, uuid: bridge.uuid, cause: 'orphan' });
}

/** Plans removals, of ports first: a bridge takes what is left of its ports with it. */
export function planRemovals(builder: PlanBuilder): void {
  const { desired, observed, owner } = builder.input;
  for (const port of [...observed.ports.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!isOwnPort(port, owner)) continue;
    const wanted = desired.ports.get(port.name);
    const object: ObjectRef = { kind: 'port', name: port.name, bridge: port.bridge };
    if (wanted === undefined) {
      // The local port goes with its bridge, and stays with a bridge that was handed over to mode share.
      if (port.name !== port.bridge) planOrphanPort(builder, port);
    } else if (isDeviceRecreated(builder, wanted, port) && isRipe(builder, object, 'deviceRecreated')) {
      deletePort(builder, port, 'deviceRecreated');
    }
  }
  for (const bridge of [...observed.bridges.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!desired.bridges.has(bridge.name) && isOwnBridge(bridge, observed, owner)) planOrphanBridge(builder, bridge);
  }
}
