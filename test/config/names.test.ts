import { describe, expect, it } from 'vitest';
import { deviceNameLengthMax, nameFault, patchNameLengthMax } from '../../src/config/names.js';

describe('nameFault', () => {
  it.each(['br-int', 'p0', 'pf0hpf', 'rep0-3', 'en3f0pf0sf10', 'ovn-k8s-mp0_0', 'a.100', '0a', 'x'.repeat(15)])(
    'allows %s',
    (name) => {
      expect(nameFault(name, deviceNameLengthMax)).toBeUndefined();
    },
  );

  it('allows long names where there is no device', () => {
    expect(nameFault('pen3f0pf0sf10brsfc', deviceNameLengthMax)).toBe('is 18 characters long; at most 15 are possible');
    expect(nameFault('pen3f0pf0sf10brsfc', patchNameLengthMax)).toBeUndefined();
  });

  it.each(['a/b', 'a b', 'a\tb', 'a:b', 'a%d', 'é', 'a"b', "a'b", 'a\\b', 'a\0'])(
    'refuses characters of %j',
    (name) => {
      expect(nameFault(name, deviceNameLengthMax)).toMatch(/^has the character/);
    },
  );

  it.each([
    '.',
    '..',
    'lo',
    'all',
    'default',
    'ovs-system',
    'ovs-netdev',
    'LOCAL',
    'Controller',
    'in_port',
    '12',
    '-x',
  ])('refuses %s', (name) => {
    expect(nameFault(name, deviceNameLengthMax)).toBeDefined();
  });
});
