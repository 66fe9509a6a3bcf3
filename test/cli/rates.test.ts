import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { encodeOffloadRow } from '../../src/api/encode/offload.js';
import { RateTable } from '../../src/cli/rates.js';
import { count } from '../../src/cli/offload-words.js';
import { formatTop, offloadOf } from '../../src/cli/top-command.js';
import { OffloadRowSchema } from '../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import {
  type StatsRow,
  StatsRow_Kind,
  StatsRowSchema,
  WatchStatsResponseSchema,
} from '../../src/gen/proto/dpu/agent/v1/stats_pb.js';
import { measuredOf, offloadRow } from '../fakes/offload-world.js';

const message = (ms: number, rows: readonly StatsRow[], removed: string[] = []) =>
  create(WatchStatsResponseSchema, { observedAt: timestampFromMs(ms), rows: [...rows], removed });

const row = (
  key: string,
  ms: number,
  packets: bigint,
  bytes: bigint,
  more: Partial<Pick<StatsRow, 'kind' | 'name' | 'network' | 'podUid' | 'countedSince'>> = {},
): StatsRow =>
  create(StatsRowSchema, {
    key,
    kind: StatsRow_Kind.PORT,
    name: key,
    bridge: 'br0',
    observedAt: timestampFromMs(ms),
    received: { packets, bytes, drops: 0n },
    sent: { packets: 0n, bytes: 0n },
    ...more,
  });

function tableOf(...messages: readonly ReturnType<typeof message>[]): RateTable {
  const table = new RateTable();
  for (const entry of messages) table.take(entry);
  return table;
}

describe('rates', () => {
  it('come from two readings and the time between them', () => {
    const table = tableOf(message(0, [row('p0', 0, 100n, 1_000n)]), message(2_000, [row('p0', 2_000, 300n, 251_000n)]));
    expect(table.rows()[0]).toMatchObject({
      received: { packets: 100, bits: 1_000_000, drops: 0 },
      sent: { packets: 0, bits: 0, drops: undefined },
    });
  });

  it('are not known after one reading, and when a counter went back', () => {
    const first = message(0, [row('p0', 0, 100n, 1_000n)]);
    expect(tableOf(first).isMeasured).toBe(false);
    expect(tableOf(first).rows()[0]?.received.packets).toBeUndefined();
    const again = message(2_000, [row('p0', 2_000, 1n, 1n)]);
    expect(tableOf(first, again).rows()[0]?.received.packets).toBeUndefined();
  });

  it.each([{ podUid: 'next' }, { countedSince: timestampFromMs(1_500) }])(
    'are not known where the counters are others, though greater: %o',
    (more) => {
      const first = message(0, [row('ns/web', 0, 0n, 0n, { podUid: 'one', countedSince: timestampFromMs(0) })]);
      const fields = { podUid: 'one', countedSince: timestampFromMs(0), ...more };
      const again = message(2_000, [row('ns/web', 2_000, 9n, 9n, fields)]);
      expect(tableOf(first, again).rows()[0]?.received.packets).toBeUndefined();
    },
  );

  it('stay for the time between two looks of Open vSwitch, and are zero after it', () => {
    const table = tableOf(message(0, [row('p0', 0, 0n, 0n)]), message(1_000, [row('p0', 1_000, 10n, 0n)]));
    table.take(message(5_000, []));
    expect(table.rows()[0]?.received.packets).toBe(10);
    table.take(message(9_000, []));
    expect(table.rows()[0]?.received.packets).toBe(0);
  });

  it('put the busiest first and forget what is gone', () => {
    const table = tableOf(
      message(0, [row('a', 0, 0n, 0n), row('b', 0, 0n, 0n), row('c', 0, 0n, 0n)]),
      message(1_000, [row('b', 1_000, 1n, 9_000n), row('a', 1_000, 1n, 10n)], ['c']),
    );
    expect(table.rows().map((entry) => entry.row.key)).toEqual(['b', 'a']);
  });
});

describe('the screen of dpuctl top', () => {
  it.each([
    [undefined, '-'],
    [0, '0'],
    [7.5, '7.5'],
    [999.4, '999'],
    [999.6, '1k'],
    [12_345, '12.3k'],
    [1_250_000, '1.25M'],
    [3.2e14, '320T'],
    [1e15, '1P'],
    [1e18, '1000P'],
  ])('writes %s as %s', (value, text) => {
    expect(count(value)).toBe(text);
  });

  it('has the offload verdict of ports, pods and chains, and says how many rows it leaves out', () => {
    const rows = tableOf(
      message(0, [
        row('p0', 0, 0n, 0n),
        row('x', 0, 0n, 0n, { kind: StatsRow_Kind.CHAIN_PORT, name: 'c/1/a' }),
        row('y', 0, 0n, 0n, { kind: StatsRow_Kind.ATTACHMENT, name: 'ns/pod', network: 'ns/net' }),
      ]),
      message(5_000, []),
    ).rows();
    const told = [
      offloadRow('port', 'p0', 'software', { measured: measuredOf({ hardwareShare: 0.015 }) }),
      offloadRow('chain', 'c'),
      offloadRow('attachment', 'ns/pod', 'hardware', { interface: 'another' }),
    ];
    const offload = offloadOf(told.map((entry) => create(OffloadRowSchema, encodeOffloadRow(entry))));
    expect(formatTop(rows, offload, undefined)).toBe(
      [
        'KIND   NAME           BRIDGE  RX PKT/S  TX PKT/S  RX BIT/S  TX BIT/S  DROPS/S  OFFLOAD',
        'port   p0             br0     0         0         0         0         0        software 1.5 %',
        'chain  c/1/a          br0     0         0         0         0         0        unknown',
        'pod    ns/pod ns/net  br0     0         0         0         0         0        -',
        '',
      ].join('\n'),
    );
    expect(formatTop(rows, offload, 1)).toContain('… and 2 more\n');
  });
});
