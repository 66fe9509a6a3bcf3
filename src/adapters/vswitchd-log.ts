/**
 * The last lines that ovs-vswitchd wrote to its log in this life. A line begins `2026-08-06T10:00:00.123Z|00042|module|WARN|`: time in
 * UTC and number of the message, which each thread counts for itself and a new process counts from 1 (vlog.h, vlog.c).
 */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { systemFiles } from '../host/file-source.js';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { systemClock, type Clock } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import { known, unknown, type Fact } from '../model/fact.js';
import type { VswitchdLife } from './vswitchd-life.js';

/** For each look at the file system, ms. */
const readMs = 2_000;
const tailSizeMax = 64 << 10;
const linesMax = 200;
const lineLengthMax = 1024;
const cmdlineSizeMax = 16_384;
/** A daemon has some descriptors for each port. */
const descriptorsMax = 16_384;
const linksAtOnce = 64;

export interface VswitchdLogOptions {
  /** The file; undefined: the one that the process names or has open. */
  readonly file?: string | undefined;
  /** Where `proc` lies. Default `/`. */
  readonly root?: string | undefined;
  readonly clock?: Clock | undefined;
  /** How the end of a file is read. Default: from the file system. */
  readonly tail?: ((path: string) => Promise<string>) | undefined;
}

export class VswitchdLog {
  readonly #file: string | undefined;
  readonly #root: string;
  readonly #clock: Clock;
  readonly #tail: (path: string) => Promise<string>;
  /** What does not come to an end holds a thread of the pool: there is never more than one of them. */
  #hung: Promise<unknown> | undefined;

  constructor({ file, root = '/', clock = systemClock, tail = readTail }: VswitchdLogOptions = {}) {
    this.#clock = clock;
    this.#tail = tail;
    this.#file = file;
    this.#root = root;
  }

  /** At most 200 lines of the last 64 KiB, bounded and escaped, the oldest first, in four seconds at most. Never rejects. */
  async read(life: VswitchdLife): Promise<Fact<readonly string[]>> {
    if (this.#hung !== undefined) return unknown('the file system of the log of ovs-vswitchd hangs');
    try {
      const file = this.#file === undefined ? await this.#within(this.#find(life)) : known(this.#file);
      if (file.kind === 'unknown') return file;
      return known(linesOfLife(await this.#within(this.#tail(file.value)), life.startedMs));
    } catch (error) {
      return unknown(`the log of ovs-vswitchd cannot be read: ${wordsOf(error)}`);
    }
  }

  /** A read of a file system that hangs cannot be ended; whoever waits for it can go on. */
  #within<T>(reading: Promise<T>): Promise<T> {
    this.#hung = reading;
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(readMs, () => {
        reject(new AgentError('DEADLINE_EXCEEDED', `its file system has not answered in ${readMs} ms`));
      });
      reading.then(resolve, reject).finally(() => {
        this.#hung = undefined;
        timer.cancel();
      });
    });
  }

  /** The path on its command line, in its own mount namespace; else the `.log` that it has open. */
  async #find({ pid, isVisible }: VswitchdLife): Promise<Fact<string>> {
    if (!isVisible) return unknown('the process of ovs-vswitchd is not to be seen, and so neither is its log');
    const proc = join(this.#root, 'proc', String(pid));
    try {
      const words = (await systemFiles.read(join(proc, 'cmdline'), cmdlineSizeMax)).split('\0');
      const named = words.findLast((word) => word.startsWith('--log-file=/'))?.slice('--log-file='.length);
      if (named !== undefined) return known(join(proc, 'root', named));
      const opened = await findOpened(join(proc, 'fd'));
      return opened === undefined ? unknown('ovs-vswitchd keeps no log file') : known(opened);
    } catch (error) {
      return unknown(`the log of ovs-vswitchd cannot be found: ${wordsOf(error)}`);
    }
  }
}

function wordsOf(error: unknown): string {
  return (error instanceof AgentError ? undefined : systemErrorCode(error)) ?? safeText(toError(error).message);
}

/** The link itself is opened: it leads to the file wherever that lies by now. */
async function findOpened(folder: string): Promise<string | undefined> {
  const names = (await systemFiles.list(folder)).slice(0, descriptorsMax);
  for (let at = 0; at < names.length; at += linksAtOnce) {
    const links = names.slice(at, at + linksAtOnce).map(async (name) => {
      const path = join(folder, name);
      // A descriptor may be closed between the list and the question.
      const target = await systemFiles.link(path).catch(() => '');
      return target.endsWith('.log') ? path : undefined;
    });
    const found = (await Promise.all(links)).find((path) => path !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whole lines only, but for one that is longer than the tail. */
async function readTail(path: string): Promise<string> {
  await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await handle.stat();
  if (!stats.isFile()) throw new Error('it is no file');
  const start = Math.max(0, stats.size - tailSizeMax);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(tailSizeMax), 0, tailSizeMax, start);
  const text = buffer.toString('utf8', 0, bytesRead);
  return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
}

/** The first message of the main thread, which alone has no name behind its module. */
const beginning = /^[^|]*\|0*1\|[^|(]*\|/;

/**
 * The lines of the life that began at `startedMs`. Its first message shows where it begins; a process that was forked goes on with
 * the numbers of its monitor, and there the time alone decides. A line without a time belongs to the one before it.
 */
export function linesOfLife(text: string, startedMs: number): readonly string[] {
  const lines = text.split('\n').filter((line) => line !== '');
  const first = lines.findLastIndex((line) => beginning.test(line));
  let isOfLife = false;
  const own = lines.slice(Math.max(0, first)).filter((line) => {
    const time = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)\|/.exec(line)?.[1];
    if (time !== undefined) isOfLife = Date.parse(time) >= startedMs;
    return isOfLife;
  });
  return own.slice(-linesMax).map((line) => safeText(line, lineLengthMax));
}
