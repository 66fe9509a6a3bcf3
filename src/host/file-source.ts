/**
 * Reads small files of the kernel without blocking the event loop and without ever reading more than asked for. Used by
 * the sysfs reader; a port of its own so that tests can show errors that only a real driver gives.
 */
import { close, constants, open, read, readdir, readlink } from 'node:fs';
import { AgentError } from '../lib/errors.js';

/** The three ways in which sysfs is read. All reject with the system's own error (`code` ENOENT, ENOTSUP …). */
export interface FileSource {
  /** Names in a directory, in no particular order. */
  list(path: string): Promise<readonly string[]>;
  /** The whole file as text. Rejects with LIMIT_EXCEEDED when it has more than `bytesMax` bytes. */
  read(path: string, bytesMax: number): Promise<string>;
  /** The target of a symbolic link. */
  link(path: string): Promise<string>;
}

/** Files of the kernel under an injected root: what every reader here takes. */
export interface FilesUnderRoot {
  /** The directory under which `proc` and `sys` lie; `/` unless given. */
  readonly root?: string;
  readonly files?: FileSource;
}

// O_NONBLOCK: whatever lies at the path, opening it does not hang a thread of the pool.
const readFlags = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * A sysfs attribute comes whole in one read (show fills one page). A file of proc that lists things comes in parts, each a page
 * less what the next line did not fit into (seq_read_iter of fs/seq_file.c), so a read of nearly a page may not be the last.
 * Pages have 4 KiB or more, lines of such files less than one.
 */
const lastPartBytesMax = 3_072;

function readPart(descriptor: number, buffer: Buffer, length: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, buffer, length, buffer.length - length, null, (error, bytesRead) => {
      if (error !== null) reject(error);
      else resolve(bytesRead);
    });
  });
}

async function readParts(descriptor: number, bytesMax: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytesMax + 1);
  let length = 0;
  for (;;) {
    const part = await readPart(descriptor, buffer, length);
    length += part;
    if (part <= lastPartBytesMax || length === buffer.length) return buffer.subarray(0, length);
  }
}

function openFile(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, readFlags, (error, descriptor) => {
      if (error !== null) reject(error);
      else resolve(descriptor);
    });
  });
}

function closeFile(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    close(descriptor, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

async function readBounded(path: string, bytesMax: number): Promise<string> {
  const descriptor = await openFile(path);
  try {
    const bytes = await readParts(descriptor, bytesMax);
    if (bytes.length > bytesMax) {
      throw new AgentError('LIMIT_EXCEEDED', 'a file of the kernel is longer than expected', {
        facts: { path, bytesMax },
      });
    }
    return bytes.toString('utf8');
  } finally {
    await closeFile(descriptor);
  }
}

/** The real file system. */
export const systemFiles: FileSource = {
  list: (path) =>
    new Promise((resolve, reject) => {
      readdir(path, (error, names) => {
        if (error !== null) reject(error);
        else resolve(names);
      });
    }),
  read: readBounded,
  link: (path) =>
    new Promise((resolve, reject) => {
      readlink(path, (error, target) => {
        if (error !== null) reject(error);
        else resolve(target);
      });
    }),
};
