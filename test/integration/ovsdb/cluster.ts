/**
 * A raft cluster of ovsdb-servers for tests, and single servers with any arguments: for what a standalone server with one
 * unix socket cannot show.
 */

import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { Daemon, eventually } from '../lab/daemon.js';
import { daemonArgs, labEnv, makeLabDir, removeLabDir, runTool } from '../lab/ovs.js';
import { rawCall } from '../lab/raw-ovsdb.js';

/** A TCP port of the loopback that nobody uses at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** One ovsdb-server in a directory of its own. */
export class ServerProcess {
  readonly dir: string;
  readonly socket: string;
  readonly dbFile: string;
  readonly #args: readonly string[];
  #daemon: Daemon;

  private constructor(dir: string, args: readonly string[]) {
    this.dir = dir;
    this.socket = join(dir, 'run', 'db.sock');
    this.dbFile = join(dir, 'db', 'lab.db');
    this.#args = args;
    this.#daemon = this.#make();
  }

  /** Makes the directory; `prepare` fills it. The last argument of ovsdb-server is the database unless `args` has one. */
  static async create(args: readonly string[], prepare: (dbFile: string) => readonly string[]): Promise<ServerProcess> {
    const server = new ServerProcess(await makeLabDir(), args);
    for (const name of ['run', 'db', 'log', 'etc']) await mkdir(join(server.dir, name));
    const [tool, ...toolArgs] = prepare(server.dbFile);
    if (tool !== undefined) await runTool(labEnv(server.dir), tool, toolArgs);
    return server;
  }

  async start(): Promise<void> {
    this.#daemon = this.#make();
    this.#daemon.start();
    await this.#daemon.ready(() =>
      rawCall(this.socket, 'echo', []).then(
        () => true,
        () => false,
      ),
    );
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.#daemon.stop(signal);
  }

  appctl(...args: readonly string[]): Promise<string> {
    return runTool(labEnv(this.dir), 'ovs-appctl', ['--timeout=10', '-t', 'ovsdb-server', ...args]);
  }

  /** What the server says of its cluster; empty before it knows of one. */
  status(): Promise<string> {
    return this.appctl('cluster/status', 'Open_vSwitch').catch(() => '');
  }

  async stop(): Promise<void> {
    await this.#daemon.stop('SIGKILL');
    await removeLabDir(this.dir);
  }

  #make(): Daemon {
    const isPath = (arg: string): boolean => !arg.startsWith('-');
    const database = this.#args.some(isPath) ? [] : [this.dbFile];
    const remote = `--remote=punix:${this.socket}`;
    const command = ['ovsdb-server', remote, ...daemonArgs(this.dir, 'ovsdb-server'), ...this.#args, ...database];
    return new Daemon(command, labEnv(this.dir));
  }
}

/** Servers of one raft cluster that holds an Open_vSwitch database, in service. */
export async function startCluster(count: number): Promise<readonly ServerProcess[]> {
  const schema = '/usr/share/openvswitch/vswitch.ovsschema';
  const first = `tcp:127.0.0.1:${await freePort()}`;
  const servers: ServerProcess[] = [];
  for (let index = 0; index < count; index += 1) {
    const address = index === 0 ? first : `tcp:127.0.0.1:${await freePort()}`;
    const prepare = (dbFile: string): readonly string[] =>
      index === 0
        ? ['ovsdb-tool', 'create-cluster', dbFile, schema, address]
        : ['ovsdb-tool', 'join-cluster', dbFile, 'Open_vSwitch', address, first];
    const server = await ServerProcess.create([], prepare);
    servers.push(server);
    await server.start();
    // It serves before it has joined; killed in between, it would never find its way into the cluster.
    await eventually(async () => (await server.status()).includes('Status: cluster member'), 'the server has joined');
  }
  return servers;
}
