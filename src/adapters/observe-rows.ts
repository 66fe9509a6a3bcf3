/**
 * Reads the replica's rows as the planner's observed bridges and ports. Rows are immutable, so what was made from one is
 * kept with it and made once; a round over ten thousand unchanged ports costs look-ups only.
 */

import type { OpenVswitchDatabase } from '../gen/open-vswitch.js';
import type { RowOf } from '../ovsdb/index.js';
import type { StoreSnapshot } from '../agent/ports.js';
import { ownerKey, type StringMap } from '../model/ownership.js';
import type { ObservedBridge, ObservedInterface, ObservedPort, ObservedQos, ObservedRoot } from '../model/observed.js';

type RootRow = RowOf<OpenVswitchDatabase, 'Open_vSwitch'>;
type BridgeRow = RowOf<OpenVswitchDatabase, 'Bridge'>;
type PortRow = RowOf<OpenVswitchDatabase, 'Port'>;
type InterfaceRow = RowOf<OpenVswitchDatabase, 'Interface'>;
type QosRow = RowOf<OpenVswitchDatabase, 'QoS'>;

/** The tables as the replica offers them. */
export interface RowSource {
  root(): RootRow | undefined;
  bridges(): Iterable<BridgeRow>;
  port(uuid: string): PortRow | undefined;
  interface(uuid: string): InterfaceRow | undefined;
  qos(): Iterable<QosRow>;
}

/** Values made from immutable rows, kept as long as the rows. */
function perRow<R extends object, T>(make: (row: R) => T): (row: R) => T {
  const made = new WeakMap<R, T>();
  return (row) => {
    const kept = made.get(row);
    if (kept !== undefined) return kept;
    const value = make(row);
    made.set(row, value);
    return value;
  };
}

/** OpenFlow numbers, MTUs and indexes: far below 2^53 by their definition, whatever the column could hold. */
const small = (value: number | bigint | undefined): number | undefined =>
  value === undefined ? undefined : Number(value);

/** A text column, empty where the server's schema has none. */
const text = (value: string | undefined): string => value ?? '';

/** A map column, empty where the server's schema has none: the replica leaves out what it was not sent. */
const mapOf = (value: StringMap | undefined): StringMap => value ?? noKeys;
const noKeys: StringMap = new Map();

const observeBridge = perRow((row: BridgeRow): ObservedBridge => ({
  uuid: row._uuid,
  name: row.name,
  datapathType: text(row.datapath_type),
  failMode: row.fail_mode,
  protocols: words(row.protocols),
  datapathId: row.datapath_id,
  hasSflow: row.sflow !== undefined,
  otherConfig: mapOf(row.other_config),
  externalIds: mapOf(row.external_ids),
}));

const observeInterface = perRow((row: InterfaceRow): ObservedInterface => ({
  uuid: row._uuid,
  name: row.name,
  // `system` and the empty string are the same type to vswitchd.
  type: row.type === 'system' ? '' : text(row.type),
  options: mapOf(row.options),
  ofport: small(row.ofport),
  ofportRequest: small(row.ofport_request),
  mtu: small(row.mtu),
  mtuRequest: small(row.mtu_request),
  error: row.error,
  linkState: row.link_state,
  linkResets: small(row.link_resets) ?? 0,
  ifindex: small(row.ifindex),
  macInUse: row.mac_in_use,
  policingRate: small(row.ingress_policing_rate) ?? 0,
  policingBurst: small(row.ingress_policing_burst) ?? 0,
  otherConfig: mapOf(row.other_config),
  externalIds: mapOf(row.external_ids),
}));

/** A port's value as it was made last; it holds as long as the port's row, its bridge, and its interfaces do. */
const madePorts = new WeakMap<PortRow, ObservedPort>();

function observePort(bridge: string, row: PortRow, source: RowSource): ObservedPort {
  const rows = row.interfaces.map((uuid) => source.interface(uuid)).filter((entry) => entry !== undefined);
  const interfaces = rows.map(observeInterface);
  const made = madePorts.get(row);
  const isSame =
    made?.bridge === bridge &&
    made.interfaces.length === interfaces.length &&
    made.interfaces.every((entry, index) => entry === interfaces[index]);
  if (isSame) return made;
  const port = {
    uuid: row._uuid,
    name: row.name,
    bridge,
    tag: small(row.tag),
    trunks: words(row.trunks).map(Number),
    vlanMode: row.vlan_mode,
    qos: row.qos,
    otherConfig: mapOf(row.other_config),
    externalIds: mapOf(row.external_ids),
    interfaces,
  };
  madePorts.set(row, port);
  return port;
}

const observeQos = perRow((row: QosRow): ObservedQos => ({
  uuid: row._uuid,
  type: text(row.type),
  otherConfig: mapOf(row.other_config),
  externalIds: mapOf(row.external_ids),
}));

/**
 * Only the rows that bear a mark: table QoS holds the rows of everybody, and each virtual machine of a cloud may have one.
 * A foreign row is never changed, and that a port refers to one shows in the port.
 */
function observeMarkedQos(rows: Iterable<QosRow>): ReadonlyMap<string, ObservedQos> {
  const marked = new Map<string, ObservedQos>();
  for (const row of rows) {
    if (mapOf(row.external_ids).has(ownerKey)) marked.set(row._uuid, observeQos(row));
  }
  return marked;
}

/** A set of words, empty where the server has no such column. */
function words(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** A truth value as Open vSwitch reads it: `true` in any case of its letters. */
function isTrue(map: unknown, key: string): boolean {
  return map instanceof Map && String(map.get(key)).toLowerCase() === 'true';
}

/** A version column that only some schemas have; ovs-vswitchd writes `none` without DPDK. */
function versionText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value !== 'none' ? value : undefined;
}

function observeRoot(row: RootRow): ObservedRoot {
  // Columns that only some schemas have (by version, or by NVIDIA's build); the replica leaves out the others.
  const extra = row as unknown as Readonly<Record<string, unknown>>;
  return {
    uuid: row._uuid,
    curCfg: small(row.cur_cfg) ?? 0,
    nextCfg: small(row.next_cfg) ?? 0,
    externalIds: mapOf(row.external_ids),
    otherConfig: mapOf(row.other_config),
    isRestoreAwaited: isTrue(extra['other_config'], 'flow-restore-wait'),
    datapathTypes: words(extra['datapath_types']),
    ifaceTypes: words(extra['iface_types']),
    ovsVersion: row.ovs_version,
    dpdkVersion: versionText(extra['dpdk_version']),
    docaVersion: versionText(extra['doca_version']),
    isDpdkInitialized: extra['dpdk_initialized'] === true,
    isDocaInitialized: extra['doca_initialized'] === true,
    initColumns: { dpdk: 'dpdk_initialized' in row, doca: 'doca_initialized' in row },
    statistics: mapOf(row.statistics),
  };
}

/** The database as the planner sees it; undefined while it has no Open_vSwitch row (it was never initialised). */
export function observeRows(source: RowSource): StoreSnapshot | undefined {
  const root = source.root();
  if (root === undefined) return undefined;
  const bridges = new Map<string, ObservedBridge>();
  const ports = new Map<string, ObservedPort>();
  for (const row of source.bridges()) {
    bridges.set(row.name, observeBridge(row));
    for (const uuid of row.ports) {
      const port = source.port(uuid);
      if (port !== undefined) ports.set(port.name, observePort(row.name, port, source));
    }
  }
  return { root: observeRoot(root), bridges, ports, qos: observeMarkedQos(source.qos()) };
}
