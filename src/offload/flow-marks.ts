/**
 * What each flow of a dump had counted, so that the next dump can tell what passed in between. Counters of a flow go on while
 * it moves from software into hardware, so one dump tells nothing of where its packets went; two of them do, of a flow that is in
 * the same place in both. Pure; memory is bounded, some 30 bytes for each flow.
 */

/** Where the packets of a flow go. `apart`: control traffic and warm-up, of no share. */
export type FlowPlace = 'hardware' | 'software' | 'unknown' | 'apart';

const places: readonly FlowPlace[] = ['hardware', 'software', 'unknown', 'apart'];

/** Packets that passed between two dumps. */
export interface GrownPackets {
  readonly hardware: number;
  readonly software: number;
  /** Of flows that do not say where they are carried out. */
  readonly unknown: number;
  /** Of flows that came or changed their place in between: some in software and some in hardware. */
  readonly moved: number;
}

export const nothingGrown: GrownPackets = { hardware: 0, software: 0, unknown: 0, moved: 0 };

export function addGrown(a: GrownPackets, b: GrownPackets): GrownPackets {
  return {
    hardware: a.hardware + b.hardware,
    software: a.software + b.software,
    unknown: a.unknown + b.unknown,
    moved: a.moved + b.moved,
  };
}

export interface FlowGrowth {
  readonly total: GrownPackets;
  /** Of flows in and out of each port, none twice. */
  readonly ports: ReadonlyMap<string, GrownPackets>;
}

export interface MarkedFlow {
  /** Undefined: the flow cannot be told from others. */
  readonly ufid: string | undefined;
  /** The same flow can be in several threads. */
  readonly core: number | 'main' | undefined;
  readonly packets: number;
  readonly place: FlowPlace;
  /** Index of each port that it comes in at or leaves by, each once, as the owner numbers them. */
  readonly ports: readonly number[];
}

/** More flows are not dumped whole but for who asks, and then nothing is told of their growth. */
const flowsMax = 50_000;
const portsMax = 4 * flowsMax;

export class FlowMarks {
  #keys = new Float64Array(64);
  #packets = new Float64Array(64);
  #places = new Uint8Array(64);
  /** Where the ports of each flow end. */
  #ends = new Uint32Array(64);
  #ports = new Uint16Array(64);
  #count = 0;
  #portCount = 0;
  #isWhole = true;

  /** How many flows are marked. */
  get size(): number {
    return this.#count;
  }

  add({ ufid, core, packets, place, ports }: MarkedFlow): void {
    const isRoom = this.#count < flowsMax && this.#portCount + ports.length <= portsMax;
    if (ufid === undefined || !isRoom) this.#isWhole = false;
    if (ufid === undefined || !this.#isWhole) return;
    const at = this.#count;
    this.#reserve(at + 1, this.#portCount + ports.length);
    this.#keys[at] = keyOf(`${ufid}/${core ?? ''}`);
    this.#packets[at] = packets;
    this.#places[at] = places.indexOf(place);
    for (const port of ports) this.#ports[this.#portCount++] = port;
    this.#ends[at] = this.#portCount;
    this.#count += 1;
  }

  /**
   * What passed since an older dump.
   * @param nameOf port by its index
   * @returns undefined: a dump has flows that are not marked
   */
  since(older: FlowMarks, nameOf: (index: number) => string | undefined): FlowGrowth | undefined {
    if (!this.#isWhole || !older.#isWhole) return undefined;
    const found = new Map<number, number>();
    for (let at = 0; at < older.#count; at += 1) found.set(older.#keys[at] ?? 0, at);
    let total = nothingGrown;
    const ports = new Map<string, GrownPackets>();
    for (let at = 0; at < this.#count; at += 1) {
      const key = this.#keys[at] ?? 0;
      const grown = this.#grown(at, older, found.get(key));
      // One that is printed twice is no older flow's successor twice.
      found.delete(key);
      if (grown === undefined) continue;
      total = addGrown(total, grown);
      for (let from = at === 0 ? 0 : (this.#ends[at - 1] ?? 0); from < (this.#ends[at] ?? 0); from += 1) {
        const name = nameOf(this.#ports[from] ?? 0);
        if (name !== undefined) ports.set(name, addGrown(ports.get(name) ?? nothingGrown, grown));
      }
    }
    return { total, ports };
  }

  #grown(at: number, older: FlowMarks, before: number | undefined): GrownPackets | undefined {
    const place = places[this.#places[at] ?? 0] ?? 'unknown';
    const packets = this.#packets[at] ?? 0;
    if (place === 'apart') return undefined;
    const had = before === undefined ? 0 : (older.#packets[before] ?? 0);
    // A flow that was made anew under its old name counts from zero, and nobody saw where it was meanwhile.
    if (place === 'unknown') return { ...nothingGrown, unknown: had > packets ? packets : packets - had };
    if (before === undefined || had > packets) return { ...nothingGrown, moved: packets };
    const was = places[older.#places[before] ?? 0];
    const hasStayed = was === place || (place === 'software' && was === 'apart');
    return { ...nothingGrown, [hasStayed ? place : 'moved']: packets - had };
  }

  #reserve(flows: number, ports: number): void {
    if (flows > this.#keys.length) {
      const length = this.#keys.length * 2;
      this.#keys = grownTo(new Float64Array(length), this.#keys);
      this.#packets = grownTo(new Float64Array(length), this.#packets);
      this.#places = grownTo(new Uint8Array(length), this.#places);
      this.#ends = grownTo(new Uint32Array(length), this.#ends);
    }
    if (ports > this.#ports.length) {
      this.#ports = grownTo(new Uint16Array(Math.max(ports, this.#ports.length * 2)), this.#ports);
    }
  }
}

function grownTo<T extends { set(from: T): void }>(longer: T, from: T): T {
  longer.set(from);
  return longer;
}

/** A hash of 53 bits: two FNV-1a of 32, with different bases. Two of 50 000 flows are alike once in seven million dumps. */
function keyOf(text: string): number {
  let [high, low] = [0x811c9dc5, 0x1b873593];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    high = Math.imul(high ^ sign, 0x01000193);
    low = Math.imul(low ^ sign, 0x85ebca6b);
    low ^= low >>> 13;
  }
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}
