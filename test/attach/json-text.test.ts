import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nestingDepth, rawMembers } from '../../src/attach/json-text.js';

/** Any JSON text with blanks and line ends between its tokens. */
const spacedJson = fc
  .tuple(
    fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 })),
    fc.constantFrom(0, 1, '\t', '\r\n '),
  )
  .map(([value, space]) => JSON.stringify(value, null, space));

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('nestingDepth', () => {
  it('counts what a walk over the value counts', () => {
    fc.assert(
      fc.property(spacedJson, (text) => {
        expect(nestingDepth(text)).toBe(depthOf(JSON.parse(text)));
      }),
    );
  });

  it.each([
    ['0', 0],
    ['"[{"', 0],
    ['"\\\\"', 0],
    ['[[],[[]]]', 3],
  ])('counts the levels of %s', (text, depth) => expect(nestingDepth(text)).toBe(depth));
});

describe('rawMembers', () => {
  it('gives each member the text that parses to its value', () => {
    fc.assert(
      fc.property(spacedJson, (text) => {
        const expected = new Map(Object.entries(JSON.parse(text) as object));
        const members = rawMembers(text);
        expect(new Map([...members].map(([key, raw]) => [key, JSON.parse(raw) as unknown]))).toEqual(expected);
      }),
    );
  });

  it('keeps what parsing would lose', () => {
    const text = '{ "b" : 12345678901234567890 , "2":1.0,"1": {"x" : [1, 2] } ,"__proto__":{"a":1e400}}';
    expect([...rawMembers(text)]).toEqual([
      ['b', '12345678901234567890'],
      ['2', '1.0'],
      ['1', '{"x" : [1, 2] }'],
      ['__proto__', '{"a":1e400}'],
    ]);
  });

  it('takes the last of members with the same key, however the key is escaped', () => {
    expect([...rawMembers('{"a":1,"\\u0061":{"b":[2]}}')]).toEqual([['a', '{"b":[2]}']]);
  });

  it('finds no member in an empty object', () => expect(rawMembers(' { } ').size).toBe(0));
});
