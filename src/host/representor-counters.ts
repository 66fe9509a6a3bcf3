/**
 * Asks `ethtool -S` for what `ip` cannot say where iproute2 is older than `ip stats` (5.19): how many packets of a representor of
 * mlx5 went through the CPU. One process for each device, so only some each time, in turn.
 */

import { basename, join } from 'node:path';
import type { Clock } from '../lib/clock.js';
import { systemFiles, type FileSource, type FilesUnderRoot } from './file-source.js';
import { ethtoolCounters, type LinkCounters } from './link-counters.js';
import { isNetdevName } from './netdev-name.js';
import { runTool, type Tool } from './run-tool.js';
import { toolTimeoutMs } from './tool-answer.js';

export const ethtoolTool: Tool = { file: 'ethtool', args: [] };

export interface RepresentorCountersOptions extends FilesUnderRoot {
  readonly clock: Clock;
  readonly tool?: Tool;
}

/** Most processes for one reading: some 3 ms each. */
const devicesMax = 32;
/** When a tool that is not there is tried again, ms. */
const retryMs = 600_000;
const smallBytesMax = 4_096;

export class RepresentorCounters {
  readonly #clock: Clock;
  readonly #tool: Tool;
  readonly #root: string;
  readonly #files: FileSource;
  /** Devices that are no representor of mlx5: their number, by name. */
  readonly #others = new Map<string, number>();
  /** The last that was asked: its successors are next. */
  #last = '';
  #notBeforeMs = -Infinity;

  constructor({ clock, tool = ethtoolTool, root = '/', files = systemFiles }: RepresentorCountersOptions) {
    this.#clock = clock;
    this.#tool = tool;
    this.#root = root;
    this.#files = files;
  }

  /**
   * Counters of those of `devices` that are representors of mlx5 without a count of the CPU: at most 32, others the next time.
   * All counters of a device are of one moment. Never rejects.
   */
  async read(
    devices: ReadonlyMap<string, LinkCounters>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, LinkCounters>> {
    const found = new Map<string, LinkCounters>();
    for (const name of this.#others.keys()) if (!devices.has(name)) this.#others.delete(name);
    if (this.#clock.nowMs() < this.#notBeforeMs) return found;
    const endMs = this.#clock.nowMs() + toolTimeoutMs;
    let asked = 0;
    for (const [name, { ifindex }] of this.#inTurn(devices)) {
      const leftMs = endMs - this.#clock.nowMs();
      if (asked >= devicesMax || leftMs <= 0 || signal.aborted) break;
      if (!(await this.#mayBeRepresentor(name))) {
        this.#others.set(name, ifindex);
        continue;
      }
      asked += 1;
      this.#last = name;
      const counters = await this.#ask(name, leftMs, signal);
      if (counters === 'stop') break;
      if (counters === 'other') this.#others.set(name, ifindex);
      else found.set(name, { ifindex, ...counters });
    }
    return found;
  }

  #inTurn(devices: ReadonlyMap<string, LinkCounters>): readonly (readonly [string, LinkCounters])[] {
    const all = [...devices]
      .filter(
        ([name, { ifindex, cpuPackets }]) =>
          cpuPackets === undefined && isNetdevName(name) && this.#others.get(name) !== ifindex,
      )
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const next = all.findIndex(([name]) => name > this.#last);
    return next < 0 ? all : [...all.slice(next), ...all.slice(0, next)];
  }

  /** A representor has the driver of its card, or, in older kernels, no device behind it but a name of its port. */
  async #mayBeRepresentor(name: string): Promise<boolean> {
    const directory = join(this.#root, 'sys/class/net', name);
    const driver = await this.#files.link(join(directory, 'device/driver')).catch(() => undefined);
    if (driver !== undefined) return basename(driver).startsWith('mlx5');
    const port = await this.#files.read(join(directory, 'phys_port_name'), smallBytesMax).catch(() => '');
    return port.trim() !== '';
  }

  async #ask(
    name: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Omit<LinkCounters, 'ifindex'> | 'other' | 'stop'> {
    const result = await runTool(this.#tool, ['-S', name], { clock: this.#clock, timeoutMs, signal });
    if (result.kind === 'exited') return (result.code === 0 ? ethtoolCounters(result.stdout) : undefined) ?? 'other';
    if (result.kind === 'notStarted') this.#notBeforeMs = this.#clock.nowMs() + retryMs;
    // A driver that holds its lock lets nobody else through either.
    return 'stop';
  }
}
