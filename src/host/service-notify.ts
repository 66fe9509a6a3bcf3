/**
 * Tells systemd how the service is: sd_notify(3). Node has no datagram sockets, which is what NOTIFY_SOCKET is, so it runs
 * `systemd-notify` for each message: some 16 ms of another process, a few times a minute. The unit needs NotifyAccess=all,
 * because the message comes from a child. What is said and when is the business of whoever says it.
 */

import type { Clock } from '../lib/clock.js';
import { runTool, type Tool, type ToolResult } from './run-tool.js';

/** Assignments of sd_notify(3), such as `READY` to `1`. */
export type ServiceState = Readonly<Record<string, string>>;

export interface ServiceNotifyOptions {
  readonly clock: Clock;
  /** Where NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID stand. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Id of this process. */
  readonly pid: number;
  /** systemd could not be told; called once for each reason. */
  readonly onTrouble: (error: Error) => void;
  /** `systemd-notify`; found on the fixed path unless given. */
  readonly tool?: Tool;
}

const notifyTool: Tool = { file: 'systemd-notify', args: [] };
/** It waits until systemd has read the message (sd_notify_barrier(3)), itself for at most 5 s. */
const timeoutMs = 10_000;
/** One that runs, and some that wait: a systemd that does not answer must not gather more. */
const waitingMax = 8;
/** These say what goes on; their order counts, so they are not merged with what comes later. */
const stages: readonly string[] = ['READY', 'RELOADING', 'STOPPING'];

export class ServiceNotify {
  /** The time within which systemd wants to hear WATCHDOG=1 again, ms; undefined: it does not watch. */
  readonly watchdogMs: number | undefined;
  readonly #options: ServiceNotifyOptions;
  readonly #socket: string;
  readonly #waiting: ServiceState[] = [];
  #isRunning = false;
  #lastTrouble: string | undefined;

  private constructor(options: ServiceNotifyOptions, socket: string) {
    this.#options = options;
    this.#socket = socket;
    this.watchdogMs = watchdogMsOf(options.env, options.pid);
  }

  /** Undefined where nobody wants to be told. */
  static create(options: ServiceNotifyOptions): ServiceNotify | undefined {
    const socket = options.env['NOTIFY_SOCKET'];
    return socket === undefined || socket === '' ? undefined : new ServiceNotify(options, socket);
  }

  /** Hands the message on, after those before it. Returns at once and never throws. */
  tell(state: ServiceState): void {
    const last = this.#waiting.at(-1);
    if (last !== undefined && (!hasStage(last) || this.#waiting.length >= waitingMax)) {
      this.#waiting[this.#waiting.length - 1] = { ...last, ...state };
    } else {
      this.#waiting.push(state);
    }
    if (!this.#isRunning) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#isRunning = true;
    for (let state = this.#waiting.shift(); state !== undefined; state = this.#waiting.shift()) {
      this.#judge(await this.#send(state));
    }
    this.#isRunning = false;
  }

  #send(state: ServiceState): Promise<ToolResult> {
    const { clock, tool = notifyTool } = this.#options;
    const args = Object.entries(state).map(([name, value]) => `${name}=${value}`);
    return runTool(tool, args, { clock, timeoutMs, env: { NOTIFY_SOCKET: this.#socket } });
  }

  #judge(result: ToolResult): void {
    if (result.kind === 'exited' && result.code === 0) {
      this.#lastTrouble = undefined;
      return;
    }
    const message = `systemd-notify cannot be used: ${endText(result)}`;
    if (message === this.#lastTrouble) return;
    this.#lastTrouble = message;
    this.#options.onTrouble(new Error(message));
  }
}

function hasStage(state: ServiceState): boolean {
  return stages.some((name) => name in state);
}

function endText(result: ToolResult): string {
  if (result.kind === 'exited') return `it ended with code ${result.code}: ${result.stderr.trim().slice(0, 200)}`;
  return 'reason' in result ? result.reason : 'it did not end in time';
}

/** As sd_watchdog_enabled(3) reads it: WATCHDOG_PID, where it is set, names the process that is watched. */
function watchdogMsOf(env: ServiceNotifyOptions['env'], pid: number): number | undefined {
  const { WATCHDOG_USEC: time = '', WATCHDOG_PID: watched = '' } = env;
  if (watched !== '' && watched !== String(pid)) return undefined;
  return /^[1-9][0-9]{0,15}$/.test(time) ? Number(time) / 1_000 : undefined;
}
