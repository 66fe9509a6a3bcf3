/**
 * One daemon that a test started: a child in the foreground that dies with the test process. Used by the OVS labs. It
 * knows nothing about OVS: how to tell that the daemon is ready is the caller's business.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const live = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of live) child.kill('SIGKILL');
});

// The kernel kills the daemon when this process goes, even by SIGKILL, when no exit handler runs.
const setpriv = '/usr/bin/setpriv';
const leash = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL'] : [];

/** Only the end of what a daemon says is kept: some live for days. */
const outputLengthMax = 256 * 1024;

export class Daemon {
  readonly #command: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #output = '';

  constructor(command: readonly string[], env: NodeJS.ProcessEnv) {
    this.#command = command;
    this.#env = env;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What the daemon wrote to stdout and stderr so far. */
  get output(): string {
    return this.#output;
  }

  start(): void {
    if (this.isRunning) throw new Error(`${this.#command.join(' ')} runs already`);
    const [file = '', ...args] = [...leash, ...this.#command];
    const child = spawn(file, args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    live.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream
        .setEncoding('utf8')
        .on('data', (text: string) => (this.#output = (this.#output + text).slice(-outputLengthMax)));
    }
    child.once('error', (error) => (this.#output += String(error)));
    child.once('exit', () => live.delete(child));
    this.#child = child;
  }

  /** Sends the signal and waits for the end; a daemon that ignores it for 5 s is killed. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const reminder = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(reminder);
  }

  /** Waits until `isReady` says so; fails when the daemon ends or `waitMsMax` pass. */
  async ready(isReady: () => Promise<boolean>, waitMsMax = 15_000): Promise<void> {
    const endMs = performance.now() + waitMsMax;
    while (!(await isReady())) {
      if (!this.isRunning) throw new Error(`${this.#command.join(' ')} ended: ${this.#output}`);
      if (performance.now() > endMs) throw new Error(`${this.#command.join(' ')} is not ready: ${this.#output}`);
      await sleep(5);
    }
  }
}

/** Waits until `condition` returns something true; for tests that watch the outside world. */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  what = 'condition',
  waitMsMax = 15_000,
): Promise<Exclude<T, false | undefined | null>> {
  const endMs = performance.now() + waitMsMax;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined && value !== null) return value as Exclude<T, false | undefined | null>;
    if (performance.now() > endMs) throw new Error(`did not happen in ${waitMsMax} ms: ${what}`);
    await sleep(10);
  }
}
