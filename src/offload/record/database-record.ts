/** What the database of Open vSwitch said last, as facts, and since when it has been so. Pure state. */

import { known, unknown, type Fact } from '../../model/fact.js';
import type { NetdevMap } from '../../model/netdev.js';
import type { ObservedBridge, ObservedPort, ObservedRoot } from '../../model/observed.js';
import type { EngineFacts } from '../engine-state.js';
import type { BridgeFacts, InterfaceFacts, OffloadFacts, RootFacts } from '../offload-facts.js';
import { datapathTypesOf } from '../preflight.js';
import { InterfaceList } from './interface-list.js';
import { initOf, RootWatch } from './root-watch.js';

/** The database of Open vSwitch, as far as it is looked at. */
export interface ObservedSwitch {
  readonly root: ObservedRoot;
  readonly bridges: ReadonlyMap<string, ObservedBridge>;
  readonly ports: ReadonlyMap<string, ObservedPort>;
}

export const notReadable = {
  kind: 'unknown',
  why: 'the database of Open vSwitch cannot be read',
} as const;
const notWritten = unknown('ovs-vswitchd has just started, and has not said yet what it initialised');

/** ovs-vswitchd may need so long to make the datapath of another type and to drop the old one, ms. */
const typesTakenMs = 5_000;

export class DatabaseRecord {
  readonly #root = new RootWatch();
  readonly #interfaces: InterfaceList;
  #seen: ObservedSwitch | undefined;
  #bridges: Fact<readonly BridgeFacts[]> = notReadable;
  /** datapath_type of the bridges as last seen, each once, and when they changed, monotonic ms. */
  #types: string | undefined;
  #typesChangedAtMs: number | undefined;

  /** @param owner the agent's own mark on rows */
  constructor(owner: string) {
    this.#interfaces = new InterfaceList(owner);
  }

  /** Undefined: it cannot be read. */
  get seen(): ObservedSwitch | undefined {
    return this.#seen;
  }

  get bridges(): Fact<readonly BridgeFacts[]> {
    return this.#bridges;
  }

  /**
   * @param seen undefined: the database cannot be read
   * @param isGapless every change since the call before was seen
   * @returns whether it may be another than before; it is also told when nothing has changed
   */
  note(seen: ObservedSwitch | undefined, isGapless: boolean, nowMs: number): boolean {
    const isSame = seen !== undefined && seen === this.#seen && isGapless;
    this.#seen = seen;
    if (seen !== undefined) {
      this.#root.note(seen.root, nowMs);
      this.#interfaces.notePorts(seen.ports, nowMs);
    }
    if (isSame) return false;
    this.#bridges = seen === undefined ? notReadable : known([...seen.bridges.values()].map(bridgeFacts));
    this.#noteTypes(nowMs);
    return true;
  }

  /** @param devices of the kernel */
  noteDevices(devices: NetdevMap, nowMs: number): void {
    this.#interfaces.noteDevices(devices, nowMs);
  }

  /** @param mtuDrops packets that exceeded the MTU since it was counted, by name of the interface */
  noteStatistics(mtuDrops: ReadonlyMap<string, number>, atMs: number): void {
    this.#interfaces.noteDrops(mtuDrops, atMs);
  }

  /**
   * A daemon has answered.
   * @param isNew another one than the last time: it counts anew
   * @param ageMs how old it was when it was asked
   */
  noteAnswer(isNew: boolean, ageMs: number): void {
    this.#root.noteAnswer(isNew, ageMs);
    if (isNew) this.#interfaces.clearCounters();
  }

  /** No daemon runs. */
  noteNone(): void {
    this.#interfaces.clearCounters();
  }

  rootFacts(nowMs: number): Fact<RootFacts> {
    return this.#seen === undefined ? notReadable : known(this.#root.facts(this.#seen.root, nowMs));
  }

  /** What tells the engine; nothing that a daemon left behind which is gone. */
  engineRoot(): EngineFacts['root'] {
    if (this.#seen === undefined) return notReadable;
    const { root } = this.#seen;
    return this.#root.isOfLife ? known({ ...root, ...initOf(root) }) : notWritten;
  }

  /** What the daemon that runs initialised, of a row that is in the database. */
  init(root: ObservedRoot): ReturnType<typeof initOf> {
    return this.#root.init(root);
  }

  /** @param lookedAtMs when the ports were last looked at by what is seldom asked; undefined: never */
  interfaceFacts(lookedAtMs: number | undefined, nowMs: number): Fact<readonly InterfaceFacts[]> {
    return this.#seen === undefined ? notReadable : this.#interfaces.facts(lookedAtMs, nowMs);
  }

  /** @param askedAtMs when the datapaths were last asked for, monotonic; undefined: never */
  typesChanged(askedAtMs: number | undefined, nowMs: number): Pick<OffloadFacts, 'typesChangedMs'> {
    const atMs = this.#typesChangedAtMs;
    const isOver = atMs === undefined || (askedAtMs !== undefined && askedAtMs >= atMs + typesTakenMs);
    return isOver ? {} : { typesChangedMs: Math.max(0, nowMs - atMs) };
  }

  #noteTypes(nowMs: number): void {
    if (this.#bridges.kind === 'unknown') return;
    const types = datapathTypesOf(this.#bridges.value).join();
    if (this.#types !== undefined && types !== this.#types) this.#typesChangedAtMs = nowMs;
    this.#types = types;
  }
}

function bridgeFacts({ name, datapathType, hasSflow }: ObservedBridge): BridgeFacts {
  return { name, datapathType, hasSflow };
}
