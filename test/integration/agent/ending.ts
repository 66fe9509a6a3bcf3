/** The daemon as a process of which it matters how it ends: with which code, after how long, and what it said. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type ApiConnection } from '../../../src/cli/api-client.js';
import { NodeService } from '../../../src/gen/proto/dpu/agent/v1/node_pb.js';
import { systemClock } from '../../../src/lib/clock.js';
import { eventually } from '../lab/daemon.js';
import { ensureBuilt, mainFile } from './build.js';
import type { ConfigInput, Rig } from './rig.js';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** From the signal to the end, ms. */
  readonly tookMs: number;
  readonly log: string;
}

export class EndingAgent implements AsyncDisposable {
  readonly socket: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  #log = '';

  private constructor(child: ChildProcess, socket: string) {
    this.#child = child;
    this.socket = socket;
    this.#ended = once(child, 'exit');
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    }
  }

  /** @param within a command that becomes the one that its further arguments are */
  static async start(rig: Rig, input: ConfigInput, within: readonly string[] = []): Promise<EndingAgent> {
    await ensureBuilt();
    const dir = join(rig.lab.dir, 'agent');
    await mkdir(dir, { recursive: true });
    await writeFile(rig.configFile, rig.configText(input, dir));
    const [file, ...rest] = [...within, process.execPath];
    const args = [...rest, mainFile, 'run', '--config', rig.configFile];
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: rig.lab.env });
    return new EndingAgent(child, join(dir, 'api.sock'));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get log(): string {
    return this.#log;
  }

  /** Waits until it has said this. */
  async says(text: string): Promise<void> {
    await eventually(() => {
      if (this.#child.exitCode !== null) throw new Error(`the agent ended:\n${this.#log}`);
      return this.#log.includes(text);
    }, `the agent says ${text}`);
  }

  /** A channel to it, for the caller to close. */
  connect(): ApiConnection {
    return connect({ kind: 'unix', path: this.socket }, { clock: systemClock, redialMsMax: 20 });
  }

  async ready(): Promise<void> {
    await this.says('"API listens"');
    const connection = this.connect();
    try {
      await eventually(async () => {
        const { status } = await connection.service(NodeService).getStatus({});
        return status?.isReady === true;
      }, 'the agent is ready');
    } catch (cause) {
      throw new Error(this.#log, { cause });
    } finally {
      connection.close();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(...signals: readonly NodeJS.Signals[]): Promise<Ended> {
    const startedMs = performance.now();
    for (const signal of signals) this.#child.kill(signal);
    const [code, signal] = (await this.#ended) as [number | null, NodeJS.Signals | null];
    return { code, signal, tookMs: performance.now() - startedMs, log: this.#log };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
