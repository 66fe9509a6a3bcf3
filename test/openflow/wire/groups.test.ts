import { describe, expect, it } from 'vitest';
import { decodeGroupDescs, decodeGroupStats, encodeGroupMod } from '../../../src/openflow/wire/groups.js';
import type { GroupMod } from '../../../src/openflow/wire/groups.js';
import { hexOf, plain, readerOf } from '../support/hex.js';

// Bytes of `ovs-ofctl -O OpenFlow14|15 add-group br0 group_id=9,type=select,bucket=weight:3,1,bucket=weight:0,watch_port:2,output:2`.
const select: GroupMod = {
  kind: 'groupMod',
  command: 'add',
  group: 9,
  type: 'select',
  buckets: [
    { weight: 3, actions: [{ kind: 'output', port: 1 }] },
    { weight: 0, watchPort: 2, actions: [{ kind: 'output', port: 2 }] },
  ],
};
const output = (port: number): string => `0000 0010 0000000${port} 0000 000000000000`;

describe('encodeGroupMod', () => {
  it('writes what ovs-ofctl writes in 1.4', () => {
    expect(hexOf((writer) => encodeGroupMod(writer, 5, 6, select))).toBe(
      plain(`050f0050 00000006 0000 01 00 00000009
        0020 0003 ffffffff ffffffff 00000000 ${output(1)}
        0020 0000 00000002 ffffffff 00000000 ${output(2)}`),
    );
  });

  it('writes what ovs-ofctl writes in 1.5', () => {
    expect(hexOf((writer) => encodeGroupMod(writer, 6, 6, select))).toBe(
      plain(`060f0060 00000006 0000 01 00 00000009 0048 0000 ffffffff
        0020 0010 00000000 ${output(1)} 0000 0008 0003 0000
        0028 0010 00000001 ${output(2)} 0000 0008 0000 0000 0001 0008 00000002`),
    );
  });

  it('writes a fast failover group as ovs-ofctl does', () => {
    const group: GroupMod = {
      kind: 'groupMod',
      command: 'add',
      group: 10,
      type: 'fast_failover',
      buckets: [{ watchPort: 1, actions: [{ kind: 'output', port: 1 }] }],
    };
    expect(hexOf((writer) => encodeGroupMod(writer, 6, 6, group))).toBe(
      plain(`060f0038 00000006 0000 03 00 0000000a 0020 0000 ffffffff
        0020 0010 00000000 ${output(1)} 0001 0008 00000001`),
    );
  });

  it('refuses to insert buckets below 1.5, and a group that is too large for a message', () => {
    const insert: GroupMod = { kind: 'groupMod', command: 'insert_bucket', group: 1 };
    expect(() => hexOf((writer) => encodeGroupMod(writer, 5, 1, insert))).toThrow(
      expect.objectContaining({ code: 'OPENFLOW_VALUE_INVALID' }),
    );
    const buckets = Array.from({ length: 3000 }, () => ({ actions: [{ kind: 'output', port: 1 } as const] }));
    const large: GroupMod = { kind: 'groupMod', command: 'add', group: 1, buckets };
    expect(() => hexOf((writer) => encodeGroupMod(writer, 6, 1, large))).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
    );
  });
});

describe('decodeGroupDescs and decodeGroupStats', () => {
  it('read a group of 1.3 and one of 1.5', () => {
    const bucket = { weight: 3, actions: [{ kind: 'output', port: 1 }] };
    const old = readerOf(`0028 01 00 00000009 0020 0003 ffffffff ffffffff 00000000 ${output(1)}`);
    expect(decodeGroupDescs(old, 4)).toEqual([{ group: 9, type: 'select', buckets: [bucket] }]);
    const now = readerOf(`0030 01 00 00000009 0020 000000000000 0020 0010 00000007 ${output(1)} 0000 0008 0003 0000`);
    expect(decodeGroupDescs(now, 6)).toEqual([{ group: 9, type: 'select', buckets: [{ id: 7, ...bucket }] }]);
  });

  it('reads counters, and none where the switch keeps none', () => {
    const hex = `0038 0000 00000009 00000002 00000000 0000000000000005 ffffffffffffffff 00000001 00000002
      0000000000000003 0000000000000004`;
    expect(decodeGroupStats(readerOf(hex))).toEqual([
      {
        group: 9,
        references: 2,
        packets: 5n,
        bytes: undefined,
        duration: { s: 1, ns: 2 },
        buckets: [{ packets: 3n, bytes: 4n }],
      },
    ]);
  });
});
