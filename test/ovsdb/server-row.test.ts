import { describe, expect, it } from 'vitest';
import { clusterMemoryEmpty, judgeServer, parseServerRow, rememberServer } from '../../src/ovsdb/server-row.js';
import type { ServerRow } from '../../src/ovsdb/server-row.js';

const cid = 'aaaaaaaa-0000-4000-8000-000000000001';
const wish = { database: 'Lab', leaderOnly: false };
const member: ServerRow = {
  name: 'Lab',
  model: 'clustered',
  isConnected: true,
  isLeader: false,
  cid,
  sid: 'bbbbbbbb-0000-4000-8000-000000000001',
  index: 10,
};
const reason = (row: ServerRow | undefined, change: object = {}, memory = clusterMemoryEmpty): string | undefined =>
  judgeServer(row, { ...wish, ...change }, memory)?.message;

describe('a row of _Server', () => {
  it('is read with its optional columns in every spelling', () => {
    expect(
      parseServerRow({ name: 'Lab', model: 'clustered', connected: true, leader: true, cid: ['uuid', cid], index: 7 }),
    ).toEqual({ name: 'Lab', model: 'clustered', isConnected: true, isLeader: true, cid, sid: undefined, index: 7 });
    expect(
      parseServerRow({ cid: ['set', []], index: ['set', [9]], sid: ['set', [['uuid', cid.toUpperCase()]]] }),
    ).toEqual({
      name: '',
      model: 'standalone',
      isConnected: false,
      isLeader: false,
      cid: undefined,
      sid: cid,
      index: 9,
    });
  });

  it('is accepted when nothing speaks against it', () => {
    expect(reason(member)).toBeUndefined();
    expect(reason({ ...member, isLeader: true }, { leaderOnly: true, clusterId: 'AAAA' })).toBeUndefined();
  });

  it('is refused with the reason', () => {
    expect(judgeServer(undefined, wish, clusterMemoryEmpty)?.code).toBe('OVSDB_UNKNOWN_DATABASE');
    expect(reason({ ...member, isConnected: false })).toContain('no connection to its cluster');
    expect(reason(member, { leaderOnly: true })).toContain('does not lead');
    expect(reason({ ...member, model: 'relay' }, { leaderOnly: true })).toContain('relay');
    expect(reason(member, { clusterId: 'bbbb' })).toContain('another cluster');
    expect(reason({ ...member, cid: undefined }, { clusterId: 'aaaa' })).toContain('another cluster');
  });

  it('is refused when it lags behind what was seen of the same cluster', () => {
    const memory = rememberServer({ ...member, index: 12 }, clusterMemoryEmpty);
    expect(reason(member, {}, memory)).toContain('lags behind');
    expect(reason({ ...member, index: 12 }, {}, memory)).toBeUndefined();
    expect(reason({ ...member, index: 13n }, {}, memory)).toBeUndefined();
    expect(reason({ ...member, cid: 'cccccccc-0000-4000-8000-000000000001' }, {}, memory)).toBeUndefined();
    expect(rememberServer(member, memory)).toBe(memory);
    expect(rememberServer({ ...member, model: 'standalone' }, memory)).toBe(memory);
  });
});
