/**
 * Counters of network devices, as `ip` and `ethtool` write them. Pure.
 *
 * Of a representor the kernel's usual counters are those of its virtual port, hardware and software together; what of it the CPU
 * saw is a group of its own: IFLA_OFFLOAD_XSTATS_CPU_HIT of RTM_GETSTATS (include/uapi/linux/if_link.h; ip-stats(8)). mlx5 gives
 * both (mlx5e_rep_get_stats and mlx5e_rep_get_offload_stats of drivers/net/ethernet/mellanox/mlx5/core/en_rep.c), but not of one
 * moment: asking for the former makes it read the hardware in the background "for next time", so they are as old as the reading
 * before, whereas the latter is of now. After a burst the CPU can so seem to have seen more than there was.
 */

import { isObject, type JsonObject } from './tool-answer.js';

/** Totals since the device was made, both directions. */
export interface LinkCounters {
  readonly ifindex: number;
  readonly packets: number;
  readonly bytes: number;
  /** What the CPU saw; undefined: the driver does not count it, or it was not asked this time. */
  readonly cpuPackets: number | undefined;
  readonly cpuBytes: number | undefined;
}

interface Totals {
  readonly packets: number;
  readonly bytes: number;
}

/**
 * The kernel counts in 64 bits. Above 2^53 a number of JavaScript is the nearest it has, at most 1 KiB off: rounding keeps the
 * order, so that a total never seems to shrink. At 2^63 no device arrives; a driver that writes -1 does.
 */
const countMax = 2 ** 63;

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < countMax && Number.isInteger(value);
}

/** `stats64` of print_stats64 (iproute2, ip/ipaddress.c); `stats` is the 32-bit form of old kernels. */
function totalsOf(row: JsonObject): Totals | undefined {
  const stats = row['stats64'] ?? row['stats'];
  if (!isObject(stats)) return undefined;
  const { rx, tx } = stats;
  if (!isObject(rx) || !isObject(tx)) return undefined;
  const counts = [rx['packets'], tx['packets'], rx['bytes'], tx['bytes']];
  if (!counts.every(isCount)) return undefined;
  const [rxPackets = 0, txPackets = 0, rxBytes = 0, txBytes = 0] = counts;
  return { packets: rxPackets + txPackets, bytes: rxBytes + txBytes };
}

interface NamedRow {
  readonly name: string;
  readonly ifindex: number;
}

function namedRow(row: JsonObject, names: ReadonlySet<string>): NamedRow | undefined {
  const { ifname, ifindex } = row;
  if (typeof ifname !== 'string' || !names.has(ifname)) return undefined;
  return isCount(ifindex) ? { name: ifname, ifindex } : undefined;
}

/** Counters of the devices `names` in the rows of `ip -j -s link show`: no count of what the CPU saw. */
export function linkCounters(
  rows: readonly JsonObject[],
  names: ReadonlySet<string>,
): ReadonlyMap<string, LinkCounters> {
  const found = new Map<string, LinkCounters>();
  for (const row of rows) {
    const named = namedRow(row, names);
    const totals = totalsOf(row);
    if (named === undefined || totals === undefined) continue;
    found.set(named.name, { ifindex: named.ifindex, ...totals, cpuPackets: undefined, cpuBytes: undefined });
  }
  return found;
}

/**
 * Counters of the devices `names` in the rows of `ip -j stats show group link group offload subgroup cpu_hit`: a row for each
 * device and group, one without numbers where the driver has none (ipstats_show_64 of iproute2, ip/ipstats.c).
 */
export function statsCounters(
  rows: readonly JsonObject[],
  names: ReadonlySet<string>,
): ReadonlyMap<string, LinkCounters> {
  const found = new Map(
    linkCounters(
      rows.filter(({ group }) => group === 'link'),
      names,
    ),
  );
  for (const row of rows) {
    if (row['group'] !== 'offload' || row['subgroup'] !== 'cpu_hit') continue;
    const named = namedRow(row, names);
    const totals = totalsOf(row);
    const device = named === undefined ? undefined : found.get(named.name);
    // Another number: the device was made anew while the kernel wrote its list.
    if (named === undefined || totals === undefined || device?.ifindex !== named.ifindex) continue;
    found.set(named.name, { ...device, cpuPackets: totals.packets, cpuBytes: totals.bytes });
  }
  return found;
}

/**
 * Counters of a representor of mlx5 as `ethtool -S` writes them: `vport_rx_packets` and its like count everything at its virtual
 * port, `rx_packets` what went through its network device (sw_rep_stats_desc, vport_rep_stats_desc of en_rep.c). Undefined: not
 * the output of a representor.
 */
export function ethtoolCounters(text: string): Omit<LinkCounters, 'ifindex'> | undefined {
  const counters = new Map<string, number>();
  for (const [, name = '', value] of text.matchAll(/^ *((?:vport_)?[rt]x_(?:packets|bytes)): ([0-9]{1,19})$/gm)) {
    const count = Number(value);
    if (isCount(count)) counters.set(name, count);
  }
  const sum = (first: string, second: string): number | undefined => {
    const [one, other] = [counters.get(first), counters.get(second)];
    return one === undefined || other === undefined ? undefined : one + other;
  };
  const packets = sum('vport_rx_packets', 'vport_tx_packets');
  const bytes = sum('vport_rx_bytes', 'vport_tx_bytes');
  if (packets === undefined || bytes === undefined) return undefined;
  return {
    packets,
    bytes,
    cpuPackets: sum('rx_packets', 'tx_packets'),
    cpuBytes: sum('rx_bytes', 'tx_bytes'),
  };
}
