/** The agent as a process with its default timing, until it is ready and has come to rest. */
import { setTimeout as sleep } from 'node:timers/promises';
import process from 'node:process';
import { Daemon, eventually } from '../../src/sandbox/lab/daemon.js';
import { between, doings, resident, type Doings, type Resident } from './process-figures.js';
import { heapFlags } from '../../src/sandbox/agent-process.js';
import { mallocEnvironment } from './program.js';

const readyMsMax = 120_000;

export class IdleAgent implements AsyncDisposable {
  /** From its start until `/readyz` says yes, ms. */
  readonly readyMs: number;
  readonly #daemon: Daemon;
  readonly #http: string;

  private constructor(daemon: Daemon, http: string, readyMs: number) {
    this.#daemon = daemon;
    this.#http = http;
    this.readyMs = readyMs;
  }

  /** @param program its main file */
  static async start(program: string, configFile: string): Promise<IdleAgent> {
    const env = { ...mallocEnvironment, PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}` };
    // For whoever looks for what is large: BENCH_NODE_FLAGS="--heapsnapshot-signal=SIGUSR2".
    const extra = (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter((word) => word !== '');
    const daemon = new Daemon([process.execPath, ...heapFlags, ...extra, program, 'run', '--config', configFile], env);
    const startedMs = performance.now();
    daemon.start();
    try {
      const http = await eventually(() => /"http ([^"]+)"/.exec(daemon.output)?.[1], 'the API listens', readyMsMax);
      await eventually(() => isReady(http), 'the agent is ready', readyMsMax);
      return new IdleAgent(daemon, http, performance.now() - startedMs);
    } catch (cause) {
      await daemon.stop('SIGKILL');
      throw new Error(daemon.output.slice(-2_000), { cause });
    }
  }

  get pid(): number {
    const { pid } = this.#daemon;
    if (pid === undefined || !this.#daemon.isRunning) throw new Error(`the agent ended:\n${this.#daemon.output}`);
    return pid;
  }

  memory(): Resident {
    return resident(this.pid);
  }

  doings(): Doings {
    return doings(this.pid);
  }

  /** What it did since `before`. */
  since(before: Doings): Doings {
    return between(before, this.doings());
  }

  /** The end of its log, for whoever waits in vain. */
  words(): string {
    return this.#daemon.output.slice(-2_000);
  }

  /** What it does in so much time. */
  async during(ms: number): Promise<Doings> {
    const before = this.doings();
    await sleep(ms);
    return this.since(before);
  }

  /** As Prometheus asks. @returns bytes of the answer */
  async scrape(): Promise<number> {
    const answer = await fetch(`http://${this.#http}/metrics`);
    return (await answer.arrayBuffer()).byteLength;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon.stop('SIGTERM');
  }
}

async function isReady(http: string): Promise<boolean> {
  try {
    return (await fetch(`http://${http}/readyz`)).ok;
  } catch {
    return false;
  }
}
