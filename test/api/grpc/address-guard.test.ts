import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createAddressGuard } from '../../../src/api/grpc/address-guard.js';

const at = (address: string): NetworkInterfaceInfo[] => [{ address } as NetworkInterfaceInfo];
const guard = createAddressGuard({
  interfaces: () => ({
    lo: at('127.0.0.1'),
    oob_net0: at('192.0.2.7'),
    tmfifo_net0: [...at('192.168.100.2'), ...at('fe80::21a:caff:feff:ff01')],
    'tmfifo_net0.5': at('192.168.105.2'),
    pf0hpf: at('198.51.100.1'),
    p0: at('2001:db8::7'),
    vlan7: at('198.51.100.7'),
    br0: at('198.51.100.8'),
    new0: at('198.51.100.9'),
  }),
  isHostFunction: (device) => (device === 'new0' ? undefined : device === 'pf0hpf'),
  lowersOf: (device) => ({ vlan7: ['tmfifo_net0'], br0: ['p0', 'vlan9'], vlan9: ['pf0hpf', 'br0'] })[device] ?? [],
});

describe('the guard of addresses', () => {
  it.each(['127.0.0.1', '192.0.2.7', '2001:db8::7', 'localhost', '203.0.113.1'])('lets %s be listened at', (host) => {
    expect(() => guard(host)).not.toThrow();
  });

  it.each([
    '192.168.100.2',
    '::ffff:192.168.100.2',
    '192.168.105.2',
    '198.51.100.1',
    'FE80:0:0:0:21A:CAFF:FEFF:FF01',
    'fe80::21a:caff:feff:ff01%tmfifo_net0',
    'fe80::1%pf0hpf',
    '198.51.100.7',
    '198.51.100.8',
    'fe80::1%br0',
    '0.0.0.0',
    '::ffff:0.0.0.0',
    '::0.0.0.0',
  ])('refuses %s, which the host reaches', (host) => {
    expect(() => guard(host)).toThrow(expect.objectContaining({ code: 'API_ADDRESS' }));
  });

  it('waits for what is not known yet', () => {
    expect(() => guard('198.51.100.9')).toThrow('not known yet');
  });
});
