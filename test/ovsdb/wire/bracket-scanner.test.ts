import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BracketScanner } from '../../../src/ovsdb/wire/bracket-scanner.js';

/** Scans in pieces; gives the index after the value in the whole, or -1. */
function scan(bytes: Buffer, pieceSize: number): { end: number; hasLongDigits: boolean } {
  const scanner = new BracketScanner(1000);
  scanner.begin(0);
  for (let at = 0; at < bytes.length; at += pieceSize) {
    const piece = bytes.subarray(at, at + pieceSize);
    const end = scanner.scan(piece, 0, piece.length, 0);
    if (end >= 0) return { end: at + end, hasLongDigits: scanner.hasLongDigits };
  }
  return { end: -1, hasLongDigits: scanner.hasLongDigits };
}

describe('BracketScanner', () => {
  it('finds the end of any value, whatever its strings hold and however it is cut', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.string(),
        fc.integer({ min: 1, max: 9 }),
        (value, rest, pieceSize) => {
          const text = JSON.stringify(value);
          const bytes = Buffer.from(text + rest);
          expect(scan(bytes, pieceSize).end).toBe(Buffer.byteLength(text));
          expect(scan(Buffer.from(text.slice(0, -1)), pieceSize).end).toBe(-1);
        },
      ),
    );
  });

  it.each([
    ['{"a":1234567890123456}', true],
    ['{"a":123456789012345}', false],
    ['{"a":"1234567890123456"}', false],
    ['{"a":[12345678,12345678]}', false],
  ])('sees in %s whether a number is too long for a double', (text, hasLongDigits) => {
    for (const pieceSize of [1, 5, 100]) expect(scan(Buffer.from(text), pieceSize).hasLongDigits).toBe(hasLongDigits);
  });
});
