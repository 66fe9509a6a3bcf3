/**
 * A model of what the database, vswitchd, ovn-controller and the kernel do with a plan of attachments. Pure, and strict: it
 * throws for whatever the database would refuse or a guard would stop, because a planner that looks at the newest state must
 * not ask for it.
 */

import type { AttachAction, AttachedRows, QosChange } from '../../src/attach/attach-action.js';
import type { AttachObserved } from '../../src/attach/plan-attach.js';
import type { LinkChange, Netdev } from '../../src/model/netdev.js';
import type { ObservedInterface, ObservedPort, ObservedQos } from '../../src/model/observed.js';
import type { StringMap } from '../../src/model/ownership.js';
import type { RowEdit } from '../../src/plan/action.js';
import { interfaceRow, portRow } from './plan-rows.js';

type OfKind<Kind extends AttachAction['kind']> = Extract<AttachAction, { readonly kind: Kind }>;
type Row = Readonly<Record<string, unknown>>;

interface Tables {
  readonly before: AttachObserved;
  readonly ports: Map<string, ObservedPort>;
  readonly qos: Map<string, ObservedQos>;
  /** Makes the uuids of this transaction differ from all others. */
  readonly stamp: number;
}

function refuse(what: string): never {
  throw new Error(`the database would refuse: ${what}`);
}

const fieldNames: Readonly<Record<string, string>> = {
  type: 'type',
  mtu_request: 'mtuRequest',
  ingress_policing_rate: 'policingRate',
  ingress_policing_burst: 'policingBurst',
};
const mapNames: Readonly<Record<string, string>> = { other_config: 'otherConfig', external_ids: 'externalIds' };

/** The row after the edit; columns by their names in the schema. */
function edited<T extends object>(row: T, edit: RowEdit): T {
  const result: Record<string, unknown> = { ...(row as Row) };
  for (const [column, value] of edit.set) result[fieldNames[column] ?? refuse(`column ${column}`)] = value;
  for (const column of new Set([...edit.setKeys.keys(), ...edit.deleteKeys.keys()])) {
    const field = mapNames[column] ?? refuse(`map column ${column}`);
    const map = new Map((row as Row)[field] as StringMap);
    for (const key of edit.deleteKeys.get(column) ?? []) map.delete(key);
    for (const [key, value] of edit.setKeys.get(column) ?? []) map.set(key, value);
    result[field] = map;
  }
  return result as unknown as T;
}

function mainOf(port: ObservedPort, uuid: string): ObservedInterface {
  return port.interfaces.find((entry) => entry.uuid === uuid) ?? refuse(`no interface ${uuid} in port ${port.name}`);
}

/** Checks the guards of rows that were looked at, and gives the port. */
function guarded({ before }: Tables, { portUuid, interfaceUuid, guard }: AttachedRows): ObservedPort {
  const port = [...before.ports.values()].find((entry) => entry.uuid === portUuid) ?? refuse(`no port ${portUuid}`);
  const { externalIds } = mainOf(port, interfaceUuid);
  for (const [key, value] of guard) if (externalIds.get(key) !== value) refuse(`guard ${key}=${value} of ${port.name}`);
  return port;
}

function insertQos(tables: Tables, name: string, row: RowEdit): string {
  const uuid = `qos-${name}-${tables.stamp}`;
  const empty: ObservedQos = { uuid, type: '', otherConfig: new Map(), externalIds: new Map() };
  tables.qos.set(uuid, edited(empty, row));
  return uuid;
}

function attach(tables: Tables, action: OfKind<'attach'>): void {
  const { port: name, bridgeUuid, datapathType } = action;
  const bridge =
    [...tables.before.bridges.values()].find(({ uuid }) => uuid === bridgeUuid) ?? refuse('no such bridge');
  if (bridge.datapathType !== datapathType) refuse('guard: the bridge has another datapath type');
  const names = [...tables.before.ports.values()].flatMap((port) => [
    port.name,
    ...port.interfaces.map((entry) => entry.name),
  ]);
  if (names.includes(name) || tables.ports.has(name)) refuse(`guard: ${name} is taken`);
  const empty = interfaceRow(name, { type: '', ofport: undefined, mtu: undefined, linkState: undefined });
  const main = edited({ ...empty, uuid: `interface-${name}-${tables.stamp}` }, action.interfaceRow);
  const port = edited(portRow(name, bridge.name), action.portRow);
  const qos = action.qos === undefined ? undefined : insertQos(tables, name, action.qos);
  tables.ports.set(name, { ...port, uuid: `port-${name}-${tables.stamp}`, interfaces: [main], qos });
}

function changedQos(tables: Tables, port: ObservedPort, change: QosChange): string | undefined {
  switch (change.kind) {
    case 'keep':
      return port.qos;
    case 'create':
      if (port.qos !== undefined) refuse(`guard: ${port.name} has a limit already`);
      return insertQos(tables, port.name, change.row);
    case 'edit': {
      const row = tables.qos.get(change.uuid) ?? refuse(`no QoS ${change.uuid}`);
      if (port.qos !== change.uuid) refuse(`guard: ${port.name} has another limit`);
      tables.qos.set(change.uuid, edited(row, change.edit));
      return port.qos;
    }
    case 'delete':
      if (port.qos !== change.uuid || !tables.qos.delete(change.uuid)) refuse(`guard: limit of ${port.name}`);
      return undefined;
  }
}

