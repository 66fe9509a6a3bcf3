import { describe, expect, it } from 'vitest';
import type { AttachSettings } from '../../src/attach/attach-settings.js';
import type { AttachRequest } from '../../src/attach/attachment.js';
import { grantDevice, refusePod, type GrantContext } from '../../src/attach/grant.js';
import { nothingDeclared } from '../../src/intent/declared.js';
import type { Netdev } from '../../src/model/netdev.js';
import { findVf, identityOf, podOf, settingsOf, vfOf, worldOf } from '../fakes/attach-inputs.js';

const requestOf = (vf: number, pf = 0): AttachRequest => ({
  key: 'u-a|default',
  pod: podOf('a'),
  nadKey: 'default',
  pf,
  vf,
  identity: identityOf('a'),
});

function contextOf(settings: Partial<AttachSettings> = {}, netdevs: readonly Netdev[] = [vfOf(1)]): GrantContext {
  const observed = worldOf({ netdevs });
  return {
    settings: settingsOf(settings),
    netdevs: observed.netdevs,
    find: findVf,
    declared: nothingDeclared,
    management: new Set(),
  };
}

const reasonOf = (context: GrantContext, vf = 1, pf = 0): string => {
  const granted = grantDevice(requestOf(vf, pf), context);
  return granted.kind === 'granted' ? granted.netdev.name : granted.verdict.reason;
};

describe('a function', () => {
  it('is granted when exactly one device stands for it', () => {
    expect(reasonOf(contextOf())).toBe('pf0vf1');
  });

  it('is refused when it is reserved, whatever the pools say', () => {
    const pools = [{ pf: 0, vfs: undefined }];
    expect(reasonOf(contextOf({ pools, reserved: [{ pf: 0, vfs: new Set([1]) }] }))).toBe('RepresentorReserved');
    expect(reasonOf(contextOf({ pools, reserved: [{ pf: 0, vfs: undefined }] }))).toBe('RepresentorReserved');
    expect(reasonOf(contextOf({ pools, reserved: [{ pf: 1, vfs: undefined }] }))).toBe('pf0vf1');
  });

  it('is refused when it is in no pool', () => {
    expect(reasonOf(contextOf({ pools: [] }))).toBe('RepresentorReserved');
    expect(reasonOf(contextOf({ pools: [{ pf: 0, vfs: new Set([2]) }] }))).toBe('RepresentorReserved');
    expect(reasonOf(contextOf({ pools: [{ pf: 0, vfs: new Set([1, 2]) }] }))).toBe('pf0vf1');
  });

  it('is refused before anybody says whether it is there', () => {
    expect(reasonOf(contextOf({ pools: [] }, []))).toBe('RepresentorReserved');
  });

  it('that is not there is waited for, and never final', () => {
    const granted = grantDevice(requestOf(1), contextOf({}, []));
    expect(granted).toMatchObject({ verdict: { reason: 'RepresentorMissing', state: 'waiting', isFinal: false } });
  });

  it('that two devices stand for is granted by neither', () => {
    const twins = [vfOf(1), { ...vfOf(1), name: 'other' }];
    expect(reasonOf(contextOf({}, twins))).toBe('RepresentorAmbiguous');
  });

  it.each(['uplink', 'hostPf', 'hostSf', 'localPf', 'localVf', 'localSf', 'other'] as const)(
    'is refused when its device is of kind %s, whatever a finder says',
    (kind) => {
      expect(reasonOf(contextOf({}, [vfOf(1, { kind })]))).toBe('RepresentorReserved');
    },
  );

  it.each(['ovn-k8s-mp0', 'ovn-k8s-mp1', 'ovn-k8s-mp12', 'ovn-k8s-mp0_0'])(
    'is refused when its device is the management port %s',
    (name) => {
      expect(reasonOf(contextOf({}, [vfOf(1, { name })]))).toBe('RepresentorReserved');
    },
  );

  it('is granted when the device only resembles a management port', () => {
    expect(reasonOf(contextOf({}, [vfOf(1, { name: 'ovn-k8s-mpx' })]))).toBe('ovn-k8s-mpx');
  });

  it('is refused when its device is a declared port', () => {
    const context = { ...contextOf(), declared: { names: new Set(['pf0vf1']), functions: [] } };
    expect(reasonOf(context)).toBe('RepresentorReserved');
  });

  it('is refused to the tenant in words that name nothing of this machine', () => {
    const granted = grantDevice(requestOf(1), {
      ...contextOf(),
      declared: { names: new Set(['pf0vf1']), functions: [] },
    });
    expect(granted.kind === 'denied' && granted.verdict.publicReason).not.toContain('pf0vf1');
  });
});

describe('a pod', () => {
  it('that runs in the network of its host can own no function', () => {
    expect(refusePod(podOf('a', { isHostNetwork: true }), settingsOf())?.reason).toBe('PodNotEligible');
  });

  it('need ask for no resource where none is named', () => {
    expect(refusePod(podOf('a'), settingsOf())).toBeUndefined();
  });

  it('has to ask for one of the named resources', () => {
    const settings = settingsOf({ resourceNames: ['nvidia.com/bf3', 'nvidia.com/bf2'] });
    expect(refusePod(podOf('a'), settings)?.reason).toBe('ResourceNotRequested');
    expect(refusePod(podOf('a', { resources: new Map([['cpu.io/x', 1]]) }), settings)?.isFinal).toBe(true);
    expect(refusePod(podOf('a', { resources: new Map([['nvidia.com/bf2', 1]]) }), settings)).toBeUndefined();
  });
});
