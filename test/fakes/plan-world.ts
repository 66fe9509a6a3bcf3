/**
 * A model of what the Open vSwitch database and ovs-vswitchd do with a plan's actions: `apply(observed, actions)` is the
 * world after the transaction was committed and the daemon carried it out. Pure, and strict: it throws for whatever the
 * database would refuse (unknown row, name used twice, port without interface), because a planner must not ask for it.
 */

import type { Netdev } from '../../src/model/netdev.js';
import type { Observed, ObservedBridge, ObservedInterface, ObservedPort } from '../../src/model/observed.js';
import type { StringMap } from '../../src/model/ownership.js';
import type { Action, CellValue, RowEdit } from '../../src/plan/action.js';
import { bridgeRow, interfaceRow, portRow } from './plan-rows.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type MutablePort = Mutable<Omit<ObservedPort, 'interfaces'>> & { interfaces: Mutable<ObservedInterface>[] };

/** The database's tables by uuid. */
interface Tables {
  readonly bridges: Map<string, Mutable<ObservedBridge>>;
  readonly ports: Map<string, MutablePort>;
  /** Bridges that this transaction created, by name. */
  readonly fresh: Map<string, string>;
  readonly stamp: number;
}

function require<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the database would refuse: ${what}`);
  return value;
}

const bridgeFields = { datapath_type: 'datapathType', fail_mode: 'failMode', protocols: 'protocols' } as const;
const portFields = { tag: 'tag', trunks: 'trunks', vlan_mode: 'vlanMode' } as const;
const interfaceFields = { type: 'type', ofport_request: 'ofportRequest', mtu_request: 'mtuRequest' } as const;
const bridgeMaps = { other_config: 'otherConfig', external_ids: 'externalIds' } as const;
const portMaps = bridgeMaps;
const interfaceMaps = { options: 'options', external_ids: 'externalIds' } as const;

function checkCell(column: string, value: CellValue): void {
  if (typeof value === 'object' && new Set<string | number>(value).size !== value.length) {
    throw new Error(`the database would refuse: ${column} names a member twice`);
  }
  if (column === 'ofport_request' && typeof value === 'number' && (value < 1 || value > 65279)) {
    throw new Error(`the database would refuse: ofport_request ${value}`);
  }
}

/** Carries out one edit; columns and maps by their names in the schema. */
function edit(
  row: object,
  change: RowEdit,
  fields: Readonly<Record<string, string>>,
  maps: Readonly<Record<string, string>>,
): void {
  const cells: Record<string, unknown> = {};
  for (const [column, value] of change.set) {
    checkCell(column, value);
    cells[require(fields[column], `column ${column}`)] = value;
  }
  const before = row as Readonly<Record<string, unknown>>;
  for (const column of new Set([...change.setKeys.keys(), ...change.deleteKeys.keys()])) {
    const field = require(maps[column], `map column ${column}`);
    const map = new Map(before[field] as StringMap);
    for (const key of change.deleteKeys.get(column) ?? []) map.delete(key);
    for (const [key, value] of change.setKeys.get(column) ?? []) map.set(key, value);
    cells[field] = map;
  }
  Object.assign(row, cells);
}

function findInterface(tables: Tables, uuid: string): Mutable<ObservedInterface> {
  const all = [...tables.ports.values()].flatMap((port) => port.interfaces);
  return require(all.find((entry) => entry.uuid === uuid), `no interface ${uuid}`);
}

function bridgeNamed(tables: Tables, name: string, uuid: string | undefined): Mutable<ObservedBridge> {
  const bridge = require(tables.bridges.get(uuid ?? tables.fresh.get(name) ?? ''), `no bridge ${name}`);
  if (bridge.name !== name) throw new Error(`bridge ${uuid ?? ''} is ${bridge.name}, not ${name}`);
  return bridge;
}

function createBridge(tables: Tables, action: Extract<Action, { kind: 'createBridge' }>): void {
  const uuid = `bridge-${action.object.name}-${tables.stamp}`;
  const row: Mutable<ObservedBridge> = { ...bridgeRow(action.object.name), uuid, datapathId: undefined };
  edit(row, action.row, bridgeFields, bridgeMaps);
  tables.bridges.set(uuid, row);
  tables.fresh.set(row.name, uuid);
}

function createPort(tables: Tables, action: Extract<Action, { kind: 'createPort' }>): void {
  const { name } = action.object;
  const bridge = bridgeNamed(tables, action.bridge, action.bridgeUuid);
  const main: Mutable<ObservedInterface> = {
    ...interfaceRow(name, { type: '', ofport: undefined, mtu: undefined, linkState: undefined }),
    uuid: `interface-${name}-${tables.stamp}`,
  };
  edit(main, action.interface, interfaceFields, interfaceMaps);
  const port: MutablePort = { ...portRow(name, bridge.name), uuid: `port-${name}-${tables.stamp}`, interfaces: [main] };
  edit(port, action.port, portFields, portMaps);
  tables.ports.set(port.uuid, port);
}

function movePort(tables: Tables, action: Extract<Action, { kind: 'movePort' }>): void {
  const port = require(tables.ports.get(action.uuid), `no port ${action.uuid}`);
  if (bridgeNamed(tables, action.from, action.fromUuid).name !== port.bridge) throw new Error('moved from elsewhere');
  port.bridge = bridgeNamed(tables, action.to, action.toUuid).name;
  for (const entry of port.interfaces) entry.ofport = undefined;
}

function dropInterfaces(tables: Tables, action: Extract<Action, { kind: 'dropInterfaces' }>): void {
  const port = require(tables.ports.get(action.uuid), `no port ${action.uuid}`);
  const rest = port.interfaces.filter((entry) => !action.interfaceUuids.includes(entry.uuid));
  if (rest.length + action.interfaceUuids.length !== port.interfaces.length)
    throw new Error('drops an unknown interface');
  if (rest.length === 0) throw new Error('the database would refuse: a port without interface');
  port.interfaces = rest;
}

function act(tables: Tables, action: Action): void {
  switch (action.kind) {
    case 'createBridge': {
      createBridge(tables, action);
      return;
    }
    case 'editBridge': {
      edit(require(tables.bridges.get(action.uuid), 'no such bridge'), action.edit, bridgeFields, bridgeMaps);
      return;
    }
    case 'createPort': {
      createPort(tables, action);
      return;
    }
    case 'editPort': {
      edit(require(tables.ports.get(action.uuid), 'no such port'), action.edit, portFields, portMaps);
      return;
    }
    case 'editInterface': {
      const row = findInterface(tables, action.uuid);
      edit(row, action.edit, interfaceFields, interfaceMaps);
      // Another type is another kind of port: vswitchd closes the old one.
      if (action.edit.set.has('type')) row.ofport = undefined;
      return;
    }
    case 'movePort': {
      movePort(tables, action);
      return;
    }
    case 'dropInterfaces': {
      dropInterfaces(tables, action);
      return;
    }
    case 'deletePort': {
      const port = require(tables.ports.get(action.uuid), `no port ${action.uuid}`);
      const bridge = require(tables.bridges.get(action.bridgeUuid), `no bridge ${action.bridgeUuid}`);
      if (bridge.name !== port.bridge) throw new Error(`port ${port.name} is not on ${bridge.name}`);
      tables.ports.delete(action.uuid);
      return;
    }
    case 'deleteBridge': {
      const bridge = require(tables.bridges.get(action.uuid), `no bridge ${action.uuid}`);
      for (const port of [...tables.ports.values()]) if (port.bridge === bridge.name) tables.ports.delete(port.uuid);
      tables.bridges.delete(action.uuid);
    }
  }
}

function checkUnique(what: string, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`the database would refuse: two ${what} named ${twice}`);
}

/** Interfaces that have the name of a bridge and are not its local port: vswitchd cannot make both. */
function nameClashes(bridges: Iterable<ObservedBridge>, ports: Iterable<ObservedPort>): readonly string[] {
  const names = new Set([...bridges].map((row) => row.name));
  const elsewhere = [...ports].flatMap((port) => port.interfaces.filter((entry) => entry.name !== port.bridge));
  return elsewhere.map((entry) => entry.name).filter((name) => names.has(name));
}

/** Bridges for which vswitchd makes a switch. It drops those whose datapath type it does not know without a word. */
function madeBridges(tables: Tables, datapathTypes: readonly string[]): ReadonlySet<string> {
  const isOffered = (type: string): boolean =>
    type === '' || datapathTypes.length === 0 || datapathTypes.includes(type);
  return new Set([...tables.bridges.values()].filter((row) => isOffered(row.datapathType)).map((row) => row.name));
}

/** Whether the interface can be opened, and with which error not. */
function openError(entry: ObservedInterface, tables: Tables, netdevs: ReadonlyMap<string, Netdev>): string | undefined {
  if (entry.type === '' && !netdevs.has(entry.name)) return `could not open network device ${entry.name}`;
  if (entry.type !== 'patch') return undefined;
  const peer = entry.options.get('peer');
  if (peer === undefined || peer === entry.name) return `bad patch options of ${entry.name}`;
  const other = [...tables.ports.values()].find((port) => port.name === peer)?.interfaces[0];
  return other?.options.get('peer') === entry.name ? undefined : `No usable peer '${peer}' exists`;
}

/** Gives out OpenFlow numbers as vswitchd does: requests that are free are met, others keep theirs or get the next. */
function numberPorts(entries: readonly Mutable<ObservedInterface>[], failed: ReadonlySet<ObservedInterface>): void {
  const used = new Set<number>();
  const open: Mutable<ObservedInterface>[] = [];
  const keep = (entry: Mutable<ObservedInterface>, number: number | undefined): boolean => {
    if (number === undefined || number <= 0 || used.has(number)) return false;
    used.add(number);
    entry.ofport = number;
    return true;
  };
  for (const entry of entries) {
    if (failed.has(entry)) entry.ofport = -1;
    else if (entry.ofport !== entry.ofportRequest || !keep(entry, entry.ofportRequest)) open.push(entry);
  }
  const unmet = open.filter((entry) => !keep(entry, entry.ofportRequest));
  const fresh = unmet.filter((entry) => !keep(entry, entry.ofport));
  let next = 1;
  for (const entry of fresh) {
    while (used.has(next)) next += 1;
    keep(entry, next);
  }
}

function settleInterface(
  entry: Mutable<ObservedInterface>,
  bridge: ObservedBridge,
  devices: Map<string, Netdev>,
  wasOpen: boolean,
  error: string | undefined,
): void {
  const device = entry.type === '' ? devices.get(entry.name) : undefined;
  entry.error = error;
  entry.mtu = entry.mtuRequest ?? entry.mtu ?? 1500;
  entry.linkState = 'up';
  entry.ifindex = device?.ifindex;
  entry.macInUse = entry.name === bridge.name ? (bridge.otherConfig.get('hwaddr') ?? entry.macInUse) : entry.macInUse;
  // A device is put into promiscuous mode when it is opened, and only then.
  if (device !== undefined && !wasOpen && entry.ofport !== undefined && entry.ofport > 0) {
    devices.set(entry.name, { ...device, isPromiscuous: true });
  }
}

/** What vswitchd makes of the rows of one bridge. */
function settleBridge(bridge: Mutable<ObservedBridge>, tables: Tables, devices: Map<string, Netdev>): void {
  bridge.datapathId = bridge.otherConfig.get('datapath-id') ?? bridge.datapathId ?? '0000020000000001';
  const entries = [...tables.ports.values()]
    .filter((port) => port.bridge === bridge.name)
    .flatMap((port) => port.interfaces);
  const open = new Set(entries.filter((entry) => entry.ofport !== undefined && entry.ofport > 0));
  const errors = new Map(entries.map((entry) => [entry, openError(entry, tables, devices)]));
  // A patch port without usable peer gets a number all the same.
  const failed = entries.filter((entry) => errors.get(entry)?.startsWith('No usable peer') === false);
  const local = entries.find((entry) => entry.name === bridge.name);
  numberPorts(
    entries.filter((entry) => entry !== local),
    new Set(failed),
  );
  if (local !== undefined) local.ofport = 65534;
  for (const entry of entries) settleInterface(entry, bridge, devices, open.has(entry), errors.get(entry));
}

/** The world after vswitchd has carried out what the tables say. */
function settle(observed: Observed, tables: Tables): Observed {
  const made = madeBridges(tables, observed.root.datapathTypes);
  const netdevs = new Map(observed.netdevs);
  for (const bridge of tables.bridges.values()) if (made.has(bridge.name)) settleBridge(bridge, tables, netdevs);
  const bridges = [...tables.bridges.values()];
  return {
    root: { ...observed.root, curCfg: tables.stamp, nextCfg: tables.stamp },
    bridges: new Map(bridges.map((row) => [row.name, row])),
    ports: new Map([...tables.ports.values()].map((row) => [row.name, row])),
    netdevs,
    liveness: {
      answering: made,
      silent: new Set(bridges.map(({ name }) => name).filter((name) => !made.has(name))),
      denied: new Set(),
    },
  };
}

/** The world after the transaction of `actions`; with none, after vswitchd has looked at what is there. */
export function apply(observed: Observed, actions: readonly Action[]): Observed {
  const ports = [...observed.ports.values()].map((port) => ({
    ...port,
    interfaces: port.interfaces.map((entry) => ({ ...entry })),
  }));
  const tables: Tables = {
    bridges: new Map([...observed.bridges.values()].map((row) => [row.uuid, { ...row }])),
    ports: new Map(ports.map((row) => [row.uuid, row])),
    fresh: new Map(),
    stamp: observed.root.nextCfg + 1,
  };
  for (const action of actions) act(tables, action);
  const rows = [...tables.ports.values()];
  checkUnique(
    'bridges',
    [...tables.bridges.values()].map((row) => row.name),
  );
  checkUnique(
    'ports',
    rows.map((row) => row.name),
  );
  checkUnique(
    'interfaces',
    rows.flatMap((row) => row.interfaces.map((entry) => entry.name)),
  );
  const before = new Set(nameClashes(observed.bridges.values(), observed.ports.values()));
  const clash = nameClashes(tables.bridges.values(), rows).find((name) => !before.has(name));
  if (clash !== undefined) throw new Error(`vswitchd could not make both the bridge and the port ${clash}`);
  return settle(observed, tables);
}
