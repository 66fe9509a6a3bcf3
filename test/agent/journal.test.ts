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
});
