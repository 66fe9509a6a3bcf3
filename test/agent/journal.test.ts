import { describe, expect, it } from 'vitest';
import { Journal } from '../../src/agent/journal.js';

const entry = (summary: string) =>
  ({ wallMs: 1, summary, details: [], outcome: 'applied', message: undefined, tookMs: 2 }) as const;

describe('the journal', () => {
  it('numbers entries without gaps and keeps the newest', () => {
    const journal = new Journal(3);
    for (const word of ['a', 'b', 'c', 'd', 'e']) journal.add(entry(word));
    expect(journal.tail(10).map(({ sequence, summary }) => [sequence, summary])).toEqual([
      [3, 'c'],
      [4, 'd'],
      [5, 'e'],
    ]);
  });

  it('gives the newest few, oldest first, and none when none are asked for', () => {
    const journal = new Journal(10);
    for (const word of ['a', 'b', 'c']) journal.add(entry(word));
    expect(journal.tail(2).map(({ summary }) => summary)).toEqual(['b', 'c']);
    expect(journal.tail(0)).toEqual([]);
    expect(journal.tail(-1)).toEqual([]);
  });

  it('gives a range by number, as far as it is kept and no more than was asked for', () => {
    const journal = new Journal(3);
    expect(journal.bounds()).toBeUndefined();
    expect(journal.range(0, 10, 10)).toEqual([]);
    for (const word of ['a', 'b', 'c', 'd', 'e']) journal.add(entry(word));
    const numbers = (from: number, to: number, countMax = 10) =>
      journal.range(from, to, countMax).map(({ sequence }) => sequence);
    expect(journal.bounds()).toEqual({ oldest: 3, newest: 5 });
    expect(numbers(1, 4)).toEqual([3, 4]);
    expect(numbers(4, 99)).toEqual([4, 5]);
    expect(numbers(3, 5, 2)).toEqual([3, 4]);
    expect(numbers(6, 9)).toEqual([]);
    expect(numbers(5, 4)).toEqual([]);
    expect(numbers(1, 2)).toEqual([]);
  });

  it('says on whose behalf, by default its own, and tells listeners until they have had enough', () => {
    const journal = new Journal(3);
    const heard: string[] = [];
    const stop = journal.onEntry(({ actor, kind }) => heard.push(`${kind} ${actor}`));
    journal.add(entry('a'));
    journal.add({ ...entry('b'), kind: 'audit', actor: 'uid 0' });
    stop();
    journal.add(entry('c'));
    expect(heard).toEqual(['change agent', 'audit uid 0']);
  });
});
