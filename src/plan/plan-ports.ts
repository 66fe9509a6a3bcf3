/**
 * The ports' part of the planner: creates, repairs and moves the agent's ports, and reports the ones it must not touch.
 * Ports are repaired in place, by columns; a port is taken out and put back only where its device was created anew.
 */

import type { DesiredPort } from '../intent/resolve.js';
import type { Condition, Finding, ObjectRef } from '../model/condition.js';
import type { Observed, ObservedInterface, ObservedPort } from '../model/observed.js';
import { isOwnedBy, type StringMap } from '../model/ownership.js';
import type { CellValue } from './action.js';
import { assignOfports } from './ofports.js';
import type { PlanBuilder } from './plan-builder.js';
import { diffRow, isEmptyEdit, type PresentRow, type WantedRow } from './row-diff.js';

/** The interface that gives the port its name; a port of the agent has no other. */
export function mainInterface(port: ObservedPort): ObservedInterface | undefined {
  return port.interfaces.find((entry) => entry.name === port.name);
}

/** Whether the agent made the port: both of its rows carry the mark, and one of them may have been wiped. */
export function isOwnPort(port: ObservedPort, owner: string): boolean {
  const main = mainInterface(port);
  return isOwnedBy(port.externalIds, owner) || (main !== undefined && isOwnedBy(main.externalIds, owner));
}

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
  if (!port.isLocal) cells.set('ofport_request', ofport);
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

function refuse(builder: PlanBuilder, port: DesiredPort, finding: Omit<Finding, 'object'>): void {
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

/** Why the existing port of that name is not the agent's to change, if it is not. */
function foreignFinding(port: DesiredPort, present: ObservedPort): Omit<Finding, 'object'> {
  if (present.bridge !== port.bridge) {
    return {
      reason: 'PortOnForeignBridge',
      message: `Port ${port.name} is wanted on ${port.bridge} and lives on ${present.bridge}, without the agent's mark.`,
      claimants: [port.intent.source.name, `whoever put it on ${present.bridge}`],
      remedy: `Remove it from ${present.bridge} (ovs-vsctl del-port ${present.bridge} ${port.name}), or drop the intent.`,
    };
  }
  return {
    reason: 'ForeignPort',
    message: `Port ${port.name} is on ${port.bridge} already, without the agent's mark.`,
    claimants: [port.intent.source.name, 'whoever made the port'],
    remedy: 'Set adopt: true on the port to take it over, or drop the intent.',
  };
}

/** What stands at the other end of a patch port, when it leaves no room for this one. */
function patchConflict(builder: PlanBuilder, port: DesiredPort): Omit<Finding, 'object'> | undefined {
  const { desired, observed } = builder.input;
  if (port.peer === undefined) return undefined;
  const wanted = desired.ports.get(port.peer.port);
  if (wanted !== undefined) {
    if (wanted.peer?.port === port.name) return undefined;
    const is = wanted.peer === undefined ? 'is no patch port' : `has the peer ${wanted.peer.port}`;
    return patchFinding(port, port.peer.port, `${is}, says ${wanted.intent.source.name}`, wanted.intent.source.name);
  }
  const present = observed.ports.get(port.peer.port);
  const main = present === undefined ? undefined : mainInterface(present);
  if (present === undefined || main?.options.get('peer') === port.name) return undefined;
  const is = main?.type === 'patch' ? `has the peer ${main.options.get('peer') ?? '(none)'}` : 'is no patch port';
  return patchFinding(port, present.name, is, `port ${present.name} on ${present.bridge}`);
}

function patchFinding(port: DesiredPort, peer: string, is: string, holder: string): Omit<Finding, 'object'> {
  return {
    reason: 'PatchPeerTaken',
    message: `Patch port ${port.name} wants the peer ${peer}, which ${is}.`,
    claimants: [port.intent.source.name, holder],
    remedy: 'Make the two ends name each other, or give one of them another peer.',
  };
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
      { table: 'Port', field: 'interfaces', from: present.interfaces.map((e) => e.name).join(', '), to: main.name },
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

function repairPort(builder: PlanBuilder, port: DesiredPort, present: ObservedPort, ofport?: number): void {
  const { owner } = builder.input;
  const object: ObjectRef = { kind: 'port', name: port.name, bridge: port.bridge };
  const portDiff = diffRow(wantedPort(port), presentPort(present), owner);
  if (!isEmptyEdit(portDiff.edit)) {
    const { edit, differences } = portDiff;
    const loss = edit.set.size > 0 ? 'frames of the port until both ends agree on the VLAN' : undefined;
    builder.actions.push({ kind: 'editPort', object, loss, differences, uuid: present.uuid, edit });
  }
  const main = mainInterface(present);
  if (main === undefined) return;
  dropStrangers(builder, port, present, main);
  const diff = diffRow(wantedInterface(port, ofport), presentInterface(main), owner);
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

/** Whether the port may be planned; if not, the reason is noted. */
function isAllowed(builder: PlanBuilder, port: DesiredPort, present: ObservedPort | undefined): boolean {
  const { owner } = builder.input;
  const conflict = patchConflict(builder, port);
  if (conflict !== undefined) {
    refuse(builder, port, conflict);
    return false;
  }
  if (present === undefined || isOwnPort(present, owner)) return true;
  // An adopted port must be where it is wanted: adopting is taking over what is there, not moving it.
  if (port.intent.adopt && present.bridge === port.bridge && mainInterface(present) !== undefined) return true;
  refuse(builder, port, foreignFinding(port, present));
  return false;
}

function planPort(builder: PlanBuilder, port: DesiredPort, ofports: ReadonlyMap<string, number>): void {
  const { observed, held } = builder.input;
  const bridge = builder.usableBridges.get(port.bridge);
  const present = observed.ports.get(port.name);
  const object: ObjectRef = { kind: 'port', name: port.name, bridge: port.bridge };
  if (bridge === undefined) {
    const message = `Bridge ${port.bridge} cannot take ports now.`;
    builder.blocked.push({ object, state: 'waiting', reason: 'BridgeAbsent', message, evidence: {} });
    return;
  }
  if (!isAllowed(builder, port, present)) return;
  const ofport = ofports.get(port.name);
  if (present === undefined) {
    if (!held.has(port.name)) createPort(builder, port, bridge.uuid, ofport);
    return;
  }
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
  const where = present === undefined ? 'does not exist' : `is on ${present.bridge}`;
  const message = `Port ${port.name} is described on the observed bridge ${port.bridge} and ${where}.`;
  const remedy = 'Nothing is changed in mode observe; correct the bridge or the configuration.';
  refuse(builder, port, { reason: 'ObservedDiffers', message, claimants: [port.intent.source.name], remedy });
}
