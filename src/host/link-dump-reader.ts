/**
 * Reads all devices of this machine by one netlink dump, a hundred times cheaper than a dozen files of each. Used by the inventory
 * where `ip` can be asked; where it cannot, or says what cannot be understood, all is read from sysfs as everywhere else.
 *
 * Sysfs remains the judge of which devices there are: the kernel's dump comes in parts, and a device may be missing or be told twice
 * when others come and go meanwhile (rtnl_dump_ifinfo; `ip` then warns and ends well). What is listed and was not told, or not told
 * clearly, is read singly; what was told and is not listed is gone.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../lib/clock.js';
import { unknown, type Fact } from '../model/fact.js';
import type { LinkFacts } from '../model/netdev.js';
import { systemFiles } from './file-source.js';
import { dumpArgs, parseLinkDump, type DumpedLink } from './link-dump.js';
import type { LinkReader, LinksReading } from './link-reader.js';
import { promptFiles } from './prompt-files.js';
import { ipTool, runTool } from './run-tool.js';
import type { Tool } from './run-tool.js';
import { listNetdevs, observeBacking, observeCarrierChanges, observeNamed, observeNetdevs } from './sysfs.js';
import type { NetdevBacking } from './sysfs.js';
import { outputOf, toolOutputBytesMax } from './tool-answer.js';

export interface LinkDumpReaderOptions {
  readonly clock: Clock;
  /** The directory under which `sys` lies, which must show the network namespace that the tool is in; `/` unless given. */
  readonly root?: string;
  readonly tool?: Tool;
  /** Longest time of one dump, ms. */
  readonly timeoutMs?: number;
  /** Called when reading by sysfs begins, with the reason; not again before a dump has succeeded. */
  readonly onFallback?: (why: string) => void;
}

/**
 * A dump waits for the kernel's rtnl lock, which the reset of a card holds for seconds. To wait is the better part: meanwhile three
 * attributes of sysfs have their readers spin (restart_syscall of net/core/net-sysfs.c).
 */
const timeoutMsDefault = 10_000;

/** When a dump is tried again after it failed, ms: to find out costs as much as a look. */
const retryMs = 60_000;

/** So many devices without a turn of the event loop, some two milliseconds. */
const devicesPerTurn = 128;

export class LinkDumpReader implements LinkReader {
  readonly #options: LinkDumpReaderOptions;
  readonly #root: string;
  /** Of each device that was there in the last look. */
  #backings: ReadonlyMap<string, NetdevBacking> = new Map<string, NetdevBacking>();
  #notBeforeMs = -Infinity;
  /** Why the last dump failed; undefined when it did not. */
  #why: string | undefined;

  constructor(options: LinkDumpReaderOptions) {
    this.#options = options;
    this.#root = options.root ?? '/';
  }

  async read(signal: AbortSignal): Promise<LinksReading> {
    const dump = await this.#dump(signal);
    signal.throwIfAborted();
    if (dump.kind === 'known') return this.#complete(dump.value, signal);
    const reading = await observeNetdevs({ root: this.#root, files: systemFiles }, signal);
    return { ...reading, source: { kind: 'sysfs', why: dump.why } };
  }

  async #dump(signal: AbortSignal): Promise<Fact<ReadonlyMap<string, DumpedLink>>> {
    const { clock, tool = ipTool, timeoutMs = timeoutMsDefault, onFallback } = this.#options;
    if (this.#why !== undefined && clock.nowMs() < this.#notBeforeMs) return unknown(this.#why);
    const limits = { clock, signal, timeoutMs, outputBytesMax: toolOutputBytesMax };
    const dump = parseLinkDump(outputOf('ip', await runTool(tool, dumpArgs, limits)));
    signal.throwIfAborted();
    if (dump.kind === 'unknown') {
      this.#notBeforeMs = clock.nowMs() + retryMs;
      if (this.#why === undefined) onFallback?.(dump.why);
    }
    this.#why = dump.kind === 'unknown' ? dump.why : undefined;
    return dump;
  }

  /** What the dump does not tell, added from files that cost next to nothing; devices in the order of names. */
  async #complete(dumped: ReadonlyMap<string, DumpedLink>, signal: AbortSignal): Promise<LinksReading> {
    const names = await listNetdevs({ root: this.#root, files: systemFiles });
    const links = new Map<string, LinkFacts | undefined>();
    const backings = new Map<string, NetdevBacking>();
    for (const [index, name] of names.entries()) {
      if (index % devicesPerTurn === devicesPerTurn - 1) await turn();
      signal.throwIfAborted();
      const link = dumped.get(name);
      const backing = link === undefined ? undefined : await this.#backing(link);
      if (backing !== undefined) backings.set(name, backing);
      links.set(name, link === undefined ? undefined : await this.#whole(link, backing));
    }
    this.#backings = backings;
    const singles = names.filter((name) => links.get(name) === undefined);
    const { netdevs, unreadable } = await observeNamed({ root: this.#root, files: systemFiles }, singles, signal);
    const all = names.map((name) => links.get(name) ?? netdevs.get(name)).filter((link) => link !== undefined);
    return {
      netdevs: new Map(all.map((link) => [link.name, link])),
      unreadable,
      source: { kind: 'dump', singleCount: netdevs.size + unreadable.size },
    };
  }

  /**
   * A driver that is bound anew registers a new device, so what is behind one stays. That sysfs has the same number for the name
   * proves that it shows the namespace of the dump, and that the name is still the same device's.
   */
  async #backing({ name, ifindex }: DumpedLink): Promise<NetdevBacking | undefined> {
    const former = this.#backings.get(name);
    if (former?.ifindex === ifindex) return former;
    const backing = await observeBacking({ root: this.#root, files: promptFiles }, name);
    return backing?.ifindex === ifindex ? backing : undefined;
  }

  /**
   * With `-s -s` the dump has these too, for half the processor time of this reading on veth devices. But then the kernel asks every
   * driver for its counters, and mlx5's asks its firmware for those of each representor (mlx5e_rep_get_stats).
   */
  async #whole(link: DumpedLink, backing: NetdevBacking | undefined): Promise<LinkFacts | undefined> {
    if (backing === undefined) return undefined;
    const carrierChanges = await observeCarrierChanges({ root: this.#root, files: promptFiles }, link.name);
    return carrierChanges === undefined ? undefined : { ...link, carrierChanges, driverNames: backing.driverNames };
  }
}
