/** The agent as a process of its own, as in production; seen through its API. */

import { join } from 'node:path';
import type { AgentStatus } from '../agent/status.js';
import type { ShownStatus } from '../cli/decode.js';
import { AgentApi, type PodAttachment } from './agent-api.js';
import { Daemon, eventually } from './lab/daemon.js';

/** Name of the socket in the run directory. */
const socketName = 'api.sock';

/** The address in the line of the log that says where the API listens since the last start. */
function httpAddressIn(log: string): string | undefined {
  const lines = log.slice(log.lastIndexOf('"agent starts"')).split('\n');
  const line = lines.find((text) => text.includes('"API listens"'));
  return line === undefined ? undefined : /"http ([^"]+)"/.exec(line)?.[1];
}

/** As the image and the units give them to node: without, V8 collects as late as it likes. */
export const heapFlags = ['--max-semi-space-size=2', '--max-old-space-size=96'] as const;

export class AgentProcess {
  /** Run directory of the agent, for `--run-dir`. */
  readonly runDir: string;
  readonly #daemon: Daemon;
  readonly #api: AgentApi;
  #httpAddress: string | undefined;

  /**
   * @param dir the agent's run directory is `agent` in it
   * @param namespace network namespace to run in, if any
   * @param nodeFlags of node itself, such as `heapFlags`
   */
  constructor(
    mainFile: string,
    configFile: string,
    dir: string,
    namespace: string | undefined,
    nodeFlags: readonly string[] = [],
  ) {
    const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
    const env = { PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}` };
    const program = [process.execPath, ...nodeFlags, mainFile];
    this.#daemon = new Daemon([...inside, ...program, 'run', '--config', configFile], env);
    this.runDir = join(dir, 'agent');
    this.#api = new AgentApi(this.socket);
  }

  start(): void {
    this.#httpAddress = undefined;
    this.#daemon.start();
  }

  stop(): Promise<void> {
    this.#api.close();
    return this.#daemon.stop('SIGTERM');
  }

  /** Ends the agent without warning. */
  kill(): Promise<void> {
    this.#api.close();
    return this.#daemon.stop('SIGKILL');
  }

  get pid(): number | undefined {
    return this.#daemon.pid;
  }

  /** What it logged, newest last. */
  get log(): string {
    return this.#daemon.output;
  }

  /** The socket of its gRPC API. */
  get socket(): string {
    return join(this.runDir, socketName);
  }

  /** Where it listens for HTTP, `host:port`, in its own network; for one that is ready. Undefined: it does not log so. */
  get httpAddress(): string | undefined {
    // Kept, for only the end of the log is.
    this.#httpAddress ??= httpAddressIn(this.log);
    return this.#httpAddress;
  }

  /** What it says now; undefined before the first time. @throws Error when it has ended */
  status(): Promise<AgentStatus | undefined> {
    return this.#ask(() => this.#api.status());
  }

  /** The networks of all pods; undefined before the first time. @throws Error when it has ended */
  attachments(): Promise<readonly PodAttachment[] | undefined> {
    return this.#ask(() => this.#api.attachments());
  }

  /** Whether it knows the pod; undefined before the first time. @throws Error when it has ended */
  knowsPod(namespace: string, name: string): Promise<boolean | undefined> {
    return this.#ask(() => this.#api.knowsPod(namespace, name));
  }

  /** Waits until the agent says that everything is ready, in a status newer than `sinceWallMs`. */
  async ready(sinceWallMs: number, waitMsMax = 20_000): Promise<AgentStatus> {
    let last: ShownStatus | undefined;
    try {
      return await eventually(
        async () => {
          // The rest costs the agent more, and is asked for once.
          last = await this.#ask(() => this.#api.shown());
          const isIt = last?.isReady === true && last.wallMs >= sinceWallMs;
          return isIt && last !== undefined ? await this.#api.complete(last) : undefined;
        },
        'the agent reports everything ready',
        waitMsMax,
      );
    } catch (cause) {
      throw new Error(`the agent is not ready: ${explainUnready(last)}\n${this.log.slice(-2_000)}`, { cause });
    }
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    if (!this.#daemon.isRunning) throw new Error(`the agent ended:\n${this.log}`);
    return question();
  }
}

/** What is in the way of readiness, one line each. */
function explainUnready(status: ShownStatus | undefined): string {
  if (status === undefined) return 'it has shown no status';
  const unready = status.conditions.filter((entry) => entry.state !== 'ready');
  return unready.map((entry) => `${entry.object.name} ${entry.reason}: ${entry.message}`).join('\n');
}
