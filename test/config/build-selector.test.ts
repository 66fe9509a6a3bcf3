import { describe, expect, it } from 'vitest';
import { known, selectorOf } from '../../src/config/build-selector.js';

describe('selectorOf', () => {
  it('says what is selected by its kind', () => {
    expect(selectorOf({ pf: 1 })).toEqual({ kind: 'pf', pf: 1 });
    expect(selectorOf({ pf: 0, vf: 0, controller: 2 })).toEqual({ kind: 'vf', pf: 0, vf: 0, controller: 2 });
    expect(selectorOf({ pf: 0, sf: 0, controller: 0 })).toEqual({ kind: 'sf', pf: 0, sf: 0, controller: 0 });
  });
});

describe('known', () => {
  it('gives what is there, and calls anything else a bug', () => {
    expect(known(0)).toBe(0);
    expect(() => known(undefined)).toThrow('a rule has made sure');
  });
});
