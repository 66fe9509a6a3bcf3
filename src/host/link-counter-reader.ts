/**
 * Counters of all network devices of this network namespace with one process: `ip stats`, or `ip -s link` where iproute2 is older
 * than 5.19. With a thousand devices (veth, two-core virtual machine) `ip stats` took 25 ms of CPU and wrote 310 kB, and 3 ms were
 * spent on reading that; so nothing is filtered before.
 */

import type { Clock } from '../lib/clock.js';
import { known, unknown, type Fact } from '../model/fact.js';
import type { FilesUnderRoot } from './file-source.js';
import { linkCounters, statsCounters, type LinkCounters } from './link-counters.js';
import { RepresentorCounters } from './representor-counters.js';
import { ipTool, runTool, type Tool, type ToolResult } from './run-tool.js';
import { outputOf, rowsOf, toolOutputBytesMax, toolTimeoutMs } from './tool-answer.js';

export interface LinkCounterReaderOptions extends FilesUnderRoot {
  readonly clock: Clock;
  /** `ip`, and others that may know what the first does not. */
  readonly ipTools?: readonly [Tool, ...Tool[]];
  readonly ethtool?: Tool;
}

/** BlueField's own iproute2 is newer than that of its distribution, and is not on the path of system directories. */
const ipToolsDefault = [ipTool, { file: '/opt/mellanox/iproute2/sbin/ip', args: [] }] as const;
const statsArgs = ['-j', 'stats', 'show', 'group', 'link', 'group', 'offload', 'subgroup', 'cpu_hit'];
const linkArgs = ['-j', '-s', 'link', 'show'];
/** When a tool that did not know the question is asked again, ms: it may have failed for another reason. */
const retryMs = 60_000;

/** `ip` does not know `stats`, or the kernel does not know RTM_GETSTATS: both say so by their exit code. */
function isAnswerElsewhere(result: ToolResult): boolean {
  return result.kind === 'notStarted' || (result.kind === 'exited' && result.code !== 0);
}

export class LinkCounterReader {
  readonly #clock: Clock;
  readonly #tools: readonly [Tool, ...Tool[]];
  readonly #representors: RepresentorCounters;
  /** Tools that may know `stats`, in the order in which they are tried. */
  #candidates: readonly Tool[];
  #notBeforeMs = -Infinity;

  constructor({ clock, ipTools = ipToolsDefault, ethtool, ...source }: LinkCounterReaderOptions) {
    this.#clock = clock;
    this.#tools = ipTools;
    this.#candidates = ipTools;
    this.#representors = new RepresentorCounters({
      clock,
      ...source,
      ...(ethtool === undefined ? {} : { tool: ethtool }),
    });
  }

  /**
   * @param names devices whose counters are wanted; those that are not here are not in the answer
   * Never rejects.
   */
  async read(names: ReadonlySet<string>, signal: AbortSignal): Promise<Fact<ReadonlyMap<string, LinkCounters>>> {
    if (names.size === 0) return known(new Map());
    const counters = (await this.#stats(names, signal)) ?? (await this.#links(names, signal));
    if (counters.kind === 'unknown') return counters;
    if (counters.value.size === 0) {
      return unknown(
        `the kernel has none of ${names.size} devices here: they are of a userspace datapath, or in another network namespace`,
      );
    }
    const representors = await this.#representors.read(counters.value, signal);
    return known(new Map([...counters.value, ...representors]));
  }

  /** Undefined: nobody here knows `stats`. */
  async #stats(
    names: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Fact<ReadonlyMap<string, LinkCounters>> | undefined> {
    const nowMs = this.#clock.nowMs();
    if (this.#candidates.length === 0 && nowMs >= this.#notBeforeMs) this.#candidates = this.#tools;
    for (const tool of this.#candidates) {
      const result = await this.#run(tool, statsArgs, signal);
      if (isAnswerElsewhere(result)) continue;
      const rows = rowsOf('ip', outputOf('ip', result));
      // One that hangs is not the one that knows.
      if (rows.kind === 'unknown') return rows;
      this.#candidates = [tool];
      return known(statsCounters(rows.value, names));
    }
    if (this.#candidates.length > 0) this.#notBeforeMs = nowMs + retryMs;
    this.#candidates = [];
    return undefined;
  }

  async #links(names: ReadonlySet<string>, signal: AbortSignal): Promise<Fact<ReadonlyMap<string, LinkCounters>>> {
    const rows = rowsOf('ip', outputOf('ip', await this.#run(this.#tools[0], linkArgs, signal)));
    return rows.kind === 'unknown' ? rows : known(linkCounters(rows.value, names));
  }

  #run(tool: Tool, args: readonly string[], signal: AbortSignal): Promise<ToolResult> {
    return runTool(tool, args, {
      clock: this.#clock,
      timeoutMs: toolTimeoutMs,
      signal,
      outputBytesMax: toolOutputBytesMax,
    });
  }
}
