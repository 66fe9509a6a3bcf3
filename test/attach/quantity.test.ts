import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuantity } from '../../src/attach/quantity.js';

describe('parseQuantity', () => {
  it.each([
    ['0', 0n],
    ['1', 1n],
    ['+1', 1n],
    ['-1', -1n],
    ['007', 7n],
    ['1k', 1_000n],
    ['1M', 1_000_000n],
    ['1G', 10n ** 9n],
    ['1T', 10n ** 12n],
    ['1P', 10n ** 15n],
    ['1E', 10n ** 18n],
    ['1Ki', 1024n],
    ['1Mi', 1024n ** 2n],
    ['1Gi', 1024n ** 3n],
    ['1Ti', 1024n ** 4n],
    ['1Pi', 1024n ** 5n],
    ['1Ei', 1024n ** 6n],
    ['1500000m', 1_500n],
    ['2000000u', 2n],
    ['3000000000n', 3n],
    // Kubernetes rounds away from zero.
    ['1n', 1n],
    ['1m', 1n],
    ['1001m', 2n],
    ['0.1', 1n],
    ['-0.1', -1n],
    ['0n', 0n],
    ['1.5k', 1_500n],
    ['1.5Ki', 1_536n],
    ['0.001Ki', 2n],
    ['.5M', 500_000n],
    ['5.M', 5_000_000n],
    ['1e3', 1_000n],
    ['1E3', 1_000n],
    ['1e+3', 1_000n],
    ['1.25e2', 125n],
    ['12500E-2', 125n],
    ['1e-999999999', 1n],
    ['0e999999999', 0n],
    // The fraction that floating point cannot hold.
    ['0.3E', 300_000_000_000_000_000n],
    ['9007199254740993', 9_007_199_254_740_993n],
  ])('reads %s', (text, value) => expect(parseQuantity(text)).toBe(value));

  it.each([
    '',
    ' ',
    '.',
    '+',
    '-',
    'k',
    '.k',
    '+.',
    '1 M',
    ' 1M',
    '1M ',
    '1M\n',
    '1K',
    '1ki',
    '1KI',
    '1kB',
    '1Mbit',
    '1mi',
    '1e',
    '1e+',
    '1e3.5',
    '1e3k',
    '1ee3',
    '1e1000000000',
    '1.2.3',
    '1,5M',
    '1_000',
    '0x10',
    '--1',
    '+-1',
    'NaN',
    'Infinity',
    '١',
    '1\u0000',
    '1'.repeat(65),
    '1'.repeat(1_000_000),
  ])('refuses %.20j', (text) => expect(parseQuantity(text)).toBeUndefined());

  it('takes the largest exponent within a moment, as beyond every limit', () => {
    expect(parseQuantity('1e999999999')).toBeGreaterThan(10n ** 100n);
  });

  it('reads every integer with every decimal suffix exactly', () => {
    const suffixes = fc.constantFrom(
      ['', 0],
      ['k', 3],
      ['M', 6],
      ['G', 9],
      ['T', 12],
      ['P', 15],
      ['E', 18],
    ) as fc.Arbitrary<[string, number]>;
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), suffixes, (value, [suffix, exponent]) => {
        const scaled = value * 10n ** BigInt(exponent);
        expect(parseQuantity(`${value.toString()}${suffix}`)).toBe(scaled);
        expect(parseQuantity(`${value.toString()}e${exponent}`)).toBe(scaled);
        expect(parseQuantity(`${value.toString()}.000${suffix}`)).toBe(scaled);
      }),
    );
  });

  it('never throws', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[+-]?[0-9]*\.?[0-9]*[eEkKmMGi]?[+-]?[0-9]{0,9}$/),
    );
    fc.assert(
      fc.property(text, (value) => {
        expect(['bigint', 'undefined']).toContain(typeof parseQuantity(value));
      }),
    );
  });
});
