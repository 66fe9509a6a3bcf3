/**
 * Whose process is at the other end of a Unix socket. Node has no SO_PEERCRED, so it is found in three steps, each of which
 * rests on the kernel alone and none on text that the peer could shape:
 *
 * 1. `ss -x` with a filter for our own bound name tells the inode of the peer's socket (unix_diag(7), UNIX_DIAG_PEER). Without
 *    the filter, names that others bound, which may hold line breaks, could forge a row.
 * 2. `ss -xp` hints at processes that hold that socket. Their names are the peer's to choose, so a hint is no more than that:
 * 3. `/proc/PID/fd/N` must be that very inode of the kernel's own file system of sockets, and the owner of the inode is the user
 *    who made the socket (sock_alloc in net/socket.c). Passing the socket on, or reusing the pid, changes neither. The number
 *    alone proves nothing: a name in a directory, opened with O_PATH, is a socket too, of its maker and with a number of its own.
 */

import { readFile, readlink, stat } from 'node:fs/promises';
import { fstatSync } from 'node:fs';
import type { Clock } from '../lib/clock.js';
import { systemErrorCode } from '../lib/errors.js';
import { runTool, type Tool, type ToolResult } from './run-tool.js';

/** A process at the other end. */
export interface SocketPeer {
  readonly kind: 'process';
  readonly uid: number;
  /** The primary group first. */
  readonly gids: readonly number[];
  /** Undefined where several processes hold the socket. */
  readonly pid: number | undefined;
}

export interface UnknownPeer {
  readonly kind: 'unknown';
  /** Why, one sentence. */
  readonly reason: string;
}

export interface SocketPeersOptions {
  readonly clock: Clock;
  /** `ss` of iproute2; found on the fixed path unless given. */
  readonly ss?: Tool;
  /** Told once for each reason: the first is why nobody on the socket is more than a viewer. */
  readonly onUnknown?: (reason: string) => void;
}

const ssTool: Tool = { file: 'ss', args: [] };
/** It walks every process of the machine; that takes some 10 ms for a thousand. */
const timeoutMs = 3_000;
/** A DPU with ten thousand sockets has a megabyte of them. */
const outputBytesMax = 8 << 20;
/** Rows that others forged may bring hints too; each costs one look. */
const hintsMax = 1_024;

interface Holder {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

export class SocketPeers {
  readonly #options: SocketPeersOptions;
  readonly #told = new Set<string>();
  /** By arguments: the run that has not begun yet, for all who ask while another is under way. */
  readonly #queued = new Map<string, Promise<ToolResult>>();
  /** Never more than one `ss` at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SocketPeersOptions) {
    this.#options = options;
  }

  /**
   * Who is at the other end of the connection that is descriptor `fd` of this process. Never rejects.
   * @param boundPath the name that the listening socket was bound to, without wildcards
   */
  async peerOf(fd: number, boundPath: string): Promise<SocketPeer | UnknownPeer> {
    try {
      return await this.#look(fd, boundPath);
    } catch (error) {
      return this.#unknown(systemErrorCode(error) ?? String(error));
    }
  }

  async #look(fd: number, boundPath: string): Promise<SocketPeer | UnknownPeer> {
    // At once, while the descriptor is certainly still the socket's.
    const { ino: ownInode, dev } = fstatSync(fd);
    const own = await this.#runShared(['-xH', 'src', `unix:${boundPath}`]);
    if (own.kind !== 'exited' || own.code !== 0) return this.#unknown(`ss cannot be used: ${endText(own)}`);
    const peerInode = peerInodeIn(own.stdout, ownInode);
    if (peerInode === undefined) return this.#unknown('ss does not tell the other end of the connection');
    const all = await this.#runShared(['-xHp']);
    if (all.kind !== 'exited' || all.code !== 0) return this.#unknown(`ss cannot be used: ${endText(all)}`);
    const holders = await Promise.all(
      hintsIn(all.stdout, peerInode).map((hint) => holderOf(hint, { ino: peerInode, dev })),
    );
    return this.#judge(holders.filter((holder) => holder !== undefined));
  }

