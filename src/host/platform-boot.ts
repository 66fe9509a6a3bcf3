/**
 * Whether the platform of the card is configuring it. `mlnx_bf_configure` (mlnx-tools) sets the eSwitch's mode, makes
 * representors and bridges, and at last restarts Open vSwitch without waiting for it. What starts it differs: a unit of systemd of
 * its own name, `mlnx-bf-ctl.service` of older images, or no unit at all but an install rule of modprobe
 * (etc/modprobe.d/mlnx-bf.conf). So units and processes are both looked at.
 */

import { join } from 'node:path';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { known, unknown, type Fact } from '../model/fact.js';
import { systemFiles, type FileSource, type FilesUnderRoot } from './file-source.js';
import { readUptimeMs } from './process-facts.js';
import { runTool, type Tool } from './run-tool.js';
import { outputOf, toolTimeoutMs } from './tool-answer.js';

/** `over`: it ended, well or not. `absent`: this machine has nothing of the kind. */
export type PlatformBoot = 'running' | 'over' | 'absent';

export interface PlatformBootOptions extends FilesUnderRoot {
  readonly clock: Clock;
  readonly systemctl?: Tool;
}

const systemctlTool: Tool = { file: 'systemctl', args: [] };
const program = 'mlnx_bf_configure';
const units = [`${program}.service`, 'mlnx-bf-ctl.service'];
const scripts = ['sbin', 'usr/sbin'].map((directory) => `${directory}/${program}`);
/** The kernel cuts a process's name at 15 characters (TASK_COMM_LEN). */
const processName = program.slice(0, 15);
/** Systemd's own (org.freedesktop.systemd1(5)); times in µs of CLOCK_MONOTONIC, 0 for never. */
const properties = ['LoadState', 'ActiveState', 'SubState', 'Job', 'ExecMainExitTimestampMonotonic'];
/** The restart of Open vSwitch that it leaves behind takes some seconds; with DOCA, up to half a minute. */
const aftermathMs = 30_000;
const smallBytesMax = 4_096;
const processesMax = 8_192;
/** Files read at the same time. */
const batchSize = 64;

/**
 * The state of one unit, as `systemctl show` writes its properties. Undefined: there is no such unit, or it is masked.
 * @param uptimeMs since boot; undefined: not known, and then what ended is over
 */
export function judgeUnit(text: string, uptimeMs: number | undefined): Fact<PlatformBoot> {
  const values = new Map(
    text.split('\n').map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
  const load = values.get('LoadState');
  const active = values.get('ActiveState');
  if (load === 'not-found' || load === 'masked') return known('absent');
  if (load !== 'loaded' || active === undefined) {
    return unknown(`systemd has not loaded the unit (LoadState=${safeText(load ?? '', 32)})`);
  }
  // A unit that waits for its turn at boot is inactive and has a job; `0`, or nothing, is none.
  if (/^[1-9]/.test(values.get('Job') ?? '')) return known('running');
  // A oneshot is `activating` while it works (systemd.service(5)); `active (exited)` afterwards, with RemainAfterExit.
  const isOver =
    active === 'inactive' || active === 'failed' || (active === 'active' && values.get('SubState') === 'exited');
  if (!isOver) return known('running');
  const endedMs = Number(values.get('ExecMainExitTimestampMonotonic') ?? 0) / 1000;
  const isRecent = endedMs > 0 && uptimeMs !== undefined && uptimeMs - endedMs < aftermathMs;
  return known(isRecent ? 'running' : 'over');
}

/** One that any of them says is running is running, and so on: what is told of several units. */
function joined(facts: readonly Fact<PlatformBoot>[]): Fact<PlatformBoot> {
  const has = (value: PlatformBoot): boolean => facts.some((fact) => fact.kind === 'known' && fact.value === value);
  if (has('running')) return known('running');
  const why = facts.find((fact) => fact.kind === 'unknown');
  if (why !== undefined) return why;
  return known(has('over') ? 'over' : 'absent');
}

export class PlatformBootReader {
  readonly #clock: Clock;
  readonly #systemctl: Tool;
  readonly #root: string;
  readonly #files: FileSource;
  #processSeenAtMs = -Infinity;

  constructor({ clock, systemctl = systemctlTool, root = '/', files = systemFiles }: PlatformBootOptions) {
    this.#clock = clock;
    this.#systemctl = systemctl;
    this.#root = root;
    this.#files = files;
  }

  /** `running` until half a minute after the end. Never rejects. */
  async read(signal: AbortSignal): Promise<Fact<PlatformBoot>> {
    const [isRunning, unit] = await Promise.all([this.#hasProcess(), this.#units(signal)]);
    const nowMs = this.#clock.nowMs();
    if (isRunning) this.#processSeenAtMs = nowMs;
    if (nowMs - this.#processSeenAtMs < aftermathMs) return known('running');
    if (unit.kind === 'unknown' || unit.value !== 'absent') return unit;
    // No unit tells when it ended, and it may be started by the load of a driver that is still to come.
    if (await this.#hasScript())
      return unknown(`no unit of systemd starts ${program}, which is installed; it does not run now`);
    return known('absent');
  }

  async #units(signal: AbortSignal): Promise<Fact<PlatformBoot>> {
    // The test of sd_booted(3).
    const isBooted = await this.#files.list(join(this.#root, 'run/systemd/system')).then(
      () => true,
      () => false,
    );
    if (!isBooted) return unknown('systemd has not booted this machine, or is not to be seen from this container');
    const uptime = await readUptimeMs({ root: this.#root, files: this.#files });
    const uptimeMs = uptime.kind === 'known' ? uptime.value : undefined;
    const args = ['show', ...units, ...properties.flatMap((name) => ['-p', name])];
    const output = outputOf(
      'systemctl',
      await runTool(this.#systemctl, args, { clock: this.#clock, timeoutMs: toolTimeoutMs, signal }),
    );
    if (output.kind === 'unknown') return output;
    // One paragraph for each unit.
    return joined(
      output.value
        .trim()
        .split(/\n{2,}/)
        .map((text) => judgeUnit(text, uptimeMs)),
    );
  }

  async #hasScript(): Promise<boolean> {
    const isThere = (path: string): Promise<boolean> =>
      this.#files.read(join(this.#root, path), 0).then(
        () => true,
        // Longer than nothing: it is there.
        (error: unknown) => error instanceof AgentError,
      );
    return (await Promise.all(scripts.map(isThere))).includes(true);
  }

  async #hasProcess(): Promise<boolean> {
    const names = await this.#files.list(join(this.#root, 'proc')).catch(() => []);
    const pids = names.filter((name) => /^[0-9]+$/.test(name)).slice(0, processesMax);
    for (let at = 0; at < pids.length; at += batchSize) {
      const batch = pids.slice(at, at + batchSize).map((pid) => this.#processName(pid));
      if ((await Promise.all(batch)).includes(processName)) return true;
    }
    return false;
  }

  async #processName(pid: string): Promise<string> {
    const path = join(this.#root, 'proc', pid, 'comm');
    return (await this.#files.read(path, smallBytesMax).catch(() => '')).trim();
  }
}
