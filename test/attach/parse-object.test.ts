import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memberOf, parseObject } from '../../src/attach/parse-object.js';
import { anyText, isPrintable, trickyTexts, unparsableTexts } from './hostile-texts.js';

describe('parseObject', () => {
  it.each(unparsableTexts)('calls %s unparsable, which is not absent', (_, text) => {
    const reading = parseObject(text);
    expect(reading.kind).toBe('unparsable');
    if (reading.kind === 'unparsable') expect(isPrintable(reading.problem)).toBe(true);
  });

  it.each([undefined, 'null', ' null\n'])('calls %j absent', (text) => {
    expect(parseObject(text)).toEqual({ kind: 'absent' });
  });

  it('calls a text that was not kept unparsable', () => {
    expect(parseObject({ sizeBytes: 70_000 })).toEqual({
      kind: 'unparsable',
      problem: 'The text has 70000 bytes; at most 16384 are read.',
    });
  });

  it('calls a text that was not kept unparsable even where its size is within the limit', () => {
    expect(parseObject({ sizeBytes: 1 }).kind).toBe('unparsable');
  });

  it.each(trickyTexts)('reads %s as what it is', (text) => {
    const reading = parseObject(text);
    const expected = new Map(Object.entries(JSON.parse(text) as object));
    expect(reading).toEqual({ kind: 'object', entries: expected });
  });

  it('leaves the prototypes of everybody alone', () => {
    for (const text of trickyTexts) parseObject(text);
    expect(Object.hasOwn(Object.prototype, 'pfId')).toBe(false);
    expect(({} as Record<string, unknown>)['Status']).toBeUndefined();
  });

  it('takes a text of exactly 16 KiB and 32 keys, and no more of either', () => {
    const padded = (size: number): string => `{"a":"${'x'.repeat(size - 8)}"}`;
    const keys = (count: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 0])));
    expect(padded(16_384)).toHaveLength(16_384);
    expect(parseObject(padded(16_384)).kind).toBe('object');
    expect(parseObject(padded(16_385)).kind).toBe('unparsable');
    expect(parseObject(keys(32)).kind).toBe('object');
    expect(parseObject(keys(33)).kind).toBe('unparsable');
  });

  it('takes sixteen levels and no seventeenth; brackets in strings are no levels', () => {
    const nested = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
    expect(parseObject(nested(16)).kind).toBe('object');
    expect(parseObject(nested(17)).kind).toBe('unparsable');
    expect(parseObject(`{"${'{['.repeat(50)}":"${'\\"{['.repeat(50)}"}`).kind).toBe('object');
  });

  it('never throws, and says nothing unprintable', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const reading = parseObject(text);
        if (reading.kind === 'unparsable') expect(isPrintable(reading.problem)).toBe(true);
        if (reading.kind === 'object') expect(JSON.parse(text)).toEqual(Object.fromEntries(reading.entries));
      }),
    );
  });
});

describe('memberOf', () => {
  it.each([
    ['{"pfId":"0"}', { kind: 'value', value: '0' }],
    ['{"PFID":"0"}', { kind: 'value', value: '0' }],
    ['{"pfid":0}', { kind: 'value', value: 0 }],
    // The exact spelling wins, whatever the others say and in whatever order.
    ['{"PFID":"1","pfId":"0","pfid":"2"}', { kind: 'value', value: '0' }],
    ['{"PFID":"1","pfid":"1"}', { kind: 'value', value: '1' }],
    ['{"PFID":"1","pfid":"2"}', { kind: 'ambiguous' }],
    ['{"PFID":"1","pfid":1}', { kind: 'ambiguous' }],
    ['{"PFID":"1","pfid":null}', { kind: 'ambiguous' }],
    ['{"PFID":{},"pfid":{}}', { kind: 'ambiguous' }],
    ['{"pfId":null}', { kind: 'absent' }],
    ['{"pfId":null,"pfid":"1"}', { kind: 'absent' }],
    ['{"pf_id":"0"}', { kind: 'absent' }],
    ['{"__proto__":{"pfId":"0"}}', { kind: 'absent' }],
  ])('finds pfId in %s', (text, expected) => {
    expect(memberOf(JSON.parse(text) as Record<string, unknown>, 'pfId')).toEqual(expected);
  });

  it('finds nothing that the object merely inherits', () => {
    expect(memberOf({}, 'constructor')).toEqual({ kind: 'absent' });
    expect(memberOf({}, '__proto__')).toEqual({ kind: 'absent' });
  });
});
