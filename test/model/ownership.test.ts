import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatManagedKeys,
  formatPins,
  isOwnedBy,
  managedKeysKey,
  ownerKey,
  parseManagedKeys,
  parsePins,
  pinsKey,
  reservedKeys,
} from '../../src/model/ownership.js';

describe('the mark', () => {
  it('makes a row the agent instance that it names, and no other', () => {
    expect(isOwnedBy(new Map([[ownerKey, 'a']]), 'a')).toBe(true);
    expect(isOwnedBy(new Map([[ownerKey, 'b']]), 'a')).toBe(false);
    expect(isOwnedBy(new Map(), 'a')).toBe(false);
  });

  it('and both notes are keys that no intent may name', () => {
    expect([...reservedKeys].sort()).toEqual([ownerKey, managedKeysKey, pinsKey].sort());
  });
});

describe('the note of managed keys', () => {
  it('says after parsing what was formatted', () => {
    const entry = fc.tuple(fc.string(), fc.string()).map(([column, key]) => `${column}:${key}`);
    fc.assert(
      fc.property(fc.uniqueArray(entry, { minLength: 1 }), (keys) => {
        expect(parseManagedKeys(new Map([[managedKeysKey, formatManagedKeys(keys)!]]))).toEqual(new Set(keys));
      }),
    );
  });

  it('is equal for equal sets', () => {
    expect(formatManagedKeys(['b:1', 'a:1'])).toBe(formatManagedKeys(['a:1', 'b:1']));
  });

  it('is absent where nothing is managed', () => {
    expect(formatManagedKeys([])).toBeUndefined();
    expect(parseManagedKeys(new Map()).size).toBe(0);
  });

  it.each(['', '{', 'null', '7', '{"external_ids:a":1}', '["no colon"]', '[1, null, ["a:b"]]'])(
    'counts as nothing managed when it is damaged: %s',
    (text) => {
      expect(parseManagedKeys(new Map([[managedKeysKey, text]])).size).toBe(0);
    },
  );

  it('never throws, whatever somebody wrote', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(parseManagedKeys(new Map([[managedKeysKey, text]]))).toBeInstanceOf(Set);
        expect(parsePins(new Map([[pinsKey, text]]))).toBeInstanceOf(Map);
      }),
    );
  });
});

describe('the note of pins', () => {
  it('says after parsing what was formatted, in one order', () => {
    const pins = new Map([
      ['hwaddr', '02:00:00:00:00:01'],
      ['datapath-id', '0001000000000001'],
    ]);
    const text = formatPins(pins)!;
    expect(text).toBe('{"datapath-id":"0001000000000001","hwaddr":"02:00:00:00:00:01"}');
    expect(parsePins(new Map([[pinsKey, text]]))).toEqual(pins);
  });

  it('is absent where nothing is pinned', () => {
    expect(formatPins(new Map())).toBeUndefined();
  });

  it.each(['', 'x', 'null', '[]', '["ofport"]', '{"ofport":7}'])('counts as no pin when it is damaged: %s', (text) => {
    expect(parsePins(new Map([[pinsKey, text]])).size).toBe(0);
  });
});
