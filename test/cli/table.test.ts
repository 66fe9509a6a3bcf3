import { describe, expect, it } from 'vitest';
import { formatTable } from '../../src/cli/table.js';

describe('a table', () => {
  it('has columns as wide as their widest cell, and no blanks at the end of a line', () => {
    const text = formatTable([
      ['NAME', 'STATE', 'WHY'],
      ['br-int', 'ready'],
      ['x', 'failed', 'a reason'],
    ]);
    expect(text).toBe('NAME    STATE   WHY\nbr-int  ready\nx       failed  a reason\n');
  });

  it('is empty when there is nothing to show', () => {
    expect(formatTable([])).toBe('');
  });
});
