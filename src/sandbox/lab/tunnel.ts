/**
 * Makes a TCP port of this machine's loopback reachable at the same address inside another network namespace, so that the
 * agent in the DPU's namespace can talk to the embedded host cluster. Unix sockets do not care about namespaces: a small
 * process inside listens on TCP and hands each connection over such a socket.
 */

import { createServer, connect, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { Daemon } from './daemon.js';
import { makeLabDir, removeLabDir } from './ovs.js';

/** The process inside the namespace. Says `ready` once it listens. */
const inside = `
const net = require('node:net');
const [port, path] = process.argv.slice(1);
net.createServer({ allowHalfOpen: true }, (near) => {
  const far = net.connect({ path, allowHalfOpen: true });
  const end = () => { near.destroy(); far.destroy(); };
  near.on('error', end).on('close', end); far.on('error', end).on('close', end);
  near.setNoDelay(true);
  near.pipe(far); far.pipe(near);
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\\n'));
`;

export class Tunnel implements AsyncDisposable {
  readonly #dir: string;
  readonly #server: Server;
  readonly #daemon: Daemon;
  readonly #sockets = new Set<Socket>();

  private constructor(dir: string, namespace: string, port: number) {
    const path = join(dir, 'tunnel.sock');
    this.#dir = dir;
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#serve(near, port)).listen(path);
    const command = ['ip', 'netns', 'exec', namespace, process.execPath, '-e', inside, String(port), path];
    this.#daemon = new Daemon(command, { PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}` });
  }

  /** Returns when connections to 127.0.0.1:`port` inside the namespace reach that port of this machine. */
  static async open(namespace: string, port: number): Promise<Tunnel> {
    const tunnel = new Tunnel(await makeLabDir(), namespace, port);
    try {
      tunnel.#daemon.start();
      await tunnel.#daemon.ready(() => Promise.resolve(tunnel.#daemon.output.includes('ready')));
      return tunnel;
    } catch (error) {
      await tunnel[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon.stop('SIGKILL');
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await removeLabDir(this.#dir);
  }

  #serve(near: Socket, port: number): void {
    const far = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      const end = (): void => {
        this.#sockets.delete(one);
        other.destroy();
      };
      one.once('close', end).on('error', () => other.destroy());
      one.pipe(other);
    }
  }
}
