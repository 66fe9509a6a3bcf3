import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Framer } from '../../../src/openflow/wire/framer.js';
import { flowVectors } from '../support/vectors.js';

const messages = flowVectors.slice(0, 40).map(({ hex }) => Buffer.from(hex, 'hex'));
const stream = Buffer.concat(messages);
const expected = messages.map((message) => message.toString('hex'));

function framed(chunks: Iterable<Uint8Array>): readonly string[] {
  const found: string[] = [];
  const framer = new Framer((message) => found.push(Buffer.from(message).toString('hex')));
  for (const chunk of chunks) framer.push(chunk);
  expect(framer.pending).toBe(0);
  return found;
}

describe('Framer', () => {
  it('cuts a stream that comes whole', () => {
    expect(framed([stream])).toEqual(expected);
  });

  it('cuts a stream that comes byte by byte', () => {
    expect(framed(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  it('cuts a stream that comes in any pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 30 }), (cuts) => {
        const ends = [...cuts.sort((a, b) => a - b), stream.length];
        const chunks = ends.map((end, index) => stream.subarray(index === 0 ? 0 : ends[index - 1], end));
        expect(framed(chunks)).toEqual(expected);
      }),
    );
  });

  it('passes on the longest message there is', () => {
    const longest = new Uint8Array(65_535);
    longest.set([6, 2, 0xff, 0xff]);
    expect(framed([longest.subarray(0, 5), longest.subarray(5, 9000), longest.subarray(9000)])).toHaveLength(1);
  });

  it.each([0, 7])('refuses a message of %i bytes, from which nothing can be followed', (size) => {
    const framer = new Framer(() => undefined);
    expect(() => framer.push(Uint8Array.of(6, 0, 0, size, 0, 0, 0, 0))).toThrow(
      expect.objectContaining({ code: 'PEER_PROTOCOL' }),
    );
  });
});
