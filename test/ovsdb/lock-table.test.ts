import { describe, expect, it } from 'vitest';
import { LockTable } from '../../src/ovsdb/lock-table.js';

function make(): { locks: LockTable; told: string[] } {
  const told: string[] = [];
  return { locks: new LockTable((name, state) => told.push(`${name} ${state}`)), told };
}

describe('a lock table', () => {
  it('asks once, waits, holds, and tells each change once', () => {
    const { locks, told } = make();
    expect(locks.want('a', false)).toEqual([{ method: 'lock', name: 'a' }]);
    expect(locks.want('a', false)).toEqual([]);
    locks.answered('a', { locked: false });
    locks.locked('a');
    locks.locked('a');
    expect(told).toEqual(['a waiting', 'a held']);
    expect(locks.names).toEqual(['a']);
  });

  it('does not take back a notification that overtook the reply', () => {
    const { locks } = make();
    locks.want('a', false);
    locks.locked('a');
    locks.answered('a', { locked: false });
    expect(locks.state('a')).toBe('held');
  });

  it('unlocks before it steals what it waits for: the server refuses a second request', () => {
    const { locks } = make();
    locks.want('a', false);
    locks.answered('a', { locked: false });
    expect(locks.want('a', true).map(({ method }) => method)).toEqual(['unlock', 'steal']);
    locks.answered('a', { locked: true });
    expect(locks.want('a', true)).toEqual([]);
  });

  it('asks again on the next connection, but steals only once', () => {
    const { locks, told } = make();
    expect(locks.want('a', true)).toEqual([{ method: 'steal', name: 'a' }]);
    expect(locks.requests()).toEqual([{ method: 'steal', name: 'a' }]);
    locks.answered('a', { locked: true });
    locks.disconnect();
    expect(locks.requests()).toEqual([{ method: 'lock', name: 'a' }]);
    expect(told).toEqual(['a held', 'a none']);
  });

  it('forgets a lock that is released, and ignores what still comes for it', () => {
    const { locks, told } = make();
    locks.want('a', false);
    locks.locked('a');
    expect(locks.release('a')).toBe(true);
    expect(locks.release('a')).toBe(false);
    locks.locked('a');
    locks.stolen('a');
    locks.answered('a', { locked: true });
    expect(locks.state('a')).toBe('none');
    expect(told).toEqual(['a held', 'a none']);
  });

  it('waits again for a lock that was stolen', () => {
    const { locks } = make();
    locks.want('a', false);
    locks.locked('a');
    locks.stolen('a');
    expect(locks.state('a')).toBe('waiting');
  });
});
