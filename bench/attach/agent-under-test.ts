/** The agent as a process with its default timing, with a probe for its event loop and what the kernel says of its memory. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
// Only what is imported is compiled with the bench, and the agent is started by its path.
import type {} from '../../src/main.js';
import type { ShownStatus } from '../../src/cli/decode.js';
import { AgentApi } from '../../src/sandbox/agent-api.js';
import { Daemon, eventually } from '../../src/sandbox/lab/daemon.js';
import type { ProbeNote } from './probe.js';

const mainFile = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const probeFile = new URL('./probe.js', import.meta.url).href;

export interface Memory {
  readonly rssBytes: number;
  /** The most that it ever was. */
  readonly peakBytes: number;
}

export interface AgentOptions {
  /** Arguments of node. */
  readonly flags?: readonly string[];
  /** Default true. */
  readonly hasProbe?: boolean;
}

/** The text; undefined while it is still being written. */
const wholeJson = (text: string): string | undefined => (text.endsWith('}') ? text : undefined);

export class AgentUnderTest implements AsyncDisposable {
  readonly #daemon: Daemon;
  readonly #api: AgentApi;
  readonly #probe: string;

  private constructor(dir: string, { flags = [], hasProbe = true }: AgentOptions) {
    this.#api = new AgentApi(join(dir, 'api.sock'));
    this.#probe = join(dir, 'probe.json');
    const env = { PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}`, BENCH_PROBE: this.#probe };
    const probe = hasProbe ? ['--import', probeFile] : [];
    // For whoever looks for what is slow: BENCH_NODE_FLAGS="--cpu-prof --cpu-prof-dir=DIR".
    const extra = (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter((word) => word !== '');
    const program = [process.execPath, ...extra, ...flags, ...probe, mainFile];
    this.#daemon = new Daemon([...program, 'run', '--config', join(dir, 'config.json')], env);
  }

  /** Returns when it says that pods may be plugged. @param dir its run directory, for it alone */
  static async start(dir: string, config: object, options: AgentOptions = {}): Promise<AgentUnderTest> {
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'config.json'), JSON.stringify({ ...config, log: { level: 'warn' } }));
    const agent = new AgentUnderTest(dir, options);
    agent.#daemon.start();
    try {
      await eventually(() => agent.#isReady(), 'the agent may plug pods', 60_000);
      return agent;
    } catch (cause) {
      const words = await agent.words();
      await agent[Symbol.asyncDispose]();
      throw new Error(words, { cause });
    }
  }

  /** What it logged and shows, for whoever waits in vain. */
  async words(): Promise<string> {
    return `${this.#daemon.output.slice(-2_000)}\n${JSON.stringify((await this.#status())?.attach).slice(0, 2_000)}`;
  }

  /** Begins to look for the longest pause of its event loop. */
  async watchPauses(): Promise<void> {
    await this.#signal();
  }

  /** The longest pause since then, ms. */
  async longestPauseMs(): Promise<number> {
    return (await this.#signal()).pauseMs;
  }

  async memory(): Promise<Memory> {
    const text = await readFile(`/proc/${this.#pid}/status`, 'utf8');
    const bytes = (key: string): number => Number(new RegExp(`^${key}:\\s*(\\d+) kB`, 'm').exec(text)?.[1]) * 1024;
    return { rssBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#api.close();
    await this.#daemon.stop('SIGTERM');
  }

  get #pid(): number {
    const { pid } = this.#daemon;
    if (pid === undefined || !this.#daemon.isRunning) throw new Error(`the agent ended:\n${this.#daemon.output}`);
    return pid;
  }

  async #signal(): Promise<ProbeNote> {
    await rm(this.#probe, { force: true });
    process.kill(this.#pid, 'SIGUSR2');
    const text = await eventually(
      () => readFile(this.#probe, 'utf8').then(wholeJson, () => undefined),
      'the probe answers',
    );
    return JSON.parse(text) as ProbeNote;
  }

  #status(): Promise<ShownStatus | undefined> {
    return this.#api.shown();
  }

  async #isReady(): Promise<boolean> {
    const pid = this.#pid;
    const attach = (await this.#status())?.attach;
    return pid > 0 && attach?.mode === 'on' && attach.cluster.kind === 'synced';
  }
}