function repair(tables: Tables, action: OfKind<'repair'>): void {
  const port = guarded(tables, action.rows);
  const interfaces = port.interfaces.map((entry) => {
    if (entry.uuid !== action.rows.interfaceUuid) return entry;
    const after = edited(entry, action.interfaceEdit);
    return after.type === entry.type ? after : { ...after, ofport: undefined };
  });
  tables.ports.set(port.name, {
    ...edited(port, action.portEdit),
    interfaces,
    qos: changedQos(tables, port, action.qos),
  });
}

function detach(tables: Tables, action: OfKind<'detach'>): void {
  const port = guarded(tables, action.rows);
  if (tables.before.bridges.get(port.bridge)?.uuid !== action.bridgeUuid)
    refuse('guard: the port is on another bridge');
  if (!tables.ports.delete(port.name)) refuse(`${port.name} is removed twice`);
  if (action.qosUuid !== undefined && port.qos !== action.qosUuid) refuse(`guard: limit of ${port.name}`);
  if (action.qosUuid !== undefined) tables.qos.delete(action.qosUuid);
}

function dropQos(tables: Tables, { uuid, owner }: OfKind<'dropQos'>): void {
  const row = tables.before.qos.get(uuid) ?? refuse(`no QoS ${uuid}`);
  if (row.externalIds.get('dpu-agent-owner') !== owner) refuse(`guard: ${uuid} is not of ${owner}`);
  if ([...tables.before.ports.values()].some(({ qos }) => qos === uuid)) refuse(`guard: a port uses ${uuid}`);
  tables.qos.delete(uuid);
}

/** The world after the actions were committed in one transaction. @throws for what the database would refuse */
export function applyAttach(before: AttachObserved, actions: readonly AttachAction[], stamp: number): AttachObserved {
  const tables: Tables = { before, ports: new Map(before.ports), qos: new Map(before.qos), stamp };
  for (const action of actions) {
    if (action.kind === 'attach') attach(tables, action);
    else if (action.kind === 'repair') repair(tables, action);
    else if (action.kind === 'detach') detach(tables, action);
    else dropQos(tables, action);
  }
  for (const { name, qos } of tables.ports.values()) {
    if (qos !== undefined && !tables.qos.has(qos)) refuse(`${name} refers to a QoS row that is deleted`);
  }
  return { ...before, ports: tables.ports, qos: tables.qos };
}

/** The world after the kernel has changed the links. */
export function applyLinks(before: AttachObserved, changes: readonly LinkChange[]): AttachObserved {
  const netdevs = new Map(before.netdevs);
  for (const { name, mtu, isUp } of changes) {
    const netdev = netdevs.get(name);
    if (netdev === undefined) throw new Error(`link of ${name}, which is not there`);
    netdevs.set(name, { ...netdev, mtu: mtu ?? netdev.mtu, isUp: isUp ?? netdev.isUp });
  }
  return { ...before, netdevs };
}

/** What vswitchd has opened a device as. */
function opened(main: ObservedInterface, netdev: Netdev | undefined, free: () => number): ObservedInterface {
  if (netdev === undefined) return { ...main, ofport: -1, ifindex: undefined, linkState: undefined };
  const isOpen = main.ofport !== undefined && main.ofport > 0;
  const linkState = netdev.isUp ? 'up' : 'down';
  return isOpen ? { ...main, linkState } : { ...main, ofport: free(), ifindex: netdev.ifindex, linkState };
}

/** The world after vswitchd has opened what it can, and ovn-controller has installed what it knows. */
export function settleSwitch(before: AttachObserved): AttachObserved {
  const netdevs = new Map(before.netdevs);
  const taken = [...before.ports.values()].flatMap((port) => port.interfaces.map(({ ofport }) => ofport ?? 0));
  let last = Math.max(0, ...taken);
  const settle = (main: ObservedInterface): ObservedInterface => {
    if (main.type !== '' && main.type !== 'dpdk') return main;
    const netdev = netdevs.get(main.name);
    const next = opened(main, netdev, () => (last += 1));
    if (netdev !== undefined && next.ofport !== main.ofport) netdevs.set(main.name, { ...netdev, isPromiscuous: true });
    if (next.ofport === undefined || next.ofport <= 0 || !next.externalIds.has('iface-id')) return next;
    return { ...next, externalIds: new Map([...next.externalIds, ['ovn-installed', 'true']]) };
  };
  const ports = [...before.ports].map(([name, port]): [string, ObservedPort] => [
    name,
    { ...port, interfaces: port.interfaces.map(settle) },
  ]);
  return { ...before, ports: new Map(ports), netdevs };
}
