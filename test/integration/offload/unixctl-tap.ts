/**
 * A witness at the control socket of ovs-vswitchd: a directory that looks like its run directory, in which every request goes
 * through a socket that notes it and hands it on. It counts how many commands are in the daemon's hands at a time.
 */

import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { OvsLab } from '../lab/ovs.js';

/** A command and its answer, in ms of the monotonic clock. */
export interface TappedCommand {
  readonly method: string;
  readonly params: readonly string[];
  readonly startMs: number;
  /** Undefined: it has not been answered yet. */
  endMs: number | undefined;
}

export class UnixctlTap implements AsyncDisposable {
  /** What the agent is told to be the run directory. */
  readonly runDir: string;
  readonly commands: TappedCommand[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(runDir: string, target: string) {
    this.runDir = runDir;
    this.#server = createServer((socket) => this.#serve(socket, connect(target)));
  }

  /** For the ovs-vswitchd that runs now. */
  static async open(lab: OvsLab): Promise<UnixctlTap> {
    const pid = lab.vswitchdPid ?? 0;
    const name = `ovs-vswitchd.${pid}.ctl`;
    const runDir = join(lab.dir, 'tap');
    await mkdir(runDir);
    await writeFile(join(runDir, 'ovs-vswitchd.pid'), `${pid}\n`);
    // The sockets of the bridges are as they are.
    const others = (await readdir(lab.runDir)).filter((entry) => /\.(?:mgmt|snoop)$/.test(entry));
    for (const entry of others) await symlink(join(lab.runDir, entry), join(runDir, entry));
    const tap = new UnixctlTap(runDir, join(lab.runDir, name));
    await new Promise<void>((resolve) => tap.#server.listen(join(runDir, name), resolve));
    return tap;
  }

  /** Dumps of flows so far. */
  get dumps(): readonly TappedCommand[] {
    return this.commands.filter(({ method }) => method === 'dpctl/dump-flows');
  }

  /** Most commands of these that were in the hands of the daemon at one time. */
  static mostAtOnce(commands: readonly TappedCommand[]): number {
    return Math.max(0, ...commands.map(({ startMs }) => commands.filter((other) => isUnderWay(other, startMs)).length));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client: Socket, daemon: Socket): void {
    for (const socket of [client, daemon]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => this.#sockets.delete(socket));
    }
    client.on('close', () => daemon.destroy());
    daemon.on('close', () => client.destroy());
    const waiting: TappedCommand[] = [];
    client.on('data', (piece: Buffer) => {
      // The client sends a request in one write, and the next one only after the answer.
      const { method, params } = JSON.parse(piece.toString()) as { readonly method: string; readonly params: string[] };
      const command: TappedCommand = { method, params, startMs: performance.now(), endMs: undefined };
      waiting.push(command);
      this.commands.push(command);
      daemon.write(piece);
    });
    let tail = '';
    daemon.on('data', (piece: Buffer) => {
      tail = (tail + piece.toString('latin1')).slice(-64);
      // An answer ends with its last member: the id, or an error that is null.
      const [first] = waiting;
      if (first !== undefined && /\}\s*$/.test(tail)) {
        first.endMs = performance.now();
        waiting.shift();
        tail = '';
      }
      client.write(piece);
    });
  }
}

function isUnderWay({ startMs, endMs = Infinity }: TappedCommand, atMs: number): boolean {
  return startMs <= atMs && endMs > atMs;
}
