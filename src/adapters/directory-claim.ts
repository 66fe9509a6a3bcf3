/**
 * One process at a time has a directory: it listens at a socket in it. The kernel refuses connections to a socket whose process
 * has ended, however it ended, so what is stale shows itself. Only who may write to the directory can claim it, which is why the
 * socket has a name there and is no abstract one: those are anybody's who is quicker.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import { link, lstat, rename, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { systemErrorCode } from '../lib/errors.js';

/** Each time another has taken the place meanwhile; more than a few at once are no agents. */
const triesMax = 8;

export class DirectoryClaim {
  #held: { readonly server: Server; readonly file: string; readonly inode: number } | undefined;
  readonly #name: string;

  /** @param what for which purpose the directory is claimed; part of the name, so ASCII and short */
  constructor(what: string) {
    this.#name = `.${what}.claim`;
  }

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** @returns false: another has it. @throws what the operating system says of the directory or the socket */
  async take(dir: string): Promise<boolean> {
    if (this.#held !== undefined) return true;
    const draft = `${this.#name}-${randomBytes(8).toString('hex')}`;
    const server = await listenIn(dir, draft);
    const own = join(dir, draft);
    const file = join(dir, this.#name);
    try {
      const { ino: inode } = await lstat(own);
      const isTaken = await takePlace(own, file);
      if (isTaken) this.#held = { server, file, inode };
      return isTaken;
    } finally {
      await gone(unlink(own));
      if (this.#held === undefined) await closed(server);
    }
  }

  /** Resolves when another may take it. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    const found = await lstat(held.file).catch(() => undefined);
    if (found?.ino === held.inode) await gone(unlink(held.file));
    await closed(held.server);
  }
}

/** A socket in `dir`, by the directory's descriptor: the path of a socket may have 107 bytes only (unix(7)). */
async function listenIn(dir: string, name: string): Promise<Server> {
  const descriptor = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  const server = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // Bound before `listen` returns, and for its owner alone from the first moment on: connecting takes the right to write.
      const mask = process.umask(0o177);
      try {
        server.listen({ path: `/proc/self/fd/${descriptor}/${name}` }, resolve);
      } finally {
        process.umask(mask);
      }
    });
  } finally {
    closeSync(descriptor);
  }
  // What accepting may stumble over does not concern the claim.
  server.on('error', () => undefined);
  server.unref();
  return server;
}

/** Gives the socket `own` the name `file` too, if nobody who lives has it. */
async function takePlace(own: string, file: string): Promise<boolean> {
  for (let turn = 0; turn < triesMax; turn += 1) {
    if (await linked(own, file)) return true;
    if (await isAlive(file)) return false;
    // Of several who see the same dead one, each takes away only what it then finds dead.
    const aside = `${own}.old`;
    if (!(await gone(rename(file, aside)))) continue;
    const wasAlive = await isAlive(aside);
    if (wasAlive) await linked(aside, file);
    await gone(unlink(aside));
    if (wasAlive) return false;
  }
  return false;
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Whether it was there to be moved or removed. */
async function gone(done: Promise<void>): Promise<boolean> {
  try {
    await done;
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Whether a process listens at the socket; one that is stopped or busy does. */
async function isAlive(file: string): Promise<boolean> {
  const descriptor = openSync(join(file, '..'), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return await new Promise<boolean>((resolve, reject) => {
      const probe = createConnection(`/proc/self/fd/${descriptor}/${file.slice(file.lastIndexOf('/') + 1)}`);
      probe.once('connect', () => {
        probe.destroy();
        resolve(true);
      });
      probe.once('error', (error) => {
        const code = systemErrorCode(error);
        if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
        else if (code === 'EAGAIN') resolve(true);
        else reject(error);
      });
    });
  } finally {
    closeSync(descriptor);
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
