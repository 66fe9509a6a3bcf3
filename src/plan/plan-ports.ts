/**
 * The ports' part of the planner: creates, repairs and moves the agent's ports, and reports the ones it must not touch.
 * Ports are repaired in place, by columns; a port is taken out and put back only where its device was created anew.
 */

import type { DesiredPort } from '../intent/resolve.js';
import { safeText } from '../lib/text.js';
import type { Condition, ObjectRef } from '../model/condition.js';
import type { Observed, ObservedInterface, ObservedPort } from '../model/observed.js';
import type { StringMap } from '../model/ownership.js';
import type { CellValue } from './action.js';
import { assignOfports } from './ofports.js';
import { isOwnPort, mainInterface } from './own-rows.js';
import type { PlanBuilder } from './plan-builder.js';
import { diffRow, isEmptyEdit, type PresentRow, type RowDiff, type WantedRow } from './row-diff.js';
import { portConflict, type Conflict } from './port-conflicts.js';
import { noteCandidate, removePort } from './removal.js';

function wantedPort(port: DesiredPort): WantedRow {
  const { vlan, otherConfig, externalIds } = port.intent;
  const cells = new Map<string, CellValue>([
    ['tag', vlan.tag],
    ['trunks', vlan.trunks],
    ['vlan_mode', vlan.mode],
  ]);
  const maps = new Map([
    ['other_config', otherConfig],
    ['external_ids', externalIds],
  ]);
  return { table: 'Port', cells, maps, pins: new Map() };
}

function wantedInterface(port: DesiredPort, ofport: number | undefined): WantedRow {
  const cells = new Map<string, CellValue>([['type', port.type]]);
  // The local port's number is fixed by the protocol (OFPP_LOCAL); a request for it would be out of range.
  cells.set('ofport_request', port.isLocal ? undefined : ofport);
  if (port.type !== 'patch') cells.set('mtu_request', port.intent.mtu);
  const maps = new Map([
    ['options', port.options],
    ['external_ids', port.intent.interfaceExternalIds],
  ]);
  const pins: StringMap =
    ofport === undefined || port.isLocal || port.intent.ofport !== undefined
      ? new Map()
      : new Map([['ofport', String(ofport)]]);
  return { table: 'Interface', cells, maps, pins };
}

function presentPort(port: ObservedPort): PresentRow {
  return {
    cells: new Map<string, CellValue>([
      ['tag', port.tag],
      ['trunks', port.trunks],
      ['vlan_mode', port.vlanMode],
    ]),
    maps: new Map([
      ['other_config', port.otherConfig],
      ['external_ids', port.externalIds],
    ]),
  };
}

function presentInterface(entry: ObservedInterface): PresentRow {
  return {
    cells: new Map<string, CellValue>([
      ['type', entry.type],
      ['ofport_request', entry.ofportRequest],
      ['mtu_request', entry.mtuRequest],
    ]),
    maps: new Map([
      ['options', entry.options],
      ['external_ids', entry.externalIds],
    ]),
  };
}

function refuse(builder: PlanBuilder, port: DesiredPort, finding: Conflict): void {
  const object: ObjectRef = { kind: 'port', name: port.name, bridge: port.bridge };
  builder.findings.push({ ...finding, object });
  const condition: Condition = {
    object,
    state: 'failed',
    reason: finding.reason,
    message: finding.message,
    evidence: {},
  };
  builder.blocked.push(condition);
}

function createPort(builder: PlanBuilder, port: DesiredPort, bridgeUuid: string | undefined, ofport?: number): void {
  const { owner } = builder.input;
  const portRow = diffRow(wantedPort(port), undefined, owner);
  const interfaceRow = diffRow(wantedInterface(port, ofport), undefined, owner);
  builder.actions.push({
    kind: 'createPort',
    object: { kind: 'port', name: port.name, bridge: port.bridge },
    loss: undefined,
    differences: [...portRow.differences, ...interfaceRow.differences],
    bridge: port.bridge,
    bridgeUuid,
    port: portRow.edit,
    interface: interfaceRow.edit,
  });
}

