import { describe, expect, it } from 'vitest';
import { allowedText, defaultOf, metaOf } from '../../src/config/schema-shape.js';
import { absolutePath, stringMap, textMap, wholeNumber, word } from '../../src/config/schema-words.js';

describe('the common kinds of values', () => {
  it('say what they mean and what is allowed', () => {
    expect(metaOf(wholeNumber(1, 9, 'A number')).description).toBe('A number');
    expect(allowedText(wholeNumber(1, 9, 'A number'))).toBe('a whole number from 1 to 9');
    expect(allowedText(absolutePath('A path'))).toBe('an absolute path');
    expect(allowedText(textMap('A map'))).toBe('a map of keys and text');
  });

  it('hold their bounds', () => {
    expect([0, 1, 9, 10, 1.5].map((value) => wholeNumber(1, 9, '').safeParse(value).success)).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
    expect(['/a b', 'a', '/a\0'].map((value) => absolutePath('').safeParse(value).success)).toEqual([
      true,
      false,
      false,
    ]);
    expect(['a+b', '-a', ''].map((value) => word('').safeParse(value).success)).toEqual([true, false, false]);
    expect([{ a: '' }, { 'a b': '' }, { a: 1 }].map((value) => textMap('').safeParse(value).success)).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('have an empty map for an absent one only where that is meant', () => {
    expect(defaultOf(stringMap('A map'))).toEqual({});
    expect(defaultOf(textMap('A map'))).toBeUndefined();
  });
});
