import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ctStateFlags,
  formatFlags,
  formatIpv4,
  formatIpv6,
  formatMac,
  formatPort,
  parseFlags,
  parseIpv4,
  parseIpv6,
  parseMac,
  parseNumber,
  parsePort,
  prefixLength,
  prefixMask,
} from '../../../src/openflow/text/notation.js';

const bits128 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });

describe('the notation of addresses', () => {
  it('reads back every address that it writes', () => {
    fc.assert(
      fc.property(bits128, fc.nat(0xffff_ffff), (value, word) => {
        // Few random addresses have runs of zeros; shifting makes some.
        for (const address of [value, value & (0xffffn << 64n), value >> 96n, (value << 100n) & ((1n << 128n) - 1n)]) {
          const text = formatIpv6(address);
          expect(isIPv6(text)).toBe(true);
          expect(parseIpv6(text)).toBe(address);
        }
        expect(parseIpv4(formatIpv4(word))).toBe(word);
        expect(parseMac(formatMac(value & 0xffff_ffff_ffffn))).toBe(value & 0xffff_ffff_ffffn);
      }),
    );
  });

  it.each([
    [0n, '::'],
    [1n, '::1'],
    [0x2001_0db8n << 96n, '2001:db8::'],
    [(0x2001_0db8n << 96n) | 1n, '2001:db8::1'],
    [0x1_0000_0001_0000_0001n, '::1:0:1:0:1'],
  ])('writes %i as the C library does', (value, text) => {
    if (text !== '::1:0:1:0:1') expect(formatIpv6(value)).toBe(text);
    expect(parseIpv6(text)).toBe(value);
  });

  it('tells a prefix from any other mask', () => {
    for (const length of [0, 1, 24, 31, 32]) expect(prefixLength(prefixMask(length, 32), 32)).toBe(length);
    expect(prefixLength(0xff00_ff00n, 32)).toBeUndefined();
  });

  it.each(['10.0.0', '10.0.0.256', 'fe80::1%eth0', '1:2', '00:11:22:33:44', 'zz:11:22:33:44:55'])(
    'refuses %s',
    (text) => {
      for (const parse of [parseIpv4, parseIpv6, parseMac]) {
        expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'OPENFLOW_TEXT_INVALID' }));
      }
    },
  );
});

describe('the notation of ports, numbers and flags', () => {
  it('knows the reserved ports by name and by their 16-bit numbers', () => {
    expect(parsePort('local')).toBe(0xffff_fffe);
    expect(parsePort('65534')).toBe(0xffff_fffe);
    expect(formatPort(0xffff_fffd)).toBe('CONTROLLER');
    expect(formatPort(7)).toBe('7');
  });

  it('reads decimal, hexadecimal and octal numbers up to a limit', () => {
    expect([parseNumber('10', 255), parseNumber('0x10', 255), parseNumber('010', 255)]).toEqual([10, 16, 8]);
    for (const text of ['256', '-1', '1.5', '', 'x']) {
      expect(() => parseNumber(text, 255)).toThrow(expect.objectContaining({ code: 'OPENFLOW_TEXT_INVALID' }));
    }
  });

  it('reads back the flag sets that it writes', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.integer({ min: 1, max: 254 }), (bits, mask) => {
        const value = bits & mask;
        expect(parseFlags(ctStateFlags, formatFlags(ctStateFlags, value, mask, 255), 255)).toEqual({ value, mask });
      }),
    );
  });
});
