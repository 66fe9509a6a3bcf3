import { describe, expect, it } from 'vitest';
import { encapIpOf, uplinkOf } from '../../src/attach/encap-ip.js';
import type { Netdev, NetdevMap } from '../../src/model/netdev.js';
import { uplink, vfOf } from '../fakes/attach-inputs.js';

const devices = (...netdevs: readonly Netdev[]): NetdevMap => new Map(netdevs.map((entry) => [entry.name, entry]));
const two = devices(uplink(0), uplink(1));
const ofPf = (pf: number): Netdev => vfOf(3, { pf });

describe('the uplink of a function', () => {
  it('is the port of the same number on the same switch', () => {
    expect(uplinkOf(ofPf(1), two)?.name).toBe('p1');
  });

  it('is the only one of the switch where no number agrees', () => {
    expect(uplinkOf(ofPf(1), devices(uplink(0), uplink(1, { switchId: 'bb02' })))?.name).toBe('p0');
  });

  it('is not guessed among several, and never taken from another switch', () => {
    expect(uplinkOf(ofPf(7), two)).toBeUndefined();
    expect(uplinkOf(ofPf(0), devices(uplink(0, { switchId: 'bb02' })))).toBeUndefined();
  });

  it('is the same for every order of the devices', () => {
    const twins = [uplink(0), { ...uplink(0), name: 'q0' }];
    expect(uplinkOf(ofPf(0), devices(...twins))?.name).toBe('p0');
    expect(uplinkOf(ofPf(0), devices(...twins.reverse()))?.name).toBe('p0');
  });
});

describe('the tunnel address of a function', () => {
  it.each<[string | undefined, number, ReturnType<typeof encapIpOf>]>([
    [undefined, 0, { kind: 'none' }],
    ['', 0, { kind: 'none' }],
    ['p0:10.0.0.1,p1:10.0.1.1', 0, { kind: 'ip', ip: '10.0.0.1' }],
    ['p0:10.0.0.1,p1:10.0.1.1', 1, { kind: 'ip', ip: '10.0.1.1' }],
    [' p0 : 10.0.0.1 , p1:10.0.1.1', 0, { kind: 'ip', ip: '10.0.0.1' }],
    ['p1:fd00::1', 1, { kind: 'ip', ip: 'fd00::1' }],
    ['p0:10.0.0.1', 1, { kind: 'none' }],
    ['p0:no-address', 0, { kind: 'none' }],
    ['p0:10.0.0.1 x=y', 0, { kind: 'none' }],
    [':10.0.0.1,,p0', 0, { kind: 'none' }],
  ])('by mapping %j for PF %i is %j', (mapping, pf, expected) => {
    expect(encapIpOf(ofPf(pf), two, mapping)).toEqual(expected);
  });

  it('is unknown where a mapping is declared and the uplink is not known', () => {
    expect(encapIpOf(ofPf(0), devices(), 'p0:10.0.0.1').kind).toBe('unknown');
  });

  it('needs no uplink where no mapping is declared', () => {
    expect(encapIpOf(ofPf(0), devices(), undefined)).toEqual({ kind: 'none' });
  });
});
