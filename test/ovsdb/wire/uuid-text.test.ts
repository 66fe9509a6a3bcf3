import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUuidText } from '../../../src/ovsdb/wire/uuid-text.js';

describe('a uuid', () => {
  it('is told as the pattern tells it, for any text near to one', () => {
    const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
    const spoiled = fc
      .tuple(fc.uuid(), fc.nat(35), fc.string({ maxLength: 2 }))
      .map(([uuid, at, text]) => uuid.slice(0, at) + text + uuid.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(fc.uuid(), spoiled, fc.string({ maxLength: 40 })), (text) => {
        expect(isUuidText(text)).toBe(pattern.test(text));
      }),
    );
  });

  it('has lower-case digits only', () => {
    expect(isUuidText('0123ABCD-0000-4000-8000-000000000000')).toBe(false);
    expect(isUuidText('0123abcd-0000-4000-8000-000000000000')).toBe(true);
  });
});
