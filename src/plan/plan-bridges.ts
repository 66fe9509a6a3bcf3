/** The bridges' part of the planner: creates and repairs own bridges, leaves shared and observed ones alone. */

import { safeText } from '../lib/text.js';
import type { BridgeIntent } from '../model/intent.js';
import type { ObjectRef } from '../model/condition.js';
import type { Observed, ObservedBridge } from '../model/observed.js';
import { parsePins, type StringMap } from '../model/ownership.js';
import type { CellValue } from './action.js';
import { deriveDatapathId, deriveHwaddr, isDatapathId, isHwaddr } from './identity.js';
import { isOwnBridge } from './own-rows.js';
import type { PlanBuilder } from './plan-builder.js';
import { portConflict } from './port-conflicts.js';
import { diffRow, isEmptyEdit, type PresentRow, type RowDiff, type WantedRow } from './row-diff.js';

/** The first that Open vSwitch would take: the notes and other_config lie in the open, for anybody to damage. */
function firstUsable(isUsable: (text: string) => boolean, ...texts: (string | undefined)[]): string | undefined {
  return texts.find((text) => text !== undefined && isUsable(text));
}

/** datapath-id and hwaddr: as declared, else as pinned before, else as they are (adopted), else derived from the name. */
function pinsOf(intent: BridgeIntent, present: ObservedBridge | undefined, observed: Observed): StringMap {
  const pinned = parsePins(present?.externalIds ?? new Map());
  const configured = present?.otherConfig ?? new Map<string, string>();
  const systemId = observed.root.externalIds.get('system-id') ?? observed.root.uuid;
  const local = observed.ports.get(intent.name)?.interfaces.find((entry) => entry.name === intent.name);
  const inUse = present === undefined ? undefined : local?.macInUse;
  const datapathId =
    intent.datapathId ??
    firstUsable(isDatapathId, pinned.get('datapath-id'), configured.get('datapath-id'), present?.datapathId) ??
    deriveDatapathId(systemId, intent.name);
  const hwaddr =
    intent.hwaddr ??
    firstUsable(isHwaddr, pinned.get('hwaddr'), configured.get('hwaddr'), inUse) ??
    deriveHwaddr(systemId, intent.name);
  return new Map([
    ['datapath-id', datapathId],
    ['hwaddr', hwaddr],
  ]);
}

function wantedBridge(intent: BridgeIntent, pins: StringMap): WantedRow {
  const cells = new Map<string, CellValue>();
  if (intent.datapathType !== undefined) cells.set('datapath_type', intent.datapathType);
  if (intent.failMode !== undefined) cells.set('fail_mode', intent.failMode);
  if (intent.protocols.length > 0) cells.set('protocols', intent.protocols);
  const maps = new Map([
    ['other_config', new Map([...intent.otherConfig, ...pins])],
    ['external_ids', intent.externalIds],
  ]);
  return { table: 'Bridge', cells, maps, pins };
}

function presentBridge(bridge: ObservedBridge): PresentRow {
  return {
    cells: new Map<string, CellValue>([
      ['datapath_type', bridge.datapathType],
      ['fail_mode', bridge.failMode],
      ['protocols', bridge.protocols],
    ]),
    maps: new Map([
      ['other_config', bridge.otherConfig],
      ['external_ids', bridge.externalIds],
    ]),
  };
}

/** What the change costs on a bridge that carries traffic (ovs-vswitchd.conf.db(5), tables Bridge and Open_vSwitch). */
function lossOf(diff: RowDiff): string | undefined {
  if (diff.edit.set.has('datapath_type')) return 'all traffic of the bridge while its datapath is built anew';
  if (diff.edit.set.has('fail_mode')) return 'all flows of the bridge are flushed';
  const keys = diff.edit.setKeys.get('other_config');
  if (keys?.has('datapath-id') === true) return 'OpenFlow connections of the bridge reconnect';
  return undefined;
}

function isDatapathOffered(intent: BridgeIntent, observed: Observed): boolean {
  const { datapathTypes } = observed.root;
  const type = intent.datapathType ?? '';
  // vswitchd silently drops a bridge whose datapath type it does not know, and keeps its old columns in the database.
  return type === '' || datapathTypes.length === 0 || datapathTypes.includes(type);
}

