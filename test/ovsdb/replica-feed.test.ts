import { describe, expect, it } from 'vitest';
import { ReplicaFeed } from '../../src/ovsdb/replica-feed.js';
import { keepRow } from '../../src/ovsdb/wire/frame-scanner.js';
import { labSchema } from '../fakes/scripted-ovsdb-peer.js';

const a = '00000000-0000-4000-8000-00000000000a';
const b = '00000000-0000-4000-8000-00000000000b';
const zero = '00000000-0000-0000-0000-000000000000';
const id = '11111111-0000-4000-8000-000000000001';
const since = 'monitor_cond_since';

function loaded(): ReplicaFeed {
  const feed = new ReplicaFeed(new Map([['Thing', {}]]));
  feed.takeSchema(labSchema);
  feed.takeDump(since, [false, id, { Thing: { [a]: { initial: { name: 'one' } } } }]);
  return feed;
}

describe('a replica feed', () => {
  it('shows nothing before the first dump is complete', () => {
    const feed = new ReplicaFeed(new Map([['Thing', {}]]));
    feed.takeSchema(labSchema);
    expect(feed.replica).toBeUndefined();
    expect(feed.rowHook(since)('Thing', a, { initial: { name: 'one' } }, 'result')).toBeUndefined();
    expect(feed.replica).toBeUndefined();
    feed.takeDump(since, [false, zero, { Thing: {} }]);
    expect(feed.replica?.table('Thing').size).toBe(1);
    expect(feed.resumeId).toBeUndefined();
  });

  it('leaves to the message what is no initial row', () => {
    const hook = loaded().rowHook(since);
    expect(hook('Thing', b, { insert: {} }, 'result')).toBe(keepRow);
    expect(hook('Thing', b, { initial: {} }, 'params')).toBe(keepRow);
  });

  it('remembers each transaction id, and forgets it when an update does not fit', () => {
    const feed = loaded();
    expect(feed.resumeId).toBe(id);
    feed.takeUpdate(since, ['data', b, { Thing: { [a]: { modify: { name: 'two' } } } }]);
    expect(feed.resumeId).toBe(b);
    expect(() => feed.takeUpdate(since, ['data', id, { Thing: { [b]: { delete: null } } }])).toThrow(
      expect.objectContaining({ code: 'PEER_PROTOCOL' }),
    );
    expect(feed.resumeId).toBeUndefined();
    expect(feed.replica?.table('Thing').size).toBe(1);
  });

  it('keeps the old contents when a dump breaks off', () => {
    const feed = loaded();
    feed.takeSchema(labSchema);
    feed.rowHook(since)('Thing', b, { initial: {} }, 'result');
    feed.disconnect();
    expect([...feed.replica!.table('Thing').rows()].map(({ _uuid }) => _uuid)).toEqual([a]);
    const { changes } = feed.takeDump(since, [false, id, { Thing: { [b]: { initial: {} } } }]);
    expect(changes.changes.map(({ kind, uuid }) => [kind, uuid]).sort()).toEqual([
      ['delete', a],
      ['insert', b],
    ]);
  });

  it('does not resume with another shape', () => {
    const feed = loaded();
    feed.takeSchema({
      name: 'Lab',
      version: '2.0.0',
      tables: { Thing: { isRoot: true, columns: { name: { type: 'string' }, color: { type: 'string' } } } },
    });
    expect(feed.resumeId).toBeUndefined();
    expect(feed.replica?.has('Thing', 'size')).toBe(true);
    feed.takeDump(since, [false, id, { Thing: { [a]: { initial: { name: 'one', color: 'red' } } } }]);
    expect(feed.replica?.has('Thing', 'size')).toBe(false);
    expect(feed.replica?.has('Thing', 'color')).toBe(true);
    expect(feed.resumeId).toBe(id);
  });

  it.each([
    [[true, id, {}]],
    [['yes', id, {}]],
    [[false, 5, {}]],
    [[false, id]],
    [[false, id, []]],
    [{ Thing: {} }],
    [[false, id, { Other: { [a]: { initial: {} } } }]],
  ])('refuses the reply %j', (reply) => {
    const feed = new ReplicaFeed(new Map([['Thing', {}]]));
    feed.takeSchema(labSchema);
    expect(() => feed.takeDump(since, reply)).toThrow(expect.objectContaining({ code: 'PEER_PROTOCOL' }));
    expect(feed.replica).toBeUndefined();
  });

  it('reads the older methods', () => {
    const feed = new ReplicaFeed(new Map([['Thing', {}]]));
    feed.takeSchema(labSchema);
    feed.takeDump('monitor', { Thing: { [a]: { new: { name: 'one', size: 1 } } } });
    feed.takeUpdate('monitor', ['data', { Thing: { [a]: { old: { name: 'one', size: 1 } } } }]);
    expect(feed.replica?.table('Thing').size).toBe(0);
    feed.takeDump('monitor_cond', { Thing: { [b]: { initial: {} } } });
    feed.takeUpdate('monitor_cond', ['data', { Thing: { [b]: { modify: { size: 4 } } } }]);
    expect([...feed.replica!.table('Thing').rows()][0]).toMatchObject({ size: 4 });
  });
});