  async #judge(holders: readonly Holder[]): Promise<SocketPeer | UnknownPeer> {
    const [first, ...others] = holders;
    if (first === undefined) return this.#unknown('no process that may be looked at holds the other end');
    const { uid, gid } = first;
    const pids = new Set(holders.map(({ pid }) => pid));
    // Further groups are those of the process, so they count only where it is one, and of the user who made the socket.
    const more = others.every(({ pid }) => pid === first.pid) ? await groupsOf(first.pid, uid) : [];
    const gids = [gid, ...more.filter((entry) => entry !== gid)];
    return { kind: 'process', uid, gids, pid: pids.size === 1 ? first.pid : undefined };
  }

  #unknown(reason: string): UnknownPeer {
    if (!this.#told.has(reason) && this.#told.size < 16) {
      this.#told.add(reason);
      this.#options.onUnknown?.(reason);
    }
    return { kind: 'unknown', reason };
  }

  async #run(args: readonly string[]): Promise<ToolResult> {
    const { clock, ss = ssTool } = this.#options;
    const run = (): Promise<ToolResult> => runTool(ss, args, { clock, timeoutMs, outputBytesMax });
    const result = await run();
    // Once more: whoever comes in a moment of much load would stay unknown for as long as the connection lasts.
    return result.kind === 'timedOut' ? run() : result;
  }

  /** One run for all who wait for one: it begins after each of them came, so that each is in what it tells. */
  #runShared(args: readonly string[]): Promise<ToolResult> {
    const key = args.join(' ');
    const queued = this.#queued.get(key);
    if (queued !== undefined) return queued;
    const run = this.#last.then(() => {
      this.#queued.delete(key);
      return this.#run(args);
    });
    this.#queued.set(key, run);
    this.#last = run;
    return run;
  }
}

function endText(result: ToolResult): string {
  if (result.kind === 'exited') return `it ended with code ${result.code}`;
  return 'reason' in result ? result.reason : 'it did not end in time';
}

/**
 * The peer's inode in rows `Netid State Recv-Q Send-Q Local Port Peer Port`, all of sockets with our own name.
 * `ss` prints `*` for the peer's name where it asks the kernel by netlink, so there is nothing in a row that others wrote.
 */
export function peerInodeIn(rows: string, ownInode: number): number | undefined {
  const found = rows.split('\n').flatMap((row) => {
    const fields = row.trim().split(/\s+/);
    return fields.length >= 8 && fields[5] === String(ownInode) && fields[6] === '*' ? [Number(fields[7])] : [];
  });
  const [inode] = found;
  return found.length === 1 && inode !== undefined && Number.isSafeInteger(inode) && inode > 0 ? inode : undefined;
}

interface Hint {
  readonly pid: string;
  readonly fd: string;
}

/** Processes that may hold the socket, from rows of which nothing is believed. */
export function hintsIn(rows: string, inode: number): readonly Hint[] {
  const own = rows.split('\n').filter((row) => row.includes(` ${inode} `));
  const hints = own.flatMap((row) => [...row.matchAll(/pid=(\d{1,10}),fd=(\d{1,7})\)/g)]);
  return hints.slice(0, hintsMax).map(([, pid = '', fd = '']) => ({ pid, fd }));
}

/** A socket of the kernel: the number counts within the file system that all sockets are in, ours too. */
interface SocketInode {
  readonly ino: number;
  readonly dev: number;
}

/** The hint's process, if it holds the socket indeed. */
export async function holderOf({ pid, fd }: Hint, { ino, dev }: SocketInode): Promise<Holder | undefined> {
  const path = `/proc/${pid}/fd/${fd}`;
  try {
    // The text first, which the kernel makes: `stat` alone would ask whatever file system somebody has opened there.
    if ((await readlink(path)) !== `socket:[${ino}]`) return undefined;
    const found = await stat(path);
    if (!found.isSocket() || found.ino !== ino || found.dev !== dev) return undefined;
    return { pid: Number(pid), uid: found.uid, gid: found.gid };
  } catch (error) {
    // Gone meanwhile, or not ours to look at; either way it proves nothing.
    if (['ENOENT', 'EACCES', 'EPERM', 'ESRCH'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** The supplementary groups of a process, if it still runs as the user. */
async function groupsOf(pid: number, uid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const numbers = (key: string): number[] => {
    const [, list = ''] = new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(text) ?? [];
    return list.split(/\s+/).filter(Boolean).map(Number);
  };
  // Real, effective, saved and file-system user.
  return numbers('Uid').includes(uid) ? numbers('Groups') : [];
}
