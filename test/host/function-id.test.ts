import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functionIdMax, isFunctionId, parseFunctionId } from '../../src/host/function-id.js';

describe('parseFunctionId', () => {
  it('reads plain decimal up to the limit of its kind', () => {
    expect(parseFunctionId('vf', '0')).toBe(0);
    expect(parseFunctionId('vf', '4095')).toBe(4095);
    expect(parseFunctionId('vf', '4096')).toBeUndefined();
    expect(parseFunctionId('pf', '255')).toBe(255);
    expect(parseFunctionId('pf', '256')).toBeUndefined();
    expect(parseFunctionId('sf', '4294967295')).toBe(4294967295);
    expect(parseFunctionId('sf', '4294967296')).toBeUndefined();
  });

  it.each(['', '03', '00', '-1', '+1', ' 1', '1 ', '1\n', '1.0', '1e2', '0x1', '1,0', '١', 'null', '99999999999999'])(
    'refuses %j',
    (text) => expect(parseFunctionId('sf', text)).toBeUndefined(),
  );

  it('reads back every number that it accepts, and only its own spelling', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: functionIdMax.vf }), fc.string(), (id, noise) => {
        expect(parseFunctionId('vf', String(id))).toBe(id);
        const read = parseFunctionId('vf', noise);
        if (read !== undefined) expect(String(read)).toBe(noise);
      }),
    );
  });
});

describe('isFunctionId', () => {
  it.each([Number.NaN, Infinity, -1, 0.5, 256])('refuses %d as the number of a PF', (value) =>
    expect(isFunctionId('pf', value)).toBe(false),
  );
});
