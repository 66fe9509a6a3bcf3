/**
 * Tells when a network device may have changed. Used by the inventory. Node has no netlink sockets, so a child process,
 * `ip -o monitor link`, listens; its output is not read, it only means "look again". When it ends it is started again
 * with backoff, and until then the inventory knows that it has to poll.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { backoffMs } from '../lib/backoff.js';
import type { Clock, Timer } from '../lib/clock.js';
import { systemErrorCode } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { ipTool, toolEnvironment } from './run-tool.js';
import type { Tool } from './run-tool.js';

/** How changes are noticed: as they happen, or by looking every few seconds, with the reason why. */
export type WatchState = { readonly mode: 'events' } | { readonly mode: 'polling'; readonly reason: string };

/** What a monitor calls. */
export interface LinkListener {
  /** Something may have changed. */
  look(): void;
  /** Called with each change of the state. */
  watchChanged(state: WatchState): void;
}

/** A source of "look again". */
export interface LinkMonitor {
  /** Begins; called once. */
  start(listener: LinkListener): void;
  /** Ends it for good, and resolves when nothing of it is left running. */
  close(): Promise<void>;
}

export interface IpLinkMonitorOptions {
  readonly clock: Clock;
  /** Draws from [0, 1), for the backoff. */
  readonly random: () => number;
  readonly tool?: Tool;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const restartTiming = { baseMs: 500, capMs: 30_000 };

/** A child that ran this long had started well: its end is the first failure of a new series. */
const soundRunMs = 10_000;

/**
 * The child has subscribed some milliseconds after it was started and does not say when. What happens in between is
 * seen by one more look.
 */
const settleMs = 1_000;

/** How long the child has to end by itself. */
const closeMs = 1_000;

/** A monitor over `ip -o monitor link`. */
export class IpLinkMonitor implements LinkMonitor {
  readonly #options: IpLinkMonitorOptions;
  #listener: LinkListener | undefined;
  #child: Child | undefined;
  #timer: Timer | undefined;
  #attempt = 0;
  #isClosed = false;

  constructor(options: IpLinkMonitorOptions) {
    this.#options = options;
  }

  start(listener: LinkListener): void {
    this.#listener = listener;
    this.#spawn();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    const child = this.#child;
    if (child === undefined) return;
    const killer = this.#options.clock.after(closeMs, () => child.kill('SIGKILL'));
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill('SIGTERM');
    await ended;
    killer.cancel();
  }

  #spawn(): void {
    const { file, args } = this.#options.tool ?? ipTool;
    const child = spawn(file, [...args, '-o', 'monitor', 'link'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: toolEnvironment,
    });
    this.#child = child;
    this.#observe(child);
  }

  #observe(child: Child): void {
    const startedMs = this.#options.clock.nowMs();
    let lastWords = '';
    child.once('spawn', () => this.#spawned());
    child.stdout.on('data', () => this.#listener?.look());
    child.stderr.on('data', (chunk: Buffer) => {
      lastWords = chunk.toString('utf8').slice(0, 200);
      // The kernel dropped events (ENOBUFS); ip goes on listening.
      this.#listener?.look();
    });
    child.once('error', (error) => {
      lastWords = systemErrorCode(error) ?? error.message;
    });
    // 'close' follows 'error' too and comes when the pipes are drained: one place for every end.
    child.once('close', () => this.#ended(startedMs, lastWords));
  }

  #spawned(): void {
    if (this.#isClosed) return;
    this.#listener?.watchChanged({ mode: 'events' });
    this.#listener?.look();
    this.#timer = this.#options.clock.after(settleMs, () => this.#listener?.look());
  }

  #ended(startedMs: number, lastWords: string): void {
    this.#child = undefined;
    this.#timer?.cancel();
    if (this.#isClosed) return;
    if (this.#options.clock.nowMs() - startedMs >= soundRunMs) this.#attempt = 0;
    const words = lastWords === '' ? 'without a word' : safeText(lastWords.trim(), 200);
    this.#listener?.watchChanged({ mode: 'polling', reason: `ip monitor ended: ${words}` });
    const waitMs = backoffMs(this.#attempt, restartTiming, this.#options.random());
    this.#attempt += 1;
    this.#timer = this.#options.clock.after(waitMs, () => this.#spawn());
  }
}

/** A monitor that never says anything: the inventory polls. For systems where no child may be started. */
export const noLinkMonitor: LinkMonitor = {
  start: (listener) => listener.watchChanged({ mode: 'polling', reason: 'no monitor is configured' }),
  close: () => Promise.resolve(),
};
