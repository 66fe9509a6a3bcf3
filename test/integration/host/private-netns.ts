/**
 * A network namespace of one's own with a process in it, so that the kernel's real devices can be made, renamed and
 * deleted without touching the machine's. sysfs shows the namespace in which it was mounted: `ip netns exec` mounts one
 * for the process, and `/proc/<pid>/root` leads there from outside.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemErrorCode } from '../../../src/lib/errors.js';
import type { Tool } from '../../../src/host/run-tool.js';

let serial = 0;

export class PrivateNetns {
  readonly name: string;
  readonly #child: ChildProcess;
  #isDisposed = false;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
  }

  static async create(): Promise<PrivateNetns> {
    serial += 1;
    const name = `inv-${process.pid}-${serial}`;
    execFileSync('ip', ['netns', 'add', name]);
    const child = spawn('ip', ['netns', 'exec', name, 'sleep', '600'], { stdio: 'ignore' });
    const netns = new PrivateNetns(name, child);
    try {
      await netns.#mounted();
    } catch (error) {
      await netns[Symbol.asyncDispose]();
      throw error;
    }
    return netns;
  }

  /** The root under which `sys` shows this namespace. */
  get root(): string {
    return `/proc/${String(this.#child.pid)}/root`;
  }

  /** `ip` in this namespace. */
  get tool(): Tool {
    return { file: 'ip', args: ['-n', this.name] };
  }

  ip(...args: readonly string[]): string {
    return execFileSync('ip', ['-n', this.name, ...args], { encoding: 'utf8' });
  }

  /** Runs a file of `ip` commands in one process. */
  batch(commands: readonly string[]): void {
    execFileSync('ip', ['-n', this.name, '-batch', '-'], { input: `${commands.join('\n')}\n` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
    execFileSync('ip', ['netns', 'del', this.name]);
  }

  /** Waits until the process has its own sysfs, in which there is nothing but the loopback device. */
  async #mounted(): Promise<void> {
    for (let tries = 0; tries < 1000; tries += 1) {
      if (deviceNames(`${this.root}/sys/class/net`)?.join() === 'lo') return;
      await sleep(10);
    }
    throw new Error('the namespace has no sysfs of its own');
  }
}

/** For an instant the process has unmounted the old sysfs and not yet mounted its own. */
function deviceNames(directory: string): readonly string[] | undefined {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
