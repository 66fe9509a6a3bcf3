import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AgentError } from '../../../src/lib/errors.js';
import type { Json } from '../../../src/ovsdb/types.js';
import { isStorableText, parseJsonExact, writeJson } from '../../../src/ovsdb/wire/json-exact.js';

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof AgentError) return error.code;
    throw error;
  }
  return 'nothing thrown';
};

const integer = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n));
const text = fc.string({ unit: 'grapheme' }).filter(isStorableText);
const { value: json } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    integer,
    text,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value')),
    fc.dictionary(text, tie('value'), { noNullPrototype: true }),
  ),
}));

describe('parseJsonExact', () => {
  it('gives back what writeJson wrote, exactly', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(parseJsonExact(writeJson(value))).toEqual(value);
      }),
    );
  });

  it('agrees with JSON.parse on every text without long numbers', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('', ' ', '\n\t'), (body, blank) => {
        const doubled = `[${blank}${body}${blank},${blank}9007199254740993]`;
        // The second element forces the exact parser for the first.
        const [first, second] = parseJsonExact(doubled) as [Json, Json];
        expect(first).toEqual(parseJsonExact(body));
        expect(second).toBe(9007199254740993n);
      }),
    );
  });

  it.each<[string, Json]>([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['9007199254740993', 9007199254740993n],
    ['-9223372036854775808', -9223372036854775808n],
    ['9223372036854775807', 9223372036854775807n],
    ['9007199254740993.0', 9007199254740993n],
    ['900719925474099300e-2', Number('900719925474099300e-2')],
    ['1.0', 1],
    ['1e3', 1000],
    ['12345678901234567890123', Number('12345678901234567890123')],
    ['0.1234567890123456789', Number('0.1234567890123456789')],
    ['1e400', Infinity],
  ])('reads %s as ovsdb-server does', (source, value) => expect(parseJsonExact(source)).toBe(value));

  it('refuses a text that nests deeper than the server allows', () => {
    expect(codeOf(() => parseJsonExact('['.repeat(1000) + ']'.repeat(1000)))).toBe('nothing thrown');
    expect(codeOf(() => parseJsonExact('['.repeat(1001) + ']'.repeat(1001)))).toBe('PEER_PROTOCOL');
    expect(codeOf(() => parseJsonExact(`[9007199254740993,${'['.repeat(1001)}${']'.repeat(1001)}]`))).toBe(
      'PEER_PROTOCOL',
    );
    expect(parseJsonExact(`["${'['.repeat(2000)}\\""]`)).toHaveLength(1);
  });

  it.each(['', '{', '[1,]', '{"a" 1}', '{"a":1', '[1', 'tru', '01', '"\\x"', '"\n"', '1 2', '{1:2}', '-', '"', '[1}'])(
    'refuses %j on both paths',
    (bad) => {
      expect(codeOf(() => parseJsonExact(bad))).toBe('PEER_PROTOCOL');
      expect(codeOf(() => parseJsonExact(`[9007199254740993,${bad}]`))).toBe('PEER_PROTOCOL');
    },
  );

  it('keeps a member called __proto__ a member', () => {
    const parsed = parseJsonExact('{"__proto__":{"a":9007199254740993}}');
    expect(Object.keys(parsed as object)).toEqual(['__proto__']);
  });
});

describe('writeJson', () => {
  it('refuses what makes the server drop the connection', () => {
    for (const bad of ['a\u0000b', '\ud800', 'x\udc00y', { 'k\u0000': 1 }, NaN, Infinity, undefined]) {
      expect(codeOf(() => writeJson([bad] as Json))).toBe('OVSDB_VALUE_INVALID');
    }
    let deep: Json = 1;
    for (let i = 0; i < 1001; i++) deep = [deep];
    expect(codeOf(() => writeJson(deep))).toBe('OVSDB_VALUE_INVALID');
  });

  it('escapes what JSON wants escaped and leaves the rest alone', () => {
    expect(writeJson({ a: ['"\\\n\u0001é😀', 1n, -0, 1.5, true, null], b: {} })).toBe(
      '{"a":["\\"\\\\\\n\\u0001é😀",1,0,1.5,true,null],"b":{}}',
    );
  });
});

describe('reals', () => {
  it.each([5e-324, 1e-310, -1e-308, Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY])(
    'that the server hangs up at, or cannot read back, are never written: %d',
    (value) => {
      expect(() => writeJson([value])).toThrow(expect.objectContaining({ code: 'OVSDB_VALUE_INVALID' }));
    },
  );

  it.each([0, -0, 2 ** -1022, 1.7e308, -0.1])('that the server keeps are written: %d', (value) => {
    expect(Number(writeJson(value))).toBeCloseTo(value);
  });
});
