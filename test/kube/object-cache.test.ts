import { describe, expect, it } from 'vitest';
import { ObjectCache } from '../../src/kube/object-cache.js';
import type { ObjectView } from '../../src/kube/object-cache.js';

const limits = { deletedMax: 3, pinMs: 1000 };

function of(uid: string, version: number | string, value = `${uid}@${version}`): ObjectView<string> {
  return { uid, resourceVersion: String(version), value };
}

function holding(...views: ObjectView<string>[]): ObjectCache<string> {
  const cache = new ObjectCache<string>(limits);
  cache.beginList();
  cache.replace(views);
  return cache;
}

describe('what a reflector holds', () => {
  it('is replaced by a list, and what is missing from it does not count as deleted', () => {
    const cache = holding(of('a', 1), of('b', 2));
    cache.beginList();
    cache.replace([of('b', 3)]);
    expect([...cache.items]).toEqual([['b', 'b@3']]);
    expect([...cache.deleted]).toEqual([]);
  });

  it('remembers the newest of the deleted, and none that came back', () => {
    const cache = holding();
    for (const uid of ['a', 'b', 'c', 'a', 'd']) cache.delete(uid);
    expect([...cache.deleted]).toEqual(['c', 'a', 'd']);
    cache.put(of('a', 9), 0);
    cache.beginList();
    cache.replace([of('d', 10)]);
    expect([...cache.deleted]).toEqual(['c']);
  });

  it('takes from a write what is newer and held, and nothing else', () => {
    const cache = holding(of('a', 9));
    expect(cache.accept(of('a', 9, 'same'), 0)).toBe(false);
    expect(cache.accept(of('a', 8), 0)).toBe(false);
    expect(cache.accept(of('b', 10), 0)).toBe(false);
    expect(cache.accept(of('a', 10), 0)).toBe(true);
    expect([...cache.items]).toEqual([['a', 'a@10']]);
  });

  it('holds events back that are older than a write, until one catches up with it', () => {
    const cache = holding(of('a', 1), of('b', 1));
    cache.accept(of('a', 12), 0);
    cache.put(of('a', 9), 0);
    cache.drop('a', '11', 0);
    expect(cache.items.get('a')).toBe('a@12');
    cache.put(of('a', 12), 0);
    cache.put(of('a', 13), 0);
    expect(cache.items.get('a')).toBe('a@13');
    cache.drop('a', '14', 0);
    expect([...cache.items.keys()]).toEqual(['b']);
  });

  it('believes a deletion at once, and an older event after a while', () => {
    const cache = holding(of('a', 1), of('b', 1));
    cache.accept(of('a', 12), 0);
    cache.accept(of('b', 12), 0);
    cache.delete('a');
    cache.put(of('b', 5), 999);
    expect([...cache.items]).toEqual([['b', 'b@12']]);
    cache.put(of('b', 5), 1000);
    expect([...cache.items]).toEqual([['b', 'b@5']]);
  });

  it('holds back by identity alone where versions have no order', () => {
    const cache = holding(of('a', 'x1'));
    expect(cache.accept(of('a', 'x3'), 0)).toBe(true);
    cache.put(of('a', 'x2'), 0);
    expect(cache.items.get('a')).toBe('a@x3');
    cache.put(of('a', 'x3'), 0);
    cache.put(of('a', 'x4'), 0);
    expect(cache.items.get('a')).toBe('a@x4');
  });

  it('keeps a write that is newer than the list that was under way, and no older one', () => {
    const cache = holding(of('a', 1), of('b', 1), of('c', 1));
    cache.accept(of('a', 20), 0);
    cache.beginList();
    cache.accept(of('b', 20), 0);
    cache.accept(of('c', 20), 0);
    cache.replace([of('a', 5), of('b', 5)]);
    expect([...cache.items]).toEqual([
      ['a', 'a@5'],
      ['b', 'b@20'],
    ]);
    cache.put(of('b', 10), 0);
    expect(cache.items.get('b')).toBe('b@20');
  });
});
