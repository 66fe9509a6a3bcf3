/** The agent as a process of its own, as in production; seen through the status that it shows. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentStatus } from '../agent/status.js';
import { systemErrorCode } from '../lib/errors.js';
import { Daemon, eventually } from './lab/daemon.js';

export class AgentProcess {
  readonly #daemon: Daemon;
  readonly #statusFile: string;

  /** @param namespace network namespace to run in, if any */
  constructor(mainFile: string, configFile: string, dir: string, namespace: string | undefined) {
    const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
    const env = { PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}` };
    this.#daemon = new Daemon([...inside, process.execPath, mainFile, 'run', '--config', configFile], env);
    this.#statusFile = join(dir, 'agent', 'status.json');
  }

  start(): void {
    this.#daemon.start();
  }

  stop(): Promise<void> {
    return this.#daemon.stop('SIGTERM');
  }

  /** Ends the agent without warning. */
  kill(): Promise<void> {
    return this.#daemon.stop('SIGKILL');
  }

  get pid(): number | undefined {
    return this.#daemon.pid;
  }

  /** What it logged, newest last. */
  get log(): string {
    return this.#daemon.output;
  }

  /** What it shows now; undefined before the first time. */
  async status(): Promise<AgentStatus | undefined> {
    if (!this.#daemon.isRunning) throw new Error(`the agent ended:\n${this.log}`);
    try {
      return JSON.parse(await readFile(this.#statusFile, 'utf8')) as AgentStatus;
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Waits until the agent says that everything is ready, in a status newer than `sinceWallMs`. */
  async ready(sinceWallMs: number, waitMsMax = 20_000): Promise<AgentStatus> {
    let last: AgentStatus | undefined;
    try {
      return await eventually(
        async () => {
          last = await this.status();
          return last?.isReady === true && last.wallMs >= sinceWallMs ? last : undefined;
        },
        'the agent reports everything ready',
        waitMsMax,
      );
    } catch (cause) {
      throw new Error(`the agent is not ready: ${explainUnready(last)}\n${this.log.slice(-2_000)}`, { cause });
    }
  }
}

/** What is in the way of readiness, one line each. */
function explainUnready(status: AgentStatus | undefined): string {
  if (status === undefined) return 'it has shown no status';
  const unready = status.conditions.filter((entry) => entry.state !== 'ready');
  return unready.map((entry) => `${entry.object.name} ${entry.reason}: ${entry.message}`).join('\n');
}
