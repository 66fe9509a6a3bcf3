import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../src/lib/errors.js';
import { decodeMessage } from '../../../src/openflow/wire/message.js';
import { flowVectors } from '../support/vectors.js';

const recorded = flowVectors.map(({ hex }) => Buffer.from(hex, 'hex'));
const types = [0, 1, 2, 3, 4, 6, 8, 10, 11, 12, 14, 19, 21, 25, 33];

/** Decodes, and accepts nothing but a value or a typed refusal. */
function decodes(bytes: Uint8Array): 'decoded' | 'refused' {
  try {
    decodeMessage(bytes);
    return 'decoded';
  } catch (error) {
    if (error instanceof AgentError && error.code === 'PEER_PROTOCOL') return 'refused';
    throw error;
  }
}

function withSize(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[2] = copy.length >> 8;
  copy[3] = copy.length & 255;
  return copy;
}

describe('decodeMessage', () => {
  it('refuses a message that was cut anywhere after its header, or reads what is left as a shorter one', () => {
    for (const message of recorded) {
      for (let end = 8; end < 48; end += 1) expect(decodes(withSize(message.subarray(0, end)))).toBe('refused');
      for (let end = 48; end < message.length; end += 1) decodes(withSize(message.subarray(0, end)));
    }
  });

  it('never fails but with a typed error for messages with flipped bits', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...recorded),
        fc.array(fc.tuple(fc.nat(2000), fc.nat(7)), { minLength: 1, maxLength: 6 }),
        (message, flips) => {
          const bytes = Uint8Array.from(message);
          for (const [at, bit] of flips) {
            const index = 8 + (at % (bytes.length - 8));
            bytes[index] = bytes[index]! ^ (1 << bit);
          }
          decodes(bytes);
        },
      ),
      { numRuns: 4000 },
    );
  });

  it('never fails but with a typed error for any bytes in any type of message', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(4, 5, 6),
        fc.constantFrom(...types),
        fc.uint8Array({ maxLength: 200 }),
        (version, type, body) => {
          decodes(withSize(Uint8Array.of(version, type, 0, 0, 0, 0, 0, 1, ...body)));
        },
      ),
      { numRuns: 4000 },
    );
  });

  it('never fails but with a typed error for any bytes in any part of a multipart reply', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(4, 5, 6),
        fc.constantFrom(1, 2, 3, 4, 6, 7, 10, 13, 16, 0xffff),
        fc.uint8Array({ maxLength: 200 }),
        (version, part, body) => {
          const head = [version, 19, 0, 0, 0, 0, 0, 1, part >> 8, part & 255, 0, 0, 0, 0, 0, 0];
          decodes(withSize(Uint8Array.of(...head, ...body)));
        },
      ),
      { numRuns: 4000 },
    );
  });

  it('refuses a length that is not that of the message, and a version that it does not speak', () => {
    expect(decodes(Uint8Array.of(6, 21, 0, 9, 0, 0, 0, 1))).toBe('refused');
    expect(decodes(Uint8Array.of(1, 21, 0, 8, 0, 0, 0, 1))).toBe('refused');
  });

  it('reads an error with version 1, as Open vSwitch sends it for a refused flow monitor', () => {
    const bytes = Uint8Array.of(1, 1, 0, 12, 0, 0, 0, 0, 0, 16, 0, 5);
    expect(decodeMessage(bytes).body).toMatchObject({ kind: 'error', error: { name: 'OFPMOFC_BAD_FLAGS' } });
  });

  it('gives up on actions that are nested without end', () => {
    // A clone around a clone around a clone: 16 bytes each.
    const depth = 200;
    const actions: number[] = [];
    for (let level = depth; level > 0; level -= 1) {
      const size = level * 16;
      actions.push(0xff, 0xff, size >> 8, size & 255, 0, 0, 0x23, 0x20, 0, 42, 0, 0, 0, 0, 0, 0);
    }
    const size = actions.length + 8;
    const flowMod = recorded[0]!.subarray(0, 56);
    const instruction = [0, 4, size >> 8, size & 255, 0, 0, 0, 0];
    expect(decodes(withSize(Uint8Array.of(...flowMod, ...instruction, ...actions)))).toBe('refused');
  });
});
