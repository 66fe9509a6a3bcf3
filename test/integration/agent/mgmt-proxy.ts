/** Stands between the agent's probe and vswitchd's management sockets, and counts: who asks vswitchd, and how often. */

import { mkdir } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

export class MgmtProxy implements AsyncDisposable {
  readonly dir: string;
  /** Connections ever made, and those open now. */
  madeCount = 0;
  readonly open = new Set<Socket>();
  readonly #servers: Server[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** @param runDir directory of the real sockets */
  static async start(dir: string, runDir: string, bridges: readonly string[]): Promise<MgmtProxy> {
    const proxy = new MgmtProxy(dir);
    await mkdir(dir);
    for (const bridge of bridges) await proxy.#listen(`${bridge}.mgmt`, runDir);
    return proxy;
  }

  async #listen(name: string, runDir: string): Promise<void> {
    const server = createServer((near) => {
      this.madeCount += 1;
      this.open.add(near);
      const far = connect(join(runDir, name));
      near.on('close', () => {
        this.open.delete(near);
        far.destroy();
      });
      far.on('close', () => near.destroy());
      for (const socket of [near, far]) socket.on('error', () => socket.destroy());
      near.pipe(far);
      far.pipe(near);
    });
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(join(this.dir, name), resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
