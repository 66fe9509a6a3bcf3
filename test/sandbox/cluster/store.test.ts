import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textAt } from '../../../src/sandbox/cluster/json.js';
import { Store } from '../../../src/sandbox/cluster/store.js';
import type { Change } from '../../../src/sandbox/cluster/store.js';

const named = (name: string, value = 0): { metadata: { name: string }; value: number } => ({
  metadata: { name },
  value,
});

describe('the store', () => {
  it('gives every change the next revision and writes it into the object', () => {
    const store = new Store(100);
    const first = store.put('pods', 'n/a', named('a'));
    const second = store.put('nodes', 'x', named('x'));
    expect(textAt(first, 'metadata', 'resourceVersion')).toBe('2');
    expect(textAt(second, 'metadata', 'resourceVersion')).toBe('3');
    expect(textAt(store.remove('pods', 'n/a'), 'metadata', 'resourceVersion')).toBe('4');
    expect(store.revision).toBe(4);
  });

  it('shows any past moment that it still knows', () => {
    const change = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), isRemoval: fc.boolean(), value: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const store = new Store(1000);
        const moments = [{ revision: store.revision, state: store.list('pods') }];
        for (const { key, isRemoval, value } of changes) {
          if (isRemoval) store.remove('pods', key);
          else store.put('pods', key, named(key, value));
          moments.push({ revision: store.revision, state: store.list('pods') });
        }
        for (const { revision, state } of moments) expect(store.list('pods', revision)).toEqual(state);
      }),
    );
  });

  it('forgets the oldest changes when there are too many, and says so', () => {
    const store = new Store(3);
    for (let i = 0; i < 20; i += 1) store.put('pods', 'a', named('a', i));
    expect(store.changesSince('pods', 1)).toBeUndefined();
    expect(store.compactedRevision).toBeGreaterThan(1);
    expect(store.changesSince('pods', store.revision - 1)).toHaveLength(1);
  });

  it('knows nothing from before a compaction, and everything since', () => {
    const store = new Store(100);
    store.put('pods', 'a', named('a'));
    store.compact();
    const { revision } = store;
    store.put('pods', 'b', named('b'));
    expect(store.changesSince('pods', revision - 1)).toBeUndefined();
    expect(store.changesSince('pods', revision)?.map((change) => change.key)).toEqual(['b']);
  });

  it('goes back to a copy with its revision', () => {
    const store = new Store(100);
    store.put('pods', 'a', named('a', 1));
    const copy = store.snapshot();
    store.put('pods', 'a', named('a', 2));
    store.put('pods', 'b', named('b'));
    store.restore(copy);
    expect(store.revision).toBe(copy.revision);
    expect(store.list('pods').map(([key, object]) => [key, object['value']])).toEqual([['a', 1]]);
  });

  it('tells of each change with what was there before', () => {
    const store = new Store(100);
    const seen: Change[] = [];
    store.onChange((change) => seen.push(change));
    store.put('pods', 'a', named('a', 1));
    store.put('pods', 'a', named('a', 2));
    store.remove('pods', 'a');
    expect(seen.map((change) => [change.kind, change.previous?.['value']])).toEqual([
      ['ADDED', undefined],
      ['MODIFIED', 1],
      ['DELETED', 2],
    ]);
  });

  it('stores what nobody can change afterwards', () => {
    const store = new Store(100);
    const stored = store.put('pods', 'a', named('a'));
    expect(Object.isFrozen(stored['metadata'])).toBe(true);
  });
});
