import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functionIdMax } from '../../src/host/function-id.js';
import { formatPhysPortName, parsePhysPortName } from '../../src/host/phys-port-name.js';

const id = (kind: keyof typeof functionIdMax): fc.Arbitrary<number> => fc.nat({ max: functionIdMax[kind] });
const owner = fc.option(id('controller'), { nil: undefined });

const names = fc.oneof(
  fc.record({ kind: fc.constant('uplink' as const), port: id('port') }),
  fc.record({ kind: fc.constant('pf' as const), controller: owner, pf: id('pf') }),
  fc.record({ kind: fc.constant('vf' as const), controller: owner, pf: id('pf'), vf: id('vf') }),
  fc.record({ kind: fc.constant('sf' as const), controller: owner, pf: id('pf'), sf: id('sf') }),
);

describe('parsePhysPortName', () => {
  it.each([
    ['p0', { kind: 'uplink', port: 0 }],
    ['pf0', { kind: 'pf', pf: 0 }],
    ['c1pf0', { kind: 'pf', controller: 1, pf: 0 }],
    ['pf1vf3', { kind: 'vf', pf: 1, vf: 3 }],
    ['c1pf0vf3', { kind: 'vf', controller: 1, pf: 0, vf: 3 }],
    ['pf0sf4', { kind: 'sf', pf: 0, sf: 4 }],
    ['c1pf0sf1', { kind: 'sf', controller: 1, pf: 0, sf: 1 }],
  ])('reads %s', (text, expected) => expect(parsePhysPortName(text)).toEqual(expected));

  it.each([
    '',
    'p',
    'p00',
    'p0s1',
    'p256',
    'c1p0',
    'pf',
    'pf0vf',
    'pf0vf03',
    'pf00vf3',
    'c01pf0',
    'pf0vf4096',
    'c1pf0vf3sf1',
    'C1PF0VF3',
    ' pf0vf3',
    'pf0vf3\n',
    'pf0hpf',
    'xpf0vf3',
    'pf-1',
    'pf0vf99999999999',
  ])('refuses %j', (text) => expect(parsePhysPortName(text)).toBeUndefined());

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(names, (name) => {
        const text = formatPhysPortName(name);
        const read = parsePhysPortName(text);
        expect(read).toEqual(Object.fromEntries(Object.entries(name).filter(([, value]) => value !== undefined)));
      }),
    );
  });

  it('writes back exactly what it reads, from any text', () => {
    const parts = fc.constantFrom('p', 'f', 'c', 'v', 's', '0', '1', '03', 'pf', 'vf', 'sf', ' ', '\n');
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('');
        const read = parsePhysPortName(text);
        if (read !== undefined) expect(formatPhysPortName(read)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });
});
