import { describe, expect, it } from 'vitest';
import { assert, AssertionError, unreachable } from '../../src/lib/assert.js';

describe('assert', () => {
  it('passes what holds', () => {
    expect(() => assert(true, 'holds')).not.toThrow();
    expect(() => assert('text', 'is there')).not.toThrow();
  });

  it.each([[false], [undefined], [null], [0], ['']])('stops at what does not: %s', (condition) => {
    expect(() => assert(condition, 'the invariant')).toThrow(new AssertionError('the invariant'));
  });
});

describe('unreachable', () => {
  it('names the value that should not be', () => {
    expect(() => unreachable('surprise' as never)).toThrow(new AssertionError('unreachable: surprise'));
  });
});
