import { describe, expect, it } from 'vitest';
import { decodePacketIn, encodePacketOut } from '../../../src/openflow/wire/packets.js';
import { bytesOf, hexOf, plain, readerOf } from '../support/hex.js';

const packet = { kind: 'packetOut', inPort: 1, actions: [{ kind: 'output', port: 2 }], data: bytesOf('abcd') } as const;

describe('encodePacketOut', () => {
  it('names the port in the message below 1.5, and in a match from there on', () => {
    const action = '0000 0010 00000002 0000 000000000000';
    expect(hexOf((writer) => encodePacketOut(writer, 4, 1, packet))).toBe(
      plain(`040d002a 00000001 ffffffff 00000001 0010 000000000000 ${action} abcd`),
    );
    expect(hexOf((writer) => encodePacketOut(writer, 6, 1, packet))).toBe(
      plain(`060d0032 00000001 ffffffff 0010 0000 0001 000c 80000004 00000001 00000000 ${action} abcd`),
    );
  });
});

describe('decodePacketIn', () => {
  it('reads where the packet came in, why it was sent, and how much of it is here', () => {
    const hex = 'ffffffff 0064 01 03 0000000000000009 0001 000c 80000004 00000001 00000000 0000 abcd';
    expect(decodePacketIn(readerOf(hex))).toEqual({
      reason: 1,
      table: 3,
      cookie: 9n,
      match: [{ field: 'in_port', value: 1 }],
      size: 100,
      data: bytesOf('abcd'),
    });
  });
});
