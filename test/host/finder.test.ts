import { describe, expect, it } from 'vitest';
import { ambiguous, isSelectorValid, selectorText } from '../../src/host/finder.js';
import { linkOf } from './described-host.js';

describe('selectorText', () => {
  it('names function and owner', () => {
    expect(selectorText({ kind: 'uplink', port: 1 })).toBe('the uplink of port 1');
    expect(selectorText({ kind: 'hostPf', pf: 0 })).toBe('PF 0 of the host');
    expect(selectorText({ kind: 'hostVf', pf: 0, vf: 3, controller: 2 })).toBe('VF 3 of PF 0 of host 2');
    expect(selectorText({ kind: 'sf', isExternal: false, pf: 0, sf: 4 })).toBe('SF 4 of PF 0 of the DPU');
  });
});

describe('isSelectorValid', () => {
  it('checks every number', () => {
    expect(isSelectorValid({ kind: 'sf', isExternal: true, controller: 1, pf: 0, sf: 4_294_967_295 })).toBe(true);
    expect(isSelectorValid({ kind: 'sf', isExternal: true, controller: 1, pf: 0, sf: 4_294_967_296 })).toBe(false);
    expect(isSelectorValid({ kind: 'hostPf', pf: 256 })).toBe(false);
    expect(isSelectorValid({ kind: 'hostPf', controller: -1, pf: 0 })).toBe(false);
  });
});

describe('ambiguous', () => {
  it('bounds the names', () => {
    const netdevs = Array.from({ length: 40 }, (_, index) => ({
      ...linkOf({ name: `d${index}`, ifindex: index }),
      kind: 'other' as const,
      evidence: 'none' as const,
    }));
    expect(ambiguous(netdevs, 'many')).toMatchObject({ kind: 'ambiguous', names: { length: 16 } });
  });
});
