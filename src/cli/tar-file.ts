/**
 * Writes a tar archive of small files: the ustar header of POSIX.1-1988 (pax(1), "ustar Interchange Format") and the content in
 * blocks of 512 bytes. Names are our own and short, so none of the extensions that a library would bring is needed.
 */

import { assert } from '../lib/assert.js';

export interface TarEntry {
  /** Up to 100 ASCII characters, relative. */
  readonly name: string;
  readonly content: Buffer;
  /** Seconds since 1970 UTC. */
  readonly modifiedSeconds: number;
}

const blockSize = 512;

/** A number as octal digits with leading zeros and a NUL. */
const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;

function header({ name, content, modifiedSeconds }: TarEntry): Buffer {
  assert(/^[\x21-\x7e]{1,100}$/.test(name), `a name in an archive is short and plain, not ${name}`);
  const block = Buffer.alloc(blockSize);
  block.write(name, 0, 'ascii');
  // mode, uid, gid, size, mtime at 100, 108, 116, 124, 136: for the owner's eyes only.
  block.write(octal(0o600, 8) + octal(0, 8) + octal(0, 8) + octal(content.length, 12), 100, 'ascii');
  block.write(octal(Math.floor(modifiedSeconds), 12), 136, 'ascii');
  // The checksum is made with blanks in its place; then type '0', a regular file; then magic and version.
  block.write(`${' '.repeat(8)}0`, 148, 'ascii');
  block.write('ustar\x0000', 257, 'ascii');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return block;
}

/** The archive: the files, and two blocks of zeros at the end. */
export function packTar(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const rest = entry.content.length % blockSize;
    return [header(entry), entry.content, Buffer.alloc(rest === 0 ? 0 : blockSize - rest)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * blockSize)]);
}
