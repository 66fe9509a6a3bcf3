/**
 * One process at a time has a directory: it listens at a socket in it. The kernel refuses connections to a socket whose process
 * has ended, however it ended, so what is stale shows itself. Only who may write to the directory can claim it, which is why the
 * socket has a name there and is no abstract one: those are anybody's who is quicker.
 *
 * Names are numbered: `.intents.claim.1`, `.2`, …; the directory belongs to the socket with the highest number, if somebody
 * listens there. Who finds that one dead makes the next, which only one can (link(2) makes a name or fails). No name that
 * somebody may hold is ever moved or replaced, so nobody loses the claim to one who looked a moment too early; who made a name
 * below the highest, on an old look, takes it back. The highest stays when it is given back, so numbers only grow.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import { link, readdir, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { systemErrorCode } from '../lib/errors.js';

/** Each time another has made the next name meanwhile; of more than a few at once nearly all see that one alive. */
const triesMax = 64;

/** Names with higher numbers are none of a claim; far more than there are starts. */
const numberMax = 999_999_999_999_999;

export class DirectoryClaim {
  #server: Server | undefined;
  readonly #name: string;

  /** @param what for which purpose the directory is claimed; part of the name, so ASCII and short */
  constructor(what: string) {
    this.#name = `.${what}.claim`;
  }

  get isHeld(): boolean {
    return this.#server !== undefined;
  }

  /** @returns false: another has it. @throws what the operating system says of the directory or the socket */
  async take(dir: string): Promise<boolean> {
    if (this.#server !== undefined) return true;
    const draft = `${this.#name}-${randomBytes(8).toString('hex')}`;
    const server = await listenIn(dir, draft);
    try {
      if (await takePlace(dir, draft, this.#name)) this.#server = server;
      return this.isHeld;
    } finally {
      await gone(unlink(join(dir, draft)));
      if (this.#server === undefined) await closed(server);
    }
  }

  /** Resolves when another may take it. */
  async release(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await closed(server);
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

/** Gives the socket `draft` the next number, if nobody who lives has the highest. */
async function takePlace(dir: string, draft: string, name: string): Promise<boolean> {
  for (let turn = 0; turn < triesMax; turn += 1) {
    const highest = Math.max(0, ...(await numbersIn(dir, name)));
    if (highest > 0 && (await isAlive(join(dir, `${name}.${highest}`)))) return false;
    const own = highest + 1;
    // Under a name that nobody takes for a claim it would be one that the next does not see.
    if (own > numberMax) throw new Error(`no number is left after ${name}.${highest}, which no claim has made`);
    if (!(await linked(join(dir, draft), join(dir, `${name}.${own}`)))) continue;
    const numbers = await numbersIn(dir, name);
    // The look was old: others have had, given back and cleared away what this made once more.
    if (numbers.some((number) => number > own)) await gone(unlink(join(dir, `${name}.${own}`)));
    else {
      for (const number of numbers) if (number < own) await cleared(join(dir, `${name}.${number}`));
      return true;
    }
  }
  return false;
}

/** Numbers of the names that are there. */
async function numbersIn(dir: string, name: string): Promise<readonly number[]> {
  return (await readdir(dir)).flatMap((entry) => {
    const digits = entry.startsWith(`${name}.`) ? entry.slice(name.length + 1) : '';
    return /^[1-9][0-9]{0,14}$/.test(digits) ? [Number(digits)] : [];
  });
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

/** Whether it was there to be removed. */
async function gone(done: Promise<void>): Promise<boolean> {
  try {
    await done;
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Removes a name of the past. A directory of such a name, which no claim has made, may stay: it is below the highest. */
async function cleared(file: string): Promise<void> {
  try {
    await gone(unlink(file));
  } catch (error) {
    if (systemErrorCode(error) !== 'EISDIR') throw error;
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
        // Reset: it ended, or gave the claim back, while the question was in its queue.
        if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ECONNRESET') resolve(false);
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
