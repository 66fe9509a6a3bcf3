import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/lib/nearest.js';

const keys = ['name', 'mode', 'failMode', 'datapathType', 'protocols', 'ports', 'mtu'];

describe('nearest', () => {
  it.each([
    ['mod', 'mode'],
    ['fail_mode', 'failMode'],
    ['failmdoe', 'failMode'],
    ['datapathtypes', 'datapathType'],
    ['protcols', 'protocols'],
    ['prots', 'ports'],
    ['Name', 'name'],
  ])('takes %s for %s', (word, meant) => {
    expect(nearest(word, keys)).toBe(meant);
  });

  it('does not guess when nothing is near', () => {
    expect(nearest('colour', keys)).toBeUndefined();
    expect(nearest('x', ['name'])).toBeUndefined();
    expect(nearest('name', [])).toBeUndefined();
  });

  it('does not compare words that are far too long', () => {
    expect(nearest('name'.repeat(100), ['name'.repeat(100)])).toBeUndefined();
  });
});
