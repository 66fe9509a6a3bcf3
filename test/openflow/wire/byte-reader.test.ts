import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../../src/openflow/wire/byte-reader.js';
import { ByteWriter } from '../../../src/openflow/wire/byte-writer.js';
import { bytesOf, readerOf } from '../support/hex.js';

describe('ByteReader', () => {
  it('reads back what a ByteWriter wrote, of any width', () => {
    const number = fc
      .integer({ min: 1, max: 16 })
      .chain((bytes) =>
        fc.record({ bytes: fc.constant(bytes), value: fc.bigInt({ min: 0n, max: (1n << BigInt(bytes * 8)) - 1n }) }),
      );
    fc.assert(
      fc.property(fc.array(number, { maxLength: 20 }), (numbers) => {
        const writer = new ByteWriter(1);
        for (const { bytes, value } of numbers) writer.uint(value, bytes);
        const reader = new ByteReader(writer.take());
        expect(numbers.map(({ bytes }) => BigInt(reader.uint(bytes)))).toEqual(numbers.map(({ value }) => value));
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  it('never reads past its end, nor past that of a part', () => {
    expect(() => readerOf('00').u16()).toThrow('malformed');
    expect(() => readerOf('0000').sub(3)).toThrow('malformed');
    const part = readerOf('01020304').sub(2);
    part.skip(2);
    expect(() => part.u8()).toThrow('malformed');
  });

  it('knows that a counter of all ones is not kept', () => {
    expect(readerOf('ffffffffffffffff').counter()).toBeUndefined();
    expect(readerOf('fffffffffffffffe').counter()).toBe(0xffff_ffff_ffff_fffen);
  });

  it('copies what is kept', () => {
    const source = bytesOf('0102');
    const kept = new ByteReader(source).bytes(2);
    source[0] = 9;
    expect(kept).toEqual(bytesOf('0102'));
  });
});
