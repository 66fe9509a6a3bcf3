/**
 * The counters of all interfaces, followed by a session of its own: ovs-vswitchd writes them every 5 s
 * (other_config:stats-update-interval) for every port, and the session of the reconcile loops is not to be woken by that.
 * Nobody is asked anything: the server tells what changed.
 *
 * Which bridge an interface is on is not read here; the loops' session knows it.
 */

import type { InterfaceTotals } from '../agent/totals-watch.js';
import type { InterfaceCounterSource, InterfaceReading } from '../agent/stats-ports.js';
import { ifaceIdKey, ifaceIdVerKey } from '../attach/row-identity.js';
import type { BothWays, WayCounters } from '../chain/port-counters.js';
import type { OpenVswitchDatabase } from '../gen/open-vswitch.js';
import type { Clock } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import {
  OvsdbClient,
  type ChangeSet,
  type OvsdbClientOptions,
  type Row,
  type RowChange,
  type Value,
} from '../ovsdb/index.js';
import { countedSincePlug, recordPlug, type PlugRecord } from './plug-counters.js';

export interface InterfaceCountersOptions extends Pick<
  OvsdbClientOptions<OpenVswitchDatabase>,
  'endpoints' | 'tls' | 'probeMs'
> {
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * One counter of ovs-vswitchd.conf.db(5), Interface, Statistics. A device that does not count something has no key for it.
 * Counters of 64 bits are written into signed integers: one that looks negative is beyond what the column can say.
 */
function counter(statistics: ReadonlyMap<unknown, unknown>, key: string): bigint | undefined {
  const value = statistics.get(key);
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  return value < 0 ? undefined : BigInt(value);
}

function countersOf(statistics: ReadonlyMap<unknown, unknown>, way: 'rx' | 'tx'): WayCounters {
  return {
    packets: counter(statistics, `${way}_packets`),
    bytes: counter(statistics, `${way}_bytes`),
    drops: counter(statistics, `${way}_dropped`),
    errors: counter(statistics, `${way}_errors`),
  };
}

/**
 * Undefined while ovs-vswitchd has counted nothing. `rx` is into the switch, by the same chapter: "received" and "transmitted"
 * are told from the side of the switch.
 */
function countersIn(statistics: Value): BothWays | undefined {
  if (!(statistics instanceof Map) || statistics.size === 0) return undefined;
  return { received: countersOf(statistics, 'rx'), sent: countersOf(statistics, 'tx') };
}

/** The pod, as those who plug pods write it (ovn-controller(8), external_ids:iface-id); its sandbox may change. */
function holderIn(externalIds: Value): string {
  if (!(externalIds instanceof Map)) return '';
  const ids: ReadonlyMap<unknown, unknown> = externalIds;
  return JSON.stringify([ifaceIdKey, ifaceIdVerKey].map((key) => ids.get(key) ?? null));
}

const nothing: WayCounters = { packets: undefined, bytes: undefined, drops: undefined, errors: undefined };

interface Kept {
  readonly record: PlugRecord;
  readonly reading: InterfaceReading;
  /** Undefined: the interface does not count it. */
  readonly mtuDrops: number | undefined;
}

/**
 * Packets that were longer than the MTU of the port that they were to leave by: Open vSwitch itself counts them, for ports of
 * DPDK (netdev-dpdk.c, netdev_dpdk_get_sw_custom_stats).
 */
function mtuDropsIn(statistics: Value): number | undefined {
  const count = statistics instanceof Map ? counter(statistics, 'ovs_tx_mtu_exceeded_drops') : undefined;
  return count === undefined ? undefined : Number(count);
}

export class InterfaceCounters implements InterfaceCounterSource {
  readonly #client: OvsdbClient<OpenVswitchDatabase>;
  readonly #clock: Clock;
  readonly #readings = new Map<string, Kept>();
  #version = 0;
  #countedMs: number | undefined;
  /** Of the version that they were made from. */
  #totals: { readonly version: number; readonly value: InterfaceTotals } | undefined;

  /** @throws AgentError ENDPOINT_INVALID */
  constructor(options: InterfaceCountersOptions) {
    const { endpoints, tls, probeMs, clock, random } = options;
    this.#clock = clock;
    this.#client = new OvsdbClient<OpenVswitchDatabase>({
      endpoints,
      database: 'Open_vSwitch',
      monitor: { Interface: { columns: ['name', 'statistics', 'external_ids'] } },
      clock,
      random,
      tls,
      ...(probeMs === undefined ? {} : { probeMs }),
    });
    this.#client.onChange((changes) => this.#take(changes));
  }

  /** Begins to follow the counters; once. */
  start(): void {
    this.#client.start();
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  reading(name: string): InterfaceReading | undefined {
    return this.#readings.get(name)?.reading;
  }

  problem(): string | undefined {
    const { state } = this.#client;
    if (state.kind === 'synced') {
      return this.#client.presence('Interface', 'statistics')
        ? undefined
        : 'The schema of the database has no counters of interfaces.';
    }
    const why = state.lastError === undefined ? '' : `: ${state.lastError.message}`;
    return safeText(`The counters of interfaces are not followed now, what is shown is older${why}.`, 512);
  }

  version(): number {
    return this.#version;
  }

  /**
   * Packets of all interfaces, received and sent together; undefined before the database was read once. The same value as
   * long as nothing arrives, another one afterwards: it can be kept.
   */
  totals(): InterfaceTotals | undefined {
    if (this.#version === 0) return undefined;
    if (this.#totals?.version !== this.#version) this.#totals = { version: this.#version, value: this.#addUp() };
    return this.#totals.value;
  }

  #addUp(): InterfaceTotals {
    const packets = new Map<string, number>();
    const mtuDrops = new Map<string, number>();
    for (const [name, { reading, mtuDrops: drops }] of this.#readings) {
      const { received, sent } = reading;
      if (received.packets !== undefined || sent.packets !== undefined) {
        packets.set(name, Number((received.packets ?? 0n) + (sent.packets ?? 0n)));
      }
      if (drops !== undefined) mtuDrops.set(name, drops);
    }
    return { atMs: this.#countedMs, packets, mtuDrops };
  }

  /** Names of interfaces are unique in the table and never change (schema of Open_vSwitch). */
  #take({ cause, changes }: ChangeSet): void {
    this.#version += 1;
    if (cause === 'update' && changes.some(isCounting)) this.#countedMs = this.#clock.nowMs();
    const wallMs = this.#clock.wallMs();
    // Rows that went first: one that was made anew has the same name.
    for (const change of changes) if (change.kind === 'delete') this.#readings.delete(nameOf(change.old));
    for (const change of changes) {
      if (change.kind === 'delete') continue;
      const { row, uuid } = change;
      const name = nameOf(row);
      const counters = countersIn(row['statistics']);
      const now = { uuid, holder: holderIn(row['external_ids']), counters, wallMs };
      const record = recordPlug(this.#readings.get(name)?.record, now);
      const { received, sent } = counters ?? { received: nothing, sent: nothing };
      this.#readings.set(name, {
        record,
        reading: { wallMs, uuid, received, sent, plugged: countedSincePlug(record) },
        mtuDrops: mtuDropsIn(row['statistics']),
      });
    }
  }
}

/**
 * Whether ovs-vswitchd wrote counters. Others write other columns of the same rows; and what a reload brings may be of an
 * ovs-vswitchd that has long been gone.
 */
function isCounting(change: RowChange): boolean {
  return change.kind === 'modify' && change.columns.includes('statistics');
}

function nameOf(row: Row): string {
  const { name } = row;
  return typeof name === 'string' ? name : '';
}
