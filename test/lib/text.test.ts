import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safeText } from '../../src/lib/text.js';

describe('text of others', () => {
  it('is shown as it is where it is harmless, in any script', () => {
    expect(safeText('pf0vf3 größe 名前 🙂')).toBe('pf0vf3 größe 名前 🙂');
  });

  it.each([
    ['a line break', 'a\nb', 'a\\u000ab'],
    ['an escape sequence', '\u001b[2J', '\\u001b[2J'],
    ['a zero byte', '\u0000', '\\u0000'],
    ['a C1 control', '\u009b', '\\u009b'],
    ['a bidirectional override', '\u202e', '\\u202e'],
    ['a line separator', '\u2028', '\\u2028'],
    ['half a surrogate pair', '\ud83d', '\\ud83d'],
  ])('has %s escaped', (_what, text, shown) => {
    expect(safeText(text)).toBe(shown);
  });

  it('is cut to its limit, and shows that it was', () => {
    expect(safeText('abcdef', 3)).toBe('abc…');
    expect(safeText('abc', 3)).toBe('abc');
  });

  it('never holds a control character, and never grows without bound', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat({ max: 50 }), (text, lengthMax) => {
        const shown = safeText(text, lengthMax);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(shown.length).toBeLessThanOrEqual(lengthMax * 6 + 1);
      }),
    );
  });

  it('is left alone when it was made safe before', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        expect(safeText(safeText(text))).toBe(safeText(text));
      }),
    );
  });
});
