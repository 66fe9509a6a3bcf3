/** Bytes as text and back, for tests of the wire. */

import { ByteReader } from '../../../src/openflow/wire/byte-reader.js';
import { ByteWriter } from '../../../src/openflow/wire/byte-writer.js';

/** Hexadecimal of what `encode` writes. */
export function hexOf(encode: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter(16);
  encode(writer);
  return Buffer.from(writer.take()).toString('hex');
}

/** Bytes of hexadecimal text, in which spaces are allowed. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

export function readerOf(hex: string): ByteReader {
  return new ByteReader(bytesOf(hex));
}

export const plain = (hex: string): string => hex.replaceAll(/\s/g, '');
