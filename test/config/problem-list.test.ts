import { describe, expect, it } from 'vitest';
import { ProblemList } from '../../src/config/problem-list.js';

const at = (line: number): { kind: 'file'; line: number; column: number } => ({ kind: 'file', line, column: 1 });

describe('ProblemList', () => {
  it('quotes the line that a problem points at, tabs as one space', () => {
    const list = new ProblemList('a: 1\r\n\tb: 2\n');
    expect(list.isEmpty).toBe(true);
    list.add(['b'], at(2), 'wrong');
    expect(list.all).toEqual([{ path: 'b', origin: 'file:2', line: 2, column: 1, message: 'wrong', excerpt: ' b: 2' }]);
  });

  it('makes texts safe to print and bounds them', () => {
    const list = new ProblemList('\u001b[31mred\n');
    list.add(['x'.repeat(1000)], at(1), `bad \u0007${'y'.repeat(1000)}`, '\u202e');
    const [problem] = list.all;
    expect(problem?.excerpt).toBe('\\u001b[31mred');
    expect(problem?.path.length).toBeLessThan(220);
    expect(problem?.message).toMatch(/^bad \\u0007y+…$/);
    expect(problem?.remedy).toBe('\\u202e');
  });

  it('does not quote a line that may hold a secret', () => {
    const list = new ProblemList('options: {psk: hunter2, x\n');
    list.add([], at(1), 'wrong');
    expect(JSON.stringify(list.all)).not.toContain('hunter2');
  });

  it('keeps five hundred problems and counts the rest', () => {
    const list = new ProblemList('');
    for (let i = 0; i < 510; i += 1) list.add(['k'], { kind: 'flag' }, `wrong ${i}`);
    expect(list.all).toHaveLength(501);
    expect(list.all.at(-1)?.message).toBe('there are 10 more problems');
  });
});
