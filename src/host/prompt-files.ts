/**
 * Reads files that the kernel makes from numbers that it has at hand: memory, huge pages, a process, a sysctl. No lock of a driver
 * or of another process stands behind them, so they are read in place: 15 µs each, where three trips to a thread of the pool and
 * back take 300 µs of processor time. Of devices only `ifindex`, `carrier_changes` and links (`carrier` and the names of ports wait
 * for the kernel's rtnl lock), and nothing that waits for the memory of another process (`cmdline`, `environ`, `smaps`).
 */

import { closeSync, constants, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { AgentError, toError } from '../lib/errors.js';
import type { FileSource } from './file-source.js';

// O_NONBLOCK: whatever lies at the path, opening it does not hang.
const readFlags = constants.O_RDONLY | constants.O_NONBLOCK;

/** Nothing that is read here is longer than a page or two: a file that is gets a buffer of its own. */
const page = Buffer.alloc(8_192);

/** Rejects where `work` throws. */
function inPlace<T>(work: () => T): Promise<T> {
  try {
    return Promise.resolve(work());
  } catch (error) {
    return Promise.reject(toError(error));
  }
}

/** @returns how many bytes of `buffer` were filled; all of it: there may be more */
function fill(descriptor: number, buffer: Buffer, from: number): number {
  let length = from;
  while (length < buffer.length) {
    const part = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (part === 0) break;
    length += part;
  }
  return length;
}

function readWhole(path: string, bytesMax: number): string {
  const descriptor = openSync(path, readFlags);
  try {
    const length = fill(descriptor, page, 0);
    if (length < page.length && length <= bytesMax) return page.toString('utf8', 0, length);
    const long = Buffer.alloc(Math.max(bytesMax + 1, page.length));
    page.copy(long);
    const wholeLength = length < page.length ? length : fill(descriptor, long, length);
    if (wholeLength <= bytesMax) return long.toString('utf8', 0, wholeLength);
    throw new AgentError('LIMIT_EXCEEDED', 'a file of the kernel is longer than expected', {
      facts: { path, bytesMax },
    });
  } finally {
    closeSync(descriptor);
  }
}

/** The real file system, read in place. */
export const promptFiles: FileSource = {
  list: (path) => inPlace(() => readdirSync(path)),
  read: (path, bytesMax) => inPlace(() => readWhole(path, bytesMax)),
  link: (path) => inPlace(() => readlinkSync(path)),
};
