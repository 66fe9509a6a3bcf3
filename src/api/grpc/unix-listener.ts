/**
 * The Unix socket. It is made in a directory that nobody else may enter, given its mode and group there, and only then moved to
 * its place: there is no moment at which the wrong ones could open it. What lies in its place already is removed only if it is
 * a socket at which nobody answers.
 */

import { chmod, chown, lstat, mkdir, mkdtemp, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { AgentError, systemErrorCode, toError } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';

export interface UnixListenerOptions {
  readonly path: string;
  /** Name or number of the group that may open it; undefined: that of the process. */
  readonly group: string | undefined;
  readonly onSocket: (socket: Socket, boundPath: string) => void;
}

/** Of sun_path, with its final zero (unix(7)). */
const pathBytesMax = 107;
const socketMode = 0o660;
const everybodyMayWrite = 0o002;
const sticky = 0o1000;

function refused(path: string, why: string, remedy: string, cause?: unknown): AgentError {
  return new AgentError('API_ADDRESS', `cannot listen at ${safeText(path)}: ${why}`, {
    facts: { path },
    remedy,
    cause,
  });
}

/** The number of a group. @throws AgentError API_ADDRESS for a name that /etc/group does not have */
export async function groupId(group: string, groupFile = '/etc/group'): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  const lines = (await readFile(groupFile, 'utf8')).split('\n');
  const fields = lines.map((line) => line.split(':')).find(([name]) => name === group);
  const id = Number(fields?.[2]);
  if (fields?.[2] !== undefined && Number.isInteger(id)) return id;
  throw new AgentError('API_ADDRESS', `there is no group ${safeText(group)}`, {
    facts: { group },
    remedy: `Make the group (groupadd --system ${group}), or name another in api.grpc.group.`,
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createConnection(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) => {
      const code = systemErrorCode(error);
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
      // Somebody listens whose queue is full.
      else if (code === 'EAGAIN') resolve(true);
      else reject(error);
    });
  });
}

/** Looks at what lies in the socket's place; it may be replaced when this returns. */
async function checkPlace(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw refused(path, 'there is something else than a socket', 'Remove it, or name another path in api.grpc.socket.');
  }
  if (await answers(path)) {
    throw refused(path, 'somebody answers there', 'Stop the other agent, or name another path in api.grpc.socket.');
  }
}

async function prepareDirectory(path: string): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const { mode } = await stat(directory);
  // Who may write there could put a socket of his own in this one's place.
  if ((mode & everybodyMayWrite) !== 0 && (mode & sticky) === 0) {
    throw refused(path, `everybody may write to ${safeText(directory)}`, `Take the right away: chmod o-w ${directory}`);
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      // A connection that cannot be taken (no descriptor, no memory) is that connection's end and no more.
      server.on('error', () => undefined);
      resolve();
    });
  });
}

export class UnixListener {
  readonly path: string;
  readonly #server: Server;
  readonly #inode: number;

  private constructor(path: string, server: Server, inode: number) {
    this.path = path;
    this.#server = server;
    this.#inode = inode;
  }

  /** @throws AgentError API_ADDRESS */
  static async open(options: UnixListenerOptions): Promise<UnixListener> {
    const { path } = options;
    try {
      await prepareDirectory(path);
      await checkPlace(path);
      return await UnixListener.#make(options);
    } catch (thrown) {
      if (thrown instanceof AgentError) throw thrown;
      const why = systemErrorCode(thrown) ?? toError(thrown).message;
      throw refused(path, why, 'Give the agent the right to write to the directory, or set api.grpc.socket.', thrown);
    }
  }

  static async #make({ path, group, onSocket }: UnixListenerOptions): Promise<UnixListener> {
    const gid = group === undefined ? undefined : await groupId(group);
    const nursery = await mkdtemp(join(dirname(path), '.api-'));
    const boundPath = join(nursery, 's');
    const server = createServer((socket) => onSocket(socket, boundPath));
    try {
      if (Buffer.byteLength(boundPath) > pathBytesMax) {
        throw refused(path, 'the path is too long for a socket', `Use one of at most ${pathBytesMax - 12} bytes.`);
      }
      await listen(server, boundPath);
      await chmod(boundPath, socketMode);
      if (gid !== undefined) await chown(boundPath, process.getuid?.() ?? 0, gid);
      const { ino } = await lstat(boundPath);
      await rename(boundPath, path);
      return new UnixListener(path, server, ino);
    } catch (thrown) {
      server.close();
      await rm(boundPath, { force: true });
      throw thrown;
    } finally {
      await rmdir(nursery);
    }
  }

  get name(): string {
    return `unix:${basename(this.path)}`;
  }

  /** Takes no more connections and removes the socket, if it is still this one. */
  async close(): Promise<void> {
    this.#server.close();
    const found = await lstat(this.path).catch(() => undefined);
    if (found?.ino === this.#inode) await rm(this.path, { force: true });
  }
}
