/**
 * The control socket of one daemon over its restarts. Before each command the pid file is read (two system calls), so that
 * a new process is noticed without watching anything; a connection that ended is made anew for the next command. A
 * command is never sent twice: whoever asked looks at the error and asks again.
 */

import { AgentError, systemErrorCode } from '../lib/errors.js';
import { noCounts, UnixctlClient, type Answer, type UnixctlCounts, type UnixctlOptions } from './client.js';
import { readControlSocket, type ControlSocket } from './control-socket.js';
import type { CallOptions } from './job.js';
import { LineStream, type LineSource } from './line-stream.js';
import { parseCommandList } from './parse/list-commands.js';

/** One life of the daemon. */
export interface Incarnation {
  /** Process id as the pid file has it. */
  readonly pid: number;
  /** 1 for the first that this session met, then counting up. */
  readonly number: number;
}

interface Life extends Incarnation {
  readonly mark: string;
  client: UnixctlClient;
  commands: Promise<ReadonlySet<string>> | undefined;
}

export class UnixctlSession {
  readonly #runDir: string;
  readonly #daemon: string;
  readonly #options: UnixctlOptions;
  readonly counts: UnixctlCounts;
  #life: Life | undefined;
  #reaching: Promise<Life> | undefined;
  /** Clients of former lives that still have something to do. */
  #retired: UnixctlClient[] = [];
  #isClosed = false;

  /** @param daemon `ovs-vswitchd`, `ovsdb-server`, `ovn-controller`: the name of its pid file */
  constructor(runDir: string, daemon = 'ovs-vswitchd', options: UnixctlOptions = {}) {
    this.#runDir = runDir;
    this.#daemon = daemon;
    this.counts = options.counts ?? noCounts();
    this.#options = { ...options, counts: this.counts };
  }

  /** The life that was last spoken to; undefined before the first. */
  get incarnation(): Incarnation | undefined {
    return this.#life === undefined ? undefined : { pid: this.#life.pid, number: this.#life.number };
  }

  /** For how long the daemon has had a command and not answered, ms; undefined when it has none. */
  get busyMs(): number | undefined {
    return this.#life?.client.busyMs;
  }

  /**
   * As `UnixctlClient.call`.
   * @throws AgentError also NOT_CONNECTED when no daemon is there: no pid file, or one of a process that has gone
   */
  async call(command: string, args: readonly string[] = [], options: CallOptions = {}): Promise<string> {
    return (await this.ask(command, args, options)).text;
  }

  /** As `call`, with the time that it took. */
  async ask(command: string, args: readonly string[] = [], options: CallOptions = {}): Promise<Answer> {
    const { client } = await this.#reach();
    return client.ask(command, args, options);
  }

  /** As `UnixctlClient.stream`. */
  stream(command: string, args: readonly string[] = [], options: CallOptions = {}): LineStream {
    const open = async (): Promise<LineSource> => (await this.#reach()).client.open(command, args, options);
    return new LineStream(open);
  }

  /** Whether the daemon knows the command. Asked once in its life. */
  async has(command: string): Promise<boolean> {
    return (await this.commands()).has(command);
  }

  /** Names of all commands of the daemon. */
  async commands(): Promise<ReadonlySet<string>> {
    const life = await this.#reach();
    life.commands ??= listCommands(life.client).catch((error: unknown) => {
      life.commands = undefined;
      throw error;
    });
    return life.commands;
  }

  /** Hangs up. Calls that wait, and all later ones, fail with CLIENT_CLOSED. */
  close(): void {
    this.#isClosed = true;
    for (const client of [...this.#retired, this.#life?.client]) client?.close();
  }

  #reach(): Promise<Life> {
    // Callers at the same time share one look, or each would dial.
    this.#reaching ??= this.#look().finally(() => (this.#reaching = undefined));
    return this.#reaching;
  }

  async #look(): Promise<Life> {
    const found = this.#find();
    this.#mustBeOpen();
    const life = this.#life;
    if (life !== undefined && !life.client.isEnded && (found === undefined || found.mark === life.mark)) return life;
    // Another process has taken over: what the former one has it may still answer.
    if (life?.client.isEnded === false) {
      life.client.retire();
      this.#retired = [...this.#retired, life.client].filter((client) => !client.isEnded);
    }
    if (found === undefined) throw new AgentError('NOT_CONNECTED', `${this.#daemon} has no pid file`);
    const client = await this.#dial(found);
    if (this.#isClosed) client.close();
    this.#mustBeOpen();
    if (life?.mark === found.mark) {
      life.client = client;
      return life;
    }
    const { pid, mark } = found;
    this.#life = { pid, mark, number: (life?.number ?? 0) + 1, client, commands: undefined };
    return this.#life;
  }

  /** A live connection outlasts a pid file that somebody removed. */
  #find(): ControlSocket | undefined {
    try {
      return readControlSocket(this.#runDir, this.#daemon);
    } catch (error) {
      if (this.#life?.client.isEnded === false) return undefined;
      throw error;
    }
  }

  async #dial(found: ControlSocket): Promise<UnixctlClient> {
    try {
      return await UnixctlClient.connect(found.path, this.#options);
    } catch (error) {
      const code = error instanceof AgentError ? systemErrorCode(error.cause) : undefined;
      if (code !== 'ECONNREFUSED' && code !== 'ENOENT') throw error;
      throw new AgentError('NOT_CONNECTED', `the pid file of ${this.#daemon} is left from a process that has gone`, {
        cause: error,
        facts: { pid: found.pid },
        remedy: `Start ${this.#daemon}; it ended without removing its files.`,
      });
    }
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new AgentError('CLIENT_CLOSED', 'the unixctl session was closed');
  }
}

async function listCommands(client: UnixctlClient): Promise<ReadonlySet<string>> {
  return new Set(parseCommandList(await client.call('list-commands')).keys());
}