function block(
  builder: PlanBuilder,
  object: ObjectRef,
  reason: 'BridgeAbsent' | 'ForeignBridge',
  message: string,
): void {
  builder.blocked.push({
    object,
    state: reason === 'BridgeAbsent' ? 'waiting' : 'failed',
    reason,
    message,
    evidence: {},
  });
}

/**
 * Whether a port or bond member that cannot become the new bridge's local port has its name. Open vSwitch cannot make such
 * a bridge, and creating its row would break the port that is there.
 */
function isNameTaken(builder: PlanBuilder, intent: BridgeIntent, object: ObjectRef): boolean {
  const local = builder.input.desired.ports.get(intent.name);
  const conflict = local === undefined ? undefined : portConflict(builder.input, local);
  if (conflict === undefined) return false;
  const message = `Bridge ${intent.name} cannot have its local port: ${conflict.message}`;
  builder.findings.push({ ...conflict, object, message });
  builder.blocked.push({ object, state: 'failed', reason: conflict.reason, message, evidence: {} });
  return true;
}

function planOwn(builder: PlanBuilder, intent: BridgeIntent): void {
  const { observed, owner } = builder.input;
  const object: ObjectRef = { kind: 'bridge', name: intent.name };
  const present = observed.bridges.get(intent.name);
  if (!isDatapathOffered(intent, observed)) {
    const offered = [...observed.root.datapathTypes]
      .sort()
      .map((type) => safeText(type))
      .join(', ');
    const message = `This Open vSwitch offers the datapath types ${offered}, not ${intent.datapathType ?? ''}.`;
    const remedy = 'Set datapathType to one that is offered, or install a build of Open vSwitch that has it.';
    builder.findings.push({
      reason: 'DatapathTypeUnsupported',
      object,
      message,
      claimants: [intent.source.name],
      remedy,
    });
    builder.blocked.push({ object, state: 'failed', reason: 'DatapathTypeUnsupported', message, evidence: {} });
    return;
  }
  if (present !== undefined && !intent.adopt && !isOwnBridge(present, observed, owner)) {
    const message = `Bridge ${intent.name} exists and carries no mark of this agent.`;
    const remedy = 'Set adopt: true on the bridge to take it over, mode: share to add ports to it, or rename it.';
    const claimants = [intent.source.name, 'whoever made the bridge'];
    builder.findings.push({ reason: 'ForeignBridge', object, message, claimants, remedy });
    block(builder, object, 'ForeignBridge', message);
    return;
  }
  if (present === undefined && isNameTaken(builder, intent, object)) return;
  builder.usableBridges.set(intent.name, { uuid: present?.uuid });
  const wanted = wantedBridge(intent, pinsOf(intent, present, observed));
  const diff = diffRow(wanted, present === undefined ? undefined : presentBridge(present), owner);
  if (present === undefined) {
    const { differences } = diff;
    builder.actions.push({ kind: 'createBridge', object, loss: undefined, differences, row: diff.edit });
  } else if (!isEmptyEdit(diff.edit)) {
    const { differences, edit } = diff;
    builder.actions.push({ kind: 'editBridge', object, loss: lossOf(diff), differences, uuid: present.uuid, edit });
  }
}

/** Plans every bridge intent, and notes on which bridges ports can be planned. */
export function planBridges(builder: PlanBuilder): void {
  const { desired, observed } = builder.input;
  for (const intent of desired.bridges.values()) {
    if (intent.mode === 'own') {
      planOwn(builder, intent);
      continue;
    }
    const present = observed.bridges.get(intent.name);
    if (present === undefined) {
      const message = `Bridge ${intent.name} does not exist; in mode ${intent.mode} somebody else has to create it.`;
      block(builder, { kind: 'bridge', name: intent.name }, 'BridgeAbsent', message);
    } else if (intent.mode === 'share') {
      builder.usableBridges.set(intent.name, { uuid: present.uuid });
    }
  }
}
