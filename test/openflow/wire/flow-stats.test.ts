import { describe, expect, it } from 'vitest';
import { decodeAggregate, decodeFlowStats, encodeFlowFilter } from '../../../src/openflow/wire/flow-stats.js';
import { hexOf, plain, readerOf } from '../support/hex.js';

const match = '0001 000c 80000004 00000001 00000000';
const output = '0004 0018 00000000 0000 0010 00000002 0000 000000000000';
const flow = {
  table: 3,
  priority: 5,
  match: [{ field: 'in_port', value: 1 }],
  cookie: 9n,
  idleTimeout: 6,
  hardTimeout: 7,
  flags: 1,
  importance: 8,
  instructions: { apply: [{ kind: 'output', port: 2 }] },
  duration: { s: 1, ns: 2 },
  packets: 4n,
  bytes: undefined,
};

describe('decodeFlowStats', () => {
  it('reads an entry of 1.3 and 1.4', () => {
    const hex = `0058 03 00 00000001 00000002 0005 0006 0007 0001 0008 0000 0000000000000009
      0000000000000004 ffffffffffffffff ${match} ${output}`;
    expect(decodeFlowStats(readerOf(hex), 5)).toEqual({ ...flow, idleAge: undefined });
  });

  it('reads an entry of 1.5, whose counters are a list', () => {
    // duration, idle time, a statistic that nobody knows, packet count
    const stats =
      '0000 002f 80020008 00000001 00000002 80020208 0000000b 00000000 80027e03 010203 80020808 0000000000000004';
    const size = (24 + 16 + 48 + 24).toString(16).padStart(4, '0');
    const hex = `${size} 0000 03 00 0005 0006 0007 0001 0008 0000000000000009 ${match} ${stats} 00 ${output}`;
    expect(decodeFlowStats(readerOf(hex), 6)).toEqual({ ...flow, idleAge: 11 });
  });

  it('refuses an entry that is longer than its part', () => {
    expect(() => decodeFlowStats(readerOf('0058 03 00 00000001'), 5)).toThrow(
      expect.objectContaining({ code: 'PEER_PROTOCOL' }),
    );
  });
});

describe('encodeFlowFilter', () => {
  it('asks for everything by default, and for one cookie when no mask is given', () => {
    const head = 'ff 000000 ffffffff ffffffff 00000000';
    const all = '0001 0004 00000000';
    expect(hexOf((writer) => encodeFlowFilter(writer, 6, {}))).toBe(
      plain(`${head} 0000000000000000 0000000000000000 ${all}`),
    );
    expect(hexOf((writer) => encodeFlowFilter(writer, 6, { cookie: 5n }))).toBe(
      plain(`${head} 0000000000000005 ffffffffffffffff ${all}`),
    );
  });
});

describe('decodeAggregate', () => {
  it('reads both shapes', () => {
    expect(decodeAggregate(readerOf('0000000000000001 0000000000000002 00000003 00000000'), 4)).toEqual({
      packets: 1n,
      bytes: 2n,
      flows: 3,
    });
    const block = '0000 0024 80020604 00000003 80020808 0000000000000001 80020a08 0000000000000002 00000000';
    expect(decodeAggregate(readerOf(block), 6)).toEqual({ packets: 1n, bytes: 2n, flows: 3 });
  });
});
