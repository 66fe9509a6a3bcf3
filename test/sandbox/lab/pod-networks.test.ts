import { describe, expect, it } from 'vitest';
import type { PodObject } from '../../../src/sandbox/lab/host-api.js';
import {
  addressOf,
  logicalPortName,
  nadKeysOf,
  nadOf,
  podNetworkOf,
  selectionAnnotation,
} from '../../../src/sandbox/lab/pod-networks.js';

const metadata = { name: 'web-0', namespace: 'shop', uid: 'u', resourceVersion: '1' };

const keys = (selection: string): readonly string[] =>
  nadKeysOf({ metadata: { ...metadata, annotations: { [selectionAnnotation]: selection } } });

describe('networks of a pod', () => {
  it('are the default one, then those that it asks for, each time with a key of its own', () => {
    expect(nadKeysOf({ metadata } satisfies PodObject)).toEqual(['default']);
    expect(keys('ns-a/blue, red@net7, ns-a/blue,ns-a/blue')).toEqual([
      'default',
      'ns-a/blue',
      'shop/red',
      'ns-a/blue/1',
      'ns-a/blue/2',
    ]);
    expect(keys('[{"name":"blue"},{"name":"blue","namespace":"ns-a"}]')).toEqual(['default', 'shop/blue', 'ns-a/blue']);
    expect([nadOf('default'), nadOf('ns-a/blue/2')]).toEqual(['default', 'ns-a/blue']);
  });

  it('have logical ports with the names that ovn-kubernetes gives', () => {
    expect(logicalPortName('default', metadata)).toBe('shop_web-0');
    expect(logicalPortName('ns-a/blue/1', metadata)).toBe('ns.a.blue.1_shop_web-0');
  });

  it('have addresses from the number of the pod, and a MAC from the address', () => {
    const network = { nad: 'default', switchName: 's', prefix: '10.244' };
    expect(addressOf(network, 5)).toEqual({ ip: '10.244.0.5', mac: '0a:58:0a:f4:00:05' });
    expect(addressOf(network, 258).ip).toBe('10.244.1.2');
    expect(podNetworkOf(network, 5)).toMatchObject({
      ip_addresses: ['10.244.0.5/16'],
      ip_address: '10.244.0.5/16',
      role: 'primary',
    });
  });
});
