/**
 * One process at a time has a directory: it listens at an abstract socket that is named after the directory. The kernel takes
 * the claim back when the process ends, however it ends, so there is nothing stale to be judged. Processes in different
 * network namespaces do not see one another's claims.
 */

import { statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { systemErrorCode } from '../lib/errors.js';

export class DirectoryClaim {
  #server: Server | undefined;
  readonly #what: string;

  /** @param what for which purpose the directory is claimed; part of the name, so ASCII and short */
  constructor(what: string) {
    this.#what = what;
  }

  get isHeld(): boolean {
    return this.#server !== undefined;
  }

  /** @returns false: another has it. @throws what the operating system says of the directory or the socket */
  async take(dir: string): Promise<boolean> {
    if (this.#server !== undefined) return true;
    const { dev, ino } = statSync(dir, { bigint: true });
    const server = createServer((socket) => socket.destroy());
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ path: `\0dpu-node-agent/${this.#what}/${dev}:${ino}` }, resolve);
      });
    } catch (error) {
      if (systemErrorCode(error) === 'EADDRINUSE') return false;
      throw error;
    }
    // Nobody has reason to connect; what accepting may stumble over does not concern the claim.
    server.on('error', () => undefined);
    server.unref();
    this.#server = server;
    return true;
  }

  /** Resolves when another may take it. */
  async release(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
