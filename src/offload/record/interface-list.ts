/**
 * The interfaces of the switch as facts. Rows are made anew only where something of them changed: there may be a thousand, and
 * they are asked for every second.
 */

import { known, type Fact } from '../../model/fact.js';
import type { NetdevMap } from '../../model/netdev.js';
import type { ObservedInterface, ObservedPort } from '../../model/observed.js';
import { isOwnedBy, podsMark } from '../../model/ownership.js';
import type { InterfaceFacts } from '../offload-facts.js';
import { CounterTable } from './counter-growth.js';
import { Since } from './since.js';

type Ports = ReadonlyMap<string, ObservedPort>;

/** Flaps and drops count over this window, ms. */
const portWindowMs = 5 * 60_000;
/** Resets of links are looked at in the database this often, ms. */
const resetsPeriodMs = 10_000;

interface Made {
  readonly row: ObservedInterface;
  readonly facts: InterfaceFacts;
}

export class InterfaceList {
  readonly #owners: readonly string[];
  readonly #broken = new Since();
  readonly #open = new Since();
  readonly #absent = new Since();
  readonly #resets = new CounterTable({ windowMs: portWindowMs, isAbsentZero: false });
  readonly #drops = new CounterTable({ windowMs: portWindowMs, isAbsentZero: false });
  #ports: Ports | undefined;
  #devices: NetdevMap | undefined;
  #resetTotals: ReadonlyMap<string, number> = new Map();
  #made: ReadonlyMap<string, Made> = new Map();
  #list: Fact<readonly InterfaceFacts[]> = known([]);
  /** What the list was made for last: several ask in one look. Undefined: something was noted since. */
  #madeFor: { readonly lookedAtMs: number | undefined; readonly nowMs: number } | undefined;

  constructor(owner: string) {
    this.#owners = [owner, podsMark(owner)];
  }

  notePorts(ports: Ports, nowMs: number): void {
    if (ports === this.#ports) return;
    this.#ports = ports;
    this.#madeFor = undefined;
    const broken: string[] = [];
    const open: string[] = [];
    const resets = new Map<string, number>();
    for (const { interfaces } of ports.values()) {
      for (const row of interfaces) {
        if (isWithoutNumber(row)) broken.push(row.name);
        else open.push(row.name);
        resets.set(row.name, row.linkResets);
      }
    }
    this.#broken.note(broken, nowMs);
    this.#open.note(open, nowMs);
    this.#resetTotals = resets;
    this.#noteAbsent(nowMs);
  }

  /** @param devices of the kernel */
  noteDevices(devices: NetdevMap, nowMs: number): void {
    this.#devices = devices;
    this.#madeFor = undefined;
    this.#noteAbsent(nowMs);
  }

  /** @param totals packets that exceeded the MTU, by name of the interface */
  noteDrops(totals: ReadonlyMap<string, number>, atMs: number): void {
    this.#drops.add(atMs, totals);
    this.#madeFor = undefined;
  }

  /** Another ovs-vswitchd counts anew. */
  clearCounters(): void {
    this.#resets.clear();
    this.#drops.clear();
    this.#madeFor = undefined;
  }

  /**
   * The same list while nothing has changed.
   * @param lookedAtMs when the ports were last looked at by what is seldom asked; undefined: never
   */
  facts(lookedAtMs: number | undefined, nowMs: number): Fact<readonly InterfaceFacts[]> {
    if (this.#madeFor?.nowMs === nowMs && this.#madeFor.lookedAtMs === lookedAtMs) return this.#list;
    this.#madeFor = { lookedAtMs, nowMs };
    if (nowMs >= (this.#resets.newestAtMs ?? -Infinity) + resetsPeriodMs) this.#resets.add(nowMs, this.#resetTotals);
    const resets = recent(this.#resets, nowMs);
    const drops = recent(this.#drops, nowMs);
    const made = new Map<string, Made>();
    const sinceMs = (firstMs: number | undefined): number => (firstMs === undefined ? 0 : Math.max(0, nowMs - firstMs));
    let isSame = true;
    for (const { bridge, interfaces } of this.#ports?.values() ?? []) {
      for (const row of interfaces) {
        const { name } = row;
        const counts = {
          isNew: (this.#open.firstMs(name) ?? -Infinity) > (lookedAtMs ?? Infinity),
          brokenMs: sinceMs(this.#broken.firstMs(name)),
          absentMs: sinceMs(this.#absent.firstMs(name)),
          linkResets: resets.get(name) ?? 0,
          mtuDrops: drops.get(name) ?? 0,
        };
        const before = this.#made.get(name);
        if (before !== undefined && isEqual(before, row, bridge, counts)) made.set(name, before);
        else {
          isSame = false;
          made.set(name, { row, facts: { ...this.#describe(row, bridge), ...counts } });
        }
      }
    }
    if (isSame && made.size === this.#made.size) return this.#list;
    this.#made = made;
    this.#list = known([...made.values()].map(({ facts }) => facts));
    return this.#list;
  }

  #noteAbsent(nowMs: number): void {
    const devices = this.#devices;
    if (devices === undefined) return;
    const rows = [...(this.#ports?.values() ?? [])].flatMap(({ interfaces }) => interfaces);
    const absent = rows.filter((row) => needsDevice(row) && !devices.has(row.name));
    this.#absent.note(
      absent.map(({ name }) => name),
      nowMs,
    );
  }

  #describe(row: ObservedInterface, bridge: string): Omit<InterfaceFacts, keyof Counts> {
    const { name, type, options, otherConfig, ofport, error, linkState, mtu, mtuRequest, externalIds } = row;
    return {
      ...{ name, bridge, type, options, otherConfig, ofport, error, linkState, mtu, mtuRequest },
      isOwn: this.#owners.some((owner) => isOwnedBy(externalIds, owner)),
      ifaceId: externalIds.get('iface-id'),
    };
  }
}

type Counts = Pick<InterfaceFacts, 'isNew' | 'brokenMs' | 'absentMs' | 'linkResets' | 'mtuDrops'>;

/** Not opened, not assigned a number yet, or with an error. */
function isWithoutNumber({ ofport, error }: ObservedInterface): boolean {
  return ofport === undefined || ofport === -1 || (error ?? '') !== '';
}

/**
 * Whether it is a device of the kernel that ovs-vswitchd does not see either: it sets ifindex to 0 once the device is gone, and
 * changes nothing else (bridge.c, iface_refresh_netdev_status). One that it does see is in another network namespace.
 */
function needsDevice({ type, ifindex }: ObservedInterface): boolean {
  return (type === '' || type === 'system') && (ifindex ?? 0) === 0;
}

function isEqual({ row: before, facts }: Made, row: ObservedInterface, bridge: string, counts: Counts): boolean {
  return (
    before === row &&
    facts.bridge === bridge &&
    facts.isNew === counts.isNew &&
    facts.brokenMs === counts.brokenMs &&
    facts.absentMs === counts.absentMs &&
    facts.linkResets === counts.linkResets &&
    facts.mtuDrops === counts.mtuDrops
  );
}

const none: ReadonlyMap<string, number> = new Map();

/** Growth in the window up to now; what nobody counts any more has left it. */
function recent(table: CounterTable, nowMs: number): ReadonlyMap<string, number> {
  const isOver = nowMs - (table.newestAtMs ?? -Infinity) >= portWindowMs;
  return isOver ? none : (table.read()?.growth ?? none);
}
