/** A steady stream of numbered datagrams between two stations and back, and what of it was lost. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { eventually } from '../lab/daemon.js';
import { addressOf, type Network } from './network.js';

export interface StreamReport {
  readonly sent: number;
  /** Datagrams that did not come back, whichever way they were lost on. */
  readonly lost: number;
  readonly duplicates: number;
  /** First and last number of each run that was lost, ten at most. */
  readonly gaps: readonly (readonly [number, number])[];
}

export interface StreamOptions {
  readonly network: Network;
  /** For the program of the two ends. */
  readonly dir: string;
  readonly from: string;
  readonly to: { readonly far: string; readonly station: number };
  readonly perSecond?: number;
}

const live = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of live) child.kill('SIGKILL');
});

/** The program of the two ends, as Node.js runs it: compiled here, or already where this file is itself. */
async function writeProgram(dir: string): Promise<string> {
  const compiled = fileURLToPath(new URL('stream-child.js', import.meta.url));
  if (existsSync(compiled)) return compiled;
  const file = join(dir, 'stream-child.mjs');
  const source = await readFile(new URL('stream-child.ts', import.meta.url), 'utf8');
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
  await writeFile(file, ts.transpileModule(source, { compilerOptions }).outputText);
  return file;
}

class End {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #command: string;

  constructor(namespace: string, program: string, args: readonly string[]) {
    const command = ['netns', 'exec', namespace, process.execPath, program, ...args];
    const child = spawn('ip', command, { stdio: ['pipe', 'pipe', 'inherit'] });
    live.add(child);
    child.once('exit', () => live.delete(child));
    this.#command = args.join(' ');
    this.#child = child;
    this.#lines = createInterface(child.stdout);
  }

  async answer(): Promise<unknown> {
    try {
      const [line] = (await once(this.#lines, 'line', { signal: AbortSignal.timeout(20_000) })) as [string];
      return JSON.parse(line) as unknown;
    } catch (cause) {
      throw new Error(`no answer from: ${this.#command} (exit code ${this.#child.exitCode ?? 'none'})`, { cause });
    }
  }

  ask(line: string): Promise<unknown> {
    const answer = this.answer();
    this.#child.stdin?.write(`${line}\n`);
    return answer;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

const port = 7000;

export class Stream implements AsyncDisposable {
  readonly #sender: End;
  readonly #echo: End;

  private constructor(sender: End, echo: End) {
    this.#sender = sender;
    this.#echo = echo;
  }

  /** Returns when the stream flows both ways. */
  static async start(options: StreamOptions): Promise<Stream> {
    const { network, from, to, perSecond = 1_000 } = options;
    const program = await writeProgram(options.dir);
    const echo = new End(network.namespace(to.far), program, ['echo', String(port)]);
    await echo.answer();
    const args = ['send', addressOf(to.station), String(port), String(perSecond)];
    const sender = new End(network.namespace(from), program, args);
    await sender.answer();
    const stream = new Stream(sender, echo);
    await stream.flows();
    return stream;
  }

  async #returned(): Promise<number> {
    const { returned } = (await this.#sender.ask('count')) as { readonly returned: number };
    return returned;
  }

  /** Returns when `count` more datagrams have come back. */
  async flows(count = 200): Promise<void> {
    const before = await this.#returned();
    await eventually(async () => (await this.#returned()) >= before + count, `${count} datagrams came back`, 30_000);
  }

  /** Stops sending, waits for what is still under way, and tells. */
  async end(): Promise<StreamReport> {
    return (await this.#sender.ask('end')) as StreamReport;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#sender.stop(), this.#echo.stop()]);
  }
}
