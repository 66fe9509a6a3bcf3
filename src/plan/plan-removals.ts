/**
 * What carries the agent's mark and belongs to no intent. Nothing is removed at first sight: the planner names candidates,
 * somebody else counts sightings and time, and hands the ripe ones back.
 */

import { safeText } from '../lib/text.js';
import type { Finding, ObjectRef } from '../model/condition.js';
import type { ObservedBridge, ObservedPort } from '../model/observed.js';
import type { RemovalCause } from './action.js';
import { isOwnBridge, isOwnPort, mainInterface } from './own-rows.js';
import type { PlanBuilder } from './plan-builder.js';
import { lossOfRemoval, noteCandidate, removePort } from './removal.js';

function planOrphanPort(builder: PlanBuilder, port: ObservedPort): void {
  const main = mainInterface(port);
  const isDeviceGone = main?.type === '' && !builder.input.observed.netdevs.has(port.name);
  const cause: RemovalCause = isDeviceGone ? 'deviceGone' : 'orphan';
  const object: ObjectRef = { kind: 'port', name: port.name, bridge: port.bridge };
  if (builder.input.desired.bridges.get(port.bridge)?.mode === 'observe') {
    if (cause === 'orphan') builder.findings.push(orphanOnObserved(object));
    return;
  }
  if (noteCandidate(builder, object, cause)) removePort(builder, port, cause);
  else if (cause === 'orphan') builder.findings.push(orphanPending(object));
}

/** A bridge in mode observe is not written, not even to tidy up what the agent left on it. */
function orphanOnObserved(object: ObjectRef): Finding {
  return {
    reason: 'OrphanKept',
    object,
    message: `Port ${safeText(object.name)} carries the agent's mark and belongs to no intent, but its bridge is only observed.`,
    claimants: [],
    remedy: 'Remove the port by hand, or set the mode of the bridge to share.',
  };
}

function orphanPending(object: ObjectRef): Finding {
  return {
    reason: 'OrphanPending',
    object,
    message: `The ${object.kind} ${safeText(object.name)} carries the agent's mark and belongs to no intent.`,
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
    const names = strangers.map((port) => safeText(port.name)).sort();
    builder.findings.push({
      reason: 'OrphanKept',
      object,
      message: `Bridge ${safeText(bridge.name)} is no longer wanted, but holds ports of others: ${names.slice(0, 5).join(', ')}.`,
      claimants: names.slice(0, 5),
      remedy: 'Move those ports away, or declare the bridge with mode: share.',
    });
    return;
  }
  if (!noteCandidate(builder, object, 'orphan')) {
    builder.findings.push(orphanPending(object));
    return;
  }
  const loss = lossOfRemoval.orphan;
  const differences = [{ table: 'Open_vSwitch', field: 'bridges', from: bridge.name, to: '(removed)' }];
  builder.removals.push({ kind: 'deleteBridge', object, loss, differences, uuid: bridge.uuid, cause: 'orphan' });
}

/** Plans removals, of ports first: a bridge takes what is left of its ports with it. */
export function planRemovals(builder: PlanBuilder): void {
  const { desired, observed, owner } = builder.input;
  // The local port goes with its bridge, and stays with a bridge that was handed over to mode share.
  const orphans = [...observed.ports.values()].filter(
    (port) => !desired.ports.has(port.name) && port.name !== port.bridge && isOwnPort(port, owner),
  );
  for (const port of orphans.sort((a, b) => (a.name < b.name ? -1 : 1))) planOrphanPort(builder, port);
  for (const bridge of [...observed.bridges.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!desired.bridges.has(bridge.name) && isOwnBridge(bridge, observed, owner)) planOrphanBridge(builder, bridge);
  }
}