function moveIfElsewhere(builder: PlanBuilder, port: DesiredPort, present: ObservedPort, toUuid?: string): void {
  if (present.bridge === port.bridge) return;
  const from = builder.input.observed.bridges.get(present.bridge);
  if (from === undefined) return;
  builder.actions.push({
    kind: 'movePort',
    object: { kind: 'port', name: port.name, bridge: port.bridge },
    loss: 'traffic of the port while Open vSwitch moves it',
    differences: [{ table: 'Bridge', field: 'ports', from: present.bridge, to: port.bridge }],
    uuid: present.uuid,
    from: present.bridge,
    fromUuid: from.uuid,
    to: port.bridge,
    toUuid,
  });
}

/** Interfaces that somebody added to a port of the agent would make it a bond; they are taken out, never changed. */
function dropStrangers(builder: PlanBuilder, port: DesiredPort, present: ObservedPort, main: ObservedInterface): void {
  const strangers = present.interfaces.filter((entry) => entry !== main);
  if (strangers.length === 0) return;
  builder.actions.push({
    kind: 'dropInterfaces',
    object: { kind: 'port', name: port.name, bridge: port.bridge },
    loss: undefined,
    differences: [
      {
        table: 'Port',
        field: 'interfaces',
        from: present.interfaces
          .map((entry) => entry.name)
          .sort()
          .join(', '),
        to: main.name,
      },
    ],
    uuid: present.uuid,
    interfaceUuids: strangers.map((entry) => entry.uuid).sort(),
  });
}

function interfaceLoss(edit: { readonly set: ReadonlyMap<string, CellValue> }): string | undefined {
  if (edit.set.has('type')) return 'traffic of the port while Open vSwitch opens it anew';
  if (edit.set.has('ofport_request'))
    return 'the port gets another OpenFlow number; flows that name the old one miss it';
  return undefined;
}

interface Kept {
  readonly port: DesiredPort;
  readonly ofport: number | undefined;
  readonly owner: string;
  readonly diff: RowDiff;
}

// Both sides of a comparison are immutable. While they are the same objects, as in nearly every round, so is its outcome.
const portDiffs = new WeakMap<ObservedPort, Kept>();
const interfaceDiffs = new WeakMap<ObservedInterface, Kept>();

function diffPort(port: DesiredPort, present: ObservedPort, owner: string): RowDiff {
  const kept = portDiffs.get(present);
  if (kept?.port === port && kept.owner === owner) return kept.diff;
  const diff = diffRow(wantedPort(port), presentPort(present), owner);
  portDiffs.set(present, { port, ofport: undefined, owner, diff });
  return diff;
}

function diffInterface(port: DesiredPort, main: ObservedInterface, owner: string, ofport?: number): RowDiff {
  const kept = interfaceDiffs.get(main);
  if (kept?.port === port && kept.ofport === ofport && kept.owner === owner) return kept.diff;
  const diff = diffRow(wantedInterface(port, ofport), presentInterface(main), owner);
  interfaceDiffs.set(main, { port, ofport, owner, diff });
  return diff;
}

function repairPort(builder: PlanBuilder, port: DesiredPort, present: ObservedPort, ofport?: number): void {
  const { owner } = builder.input;
  const object: ObjectRef = { kind: 'port', name: port.name, bridge: port.bridge };
  const portDiff = diffPort(port, present, owner);
  if (!isEmptyEdit(portDiff.edit)) {
    const { edit, differences } = portDiff;
    const loss = edit.set.size > 0 ? 'frames of the port until both ends agree on the VLAN' : undefined;
    builder.actions.push({ kind: 'editPort', object, loss, differences, uuid: present.uuid, edit });
  }
  const main = mainInterface(present);
  if (main === undefined) return;
  dropStrangers(builder, port, present, main);
  const diff = diffInterface(port, main, owner, ofport);
  if (isEmptyEdit(diff.edit)) return;
  const { edit, differences } = diff;
  builder.actions.push({
    kind: 'editInterface',
    object,
    loss: interfaceLoss(edit),
    differences,
    uuid: main.uuid,
    edit,
  });
}

/**
 * Whether the kernel device is not the one that Open vSwitch opened. Both datapaths put a device into promiscuous mode
 * when they open it, so a device that has a port number and is not promiscuous was created after that; the database alone
 * shows nothing wrong (link up, number unchanged, no error, and even the new ifindex).
 */
function isDeviceRecreated(builder: PlanBuilder, port: DesiredPort, present: ObservedPort): boolean {
  const { observed } = builder.input;
  const main = mainInterface(present);
  const netdev = observed.netdevs.get(port.name);
  if (port.type !== '' || main?.type !== '' || netdev === undefined) return false;
  if (main.ofport === undefined || main.ofport <= 0 || !observed.liveness.answering.has(present.bridge)) return false;
  // 0 stands for a device without an index (ovs-vswitchd.conf.db(5), table Interface), which proves nothing.
  const isOther = main.ifindex !== undefined && main.ifindex > 0 && main.ifindex !== netdev.ifindex;
  return !netdev.isPromiscuous || isOther;
}

/**
 * Takes a port out whose device was created anew, once that has been seen long enough; true when it did. Only an own port
 * in its place comes here, so that what is taken out is certain to be put back.
 */
function reattach(builder: PlanBuilder, port: DesiredPort, present: ObservedPort): boolean {
  if (present.bridge !== port.bridge || !isDeviceRecreated(builder, port, present)) return false;
  const object: ObjectRef = { kind: 'port', name: port.name, bridge: port.bridge };
  if (!noteCandidate(builder, object, 'deviceRecreated')) return false;
  removePort(builder, present, 'deviceRecreated');
  return true;
}

function planPort(builder: PlanBuilder, port: DesiredPort, ofports: ReadonlyMap<string, number>): void {
  const { observed, owner, held } = builder.input;
  const bridge = builder.usableBridges.get(port.bridge);
  const present = observed.ports.get(port.name);
  const object: ObjectRef = { kind: 'port', name: port.name, bridge: port.bridge };
  if (bridge === undefined) {
    const message = `Bridge ${port.bridge} cannot take ports now.`;
    builder.blocked.push({ object, state: 'waiting', reason: 'BridgeAbsent', message, evidence: {} });
    return;
  }
  const conflict = portConflict(builder.input, port);
  if (conflict !== undefined) {
    refuse(builder, port, conflict);
    return;
  }
  const ofport = ofports.get(port.name);
  if (present === undefined) {
    if (!held.has(port.name)) createPort(builder, port, bridge.uuid, ofport);
    return;
  }
  if (isOwnPort(present, owner) && reattach(builder, port, present)) return;
  moveIfElsewhere(builder, port, present, bridge.uuid);
  repairPort(builder, port, present, ofport);
}

/** Plans every desired port. */
export function planPorts(builder: PlanBuilder): void {
  const { desired, observed } = builder.input;
  const { ofports, findings } = assignOfports(desired, observed, builder.input.owner);
  builder.findings.push(...findings);
  for (const port of desired.ports.values()) {
    if (desired.bridges.get(port.bridge)?.mode === 'observe') notePort(builder, port, observed);
    else planPort(builder, port, ofports);
  }
}

/** A port described on an observed bridge is only compared. */
function notePort(builder: PlanBuilder, port: DesiredPort, observed: Observed): void {
  const present = observed.ports.get(port.name);
  if (present?.bridge === port.bridge) return;
  const where = present === undefined ? 'does not exist' : `is on ${safeText(present.bridge)}`;
  const message = `Port ${port.name} is described on the observed bridge ${port.bridge} and ${where}.`;
  const remedy = 'Nothing is changed in mode observe; correct the bridge or the configuration.';
  refuse(builder, port, { reason: 'ObservedDiffers', message, claimants: [port.intent.source.name], remedy });
}
