import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCidr, normalizeMac, parsePodNetworks } from '../../src/attach/pod-networks.js';
import type { PodNetwork } from '../../src/attach/pod-networks.js';
import { anyNadKey, anyText, isPrintable, trickyTexts, unparsableTexts } from './hostile-texts.js';

const mac = '0a:58:0a:f4:01:05';
const ok = { kind: 'ok', mac, ips: [], role: undefined };

function networksOf(value: unknown): ReadonlyMap<string, PodNetwork> {
  const reading = parsePodNetworks(JSON.stringify(value));
  if (reading.kind !== 'read') throw new Error(`not read: ${reading.kind}`);
  return reading.networks;
}

/** The one network. */
function only(entry: unknown): PodNetwork {
  const network = networksOf({ default: entry }).get('default');
  if (network === undefined) throw new Error('the network is missing');
  return network;
}

const hex = fc.integer({ min: 0, max: 255 }).map((byte) => byte.toString(16).padStart(2, '0'));
const validMac = fc
  .array(hex, { minLength: 6, maxLength: 6 })
  .map(([first = '', ...rest]) => [(Number.parseInt(first, 16) & 0xfe).toString(16).padStart(2, '0'), ...rest])
  .map((bytes) => bytes.join(':'))
  .filter((text) => text !== '00:00:00:00:00:00');
const validCidr = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map((parts) => parts.join('/')),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map((parts) => parts.join('/')),
);
const validEntry = fc.record({
  mac_address: validMac,
  ip_addresses: fc.array(validCidr, { maxLength: 4 }),
  role: fc.constantFrom('primary', 'secondary', 'infrastructure-locked'),
});

describe('parsePodNetworks: one network', () => {
  it('reads what ovn-kubernetes writes', () => {
    const entry = {
      ip_addresses: ['10.244.1.5/24'],
      mac_address: mac,
      gateway_ips: ['10.244.1.1'],
      routes: [{ dest: '10.244.0.0/16', nextHop: '10.244.1.1' }],
      ip_address: '10.244.1.5/24',
      gateway_ip: '10.244.1.1',
      ipv6_lla_gateway_ip: 'fe80::1',
      tunnel_id: 5,
      role: 'primary',
    };
    expect(only(entry)).toEqual({ kind: 'ok', mac, ips: ['10.244.1.5/24'], role: 'primary' });
  });

  it.each([
    [{ mac_address: mac }, ok],
    [{ mac_address: mac, ip_addresses: [] }, ok],
    [{ mac_address: mac, ip_addresses: null, ip_address: null, role: null }, ok],
    [{ mac_address: mac, ip_addresses: null, ip_address: '' }, ok],
    [
      { mac_address: mac, ip_address: '10.1.2.3/24' },
      { ...ok, ips: ['10.1.2.3/24'] },
    ],
    [
      { mac_address: mac, ip_addresses: ['10.1.2.3/24', 'fd00::3/64'] },
      { ...ok, ips: ['10.1.2.3/24', 'fd00::3/64'] },
    ],
    [
      { mac_address: mac, ip_addresses: ['10.1.2.3/24', 'fd00::3/64'], ip_address: '10.1.2.3/24' },
      { ...ok, ips: ['10.1.2.3/24', 'fd00::3/64'] },
    ],
    [
      { MAC_Address: '0A-58-0A-F4-01-05', IP_ADDRESSES: ['::/0'] },
      { ...ok, ips: ['::/0'] },
    ],
    [{ mac_address: '0a58.0af4.0105' }, ok],
    [{ mac_address: mac, gateway_ips: 'junk', routes: 5, tunnel_id: 'x', unknown: {} }, ok],
    [
      { mac_address: mac, role: 'later' },
      { ...ok, role: 'later' },
    ],
    [
      { mac_address: mac, role: 'a\u0000b' },
      { ...ok, role: 'a\\u0000b' },
    ],
  ])('reads %j', (entry, expected) => expect(only(entry)).toEqual(expected));

  it.each([
    [null, 'The entry is null, not an object.'],
    [[], 'The entry is a list, not an object.'],
    ['x', 'The entry is a string, not an object.'],
    [{}, 'mac_address is missing.'],
    [{ mac_address: '' }, 'mac_address is missing.'],
    [{ mac_address: 5 }, 'mac_address is a number, not a string.'],
    [{ mac_address: 'x' }, 'mac_address is "x", which is no MAC address.'],
    [{ mac_address: '00:00:00:00:00:00' }, 'mac_address is zero.'],
    [{ mac_address: '01-00-5E-00-00-01' }, 'mac_address is 01:00:5e:00:00:01, which is a multicast address.'],
    [{ mac_address: 'ff:ff:ff:ff:ff:ff' }, 'mac_address is ff:ff:ff:ff:ff:ff, which is a multicast address.'],
    [{ MAC_ADDRESS: mac, Mac_address: 'x' }, 'mac_address is given several times with different values.'],
    [{ mac_address: mac, ip_addresses: '10.1.2.3/24' }, 'ip_addresses is a string, not a list.'],
    [{ mac_address: mac, ip_addresses: {} }, 'ip_addresses is an object, not a list.'],
    [{ mac_address: mac, ip_addresses: ['10.1.2.3/24', 5] }, 'ip_addresses holds what is not a string.'],
    [{ mac_address: mac, ip_addresses: [null] }, 'ip_addresses holds what is not a string.'],
    [{ mac_address: mac, ip_addresses: [['10.1.2.3/24']] }, 'ip_addresses holds what is not a string.'],
    [{ mac_address: mac, ip_addresses: [''] }, '"" is no address with a prefix length.'],
    [{ mac_address: mac, ip_address: '10.1.2.3' }, '"10.1.2.3" is no address with a prefix length.'],
    [
      { mac_address: mac, ip_addresses: Array(17).fill('10.1.2.3/24') },
      'ip_addresses has 17 members; at most 16 are read.',
    ],
    [
      { mac_address: mac, ip_addresses: ['10.1.2.3/24'], ip_address: '10.1.2.4/24' },
      'ip_address differs from the first of ip_addresses.',
    ],
    [
      { mac_address: mac, ip_addresses: ['fd00::3/64', '10.1.2.3/24'], ip_address: '10.1.2.3/24' },
      'ip_address differs from the first of ip_addresses.',
    ],
    [{ mac_address: mac, ip_address: 5 }, 'ip_address is a number, not a string.'],
    [{ mac_address: mac, role: 5 }, 'role is a number, not a string.'],
  ])('refuses %j and says why', (entry, problem) => expect(only(entry)).toEqual({ kind: 'invalid', problem }));
});

describe('parsePodNetworks: all networks', () => {
  it.each(unparsableTexts)('calls %s unparsable', (_, text) => {
    expect(parsePodNetworks(text).kind).toBe('unparsable');
  });

  it.each([undefined, 'null'])('calls %s absent', (text) => expect(parsePodNetworks(text)).toEqual({ kind: 'absent' }));

  it.each(trickyTexts)('finds no usable network in %s', (text) => {
    const networks = [...networksOf(JSON.parse(text)).values()];
    expect(networks.filter((network) => network.kind === 'ok')).toEqual([]);
  });

  it('knows no form without keys', () => {
    expect(networksOf({ mac_address: mac, ip_addresses: ['10.1.2.3/24'] })).toEqual(new Map());
  });

  it('reads a network alike whatever stands beside it', () => {
    fc.assert(
      fc.property(validEntry, anyNadKey, fc.string(), fc.jsonValue({ maxDepth: 2 }), (good, key, other, bad) => {
        fc.pre(key !== other);
        const expected = { kind: 'ok', mac: good.mac_address, ips: good.ip_addresses, role: good.role };
        expect(networksOf({ [other]: bad, [key]: good }).get(key)).toEqual(expected);
      }),
    );
  });

  it('never throws; what it reads is sound and what it says is printable', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const reading = parsePodNetworks(text);
        if (reading.kind !== 'read') return;
        for (const network of reading.networks.values()) {
          if (network.kind === 'invalid') expect(isPrintable(network.problem)).toBe(true);
          else expect(network.mac).toMatch(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/);
        }
      }),
    );
  });
});

describe('normalizeMac', () => {
  it.each([
    '',
    '0a:58:0a:f4:01',
    '0a:58:0a:f4:01:05:06',
    '0a:58:0a:f4:01:05:06:07',
    '0a:58:0a:f4:1:5',
    '0a:58-0a:f4-01:05',
    '0a580af40105',
    '0a58.0af4.0105.0607',
    '0g:58:0a:f4:01:05',
    ' 0a:58:0a:f4:01:05',
    '0a:58:0a:f4:01:05\n',
    ':'.repeat(100_000),
  ])('refuses %.30j', (text) => expect(normalizeMac(text)).toBeUndefined());

  it('gives one text for all notations of an address', () => {
    fc.assert(
      fc.property(validMac, (text) => {
        const digits = text.replaceAll(':', '');
        const dotted = `${digits.slice(0, 4)}.${digits.slice(4, 8)}.${digits.slice(8)}`;
        const notations = [text, text.toUpperCase(), text.replaceAll(':', '-'), dotted];
        expect(new Set(notations.map(normalizeMac))).toEqual(new Set([text]));
      }),
    );
  });
});

describe('isCidr', () => {
  it.each(['10.0.0.0/0', '255.255.255.255/32', '::/0', 'fd00::3/128', '::ffff:10.1.2.3/120'])('takes %s', (text) => {
    expect(isCidr(text)).toBe(true);
  });

  it.each([
    '',
    '/',
    '10.1.2.3',
    '10.1.2.3/',
    '/24',
    '10.1.2.3/33',
    '10.1.2.3/024',
    '10.1.2.3/-1',
    '10.1.2.3/2 4',
    '10.1.2.3/24/24',
    '10.1.2/24',
    '010.1.2.3/24',
    '10.1.2.256/24',
    '10.1.2.3/24\n',
    ' 10.1.2.3/24',
    '10.1.2.3/24,10.1.2.4/24',
    'fd00::3/129',
    'fd00:::3/64',
    'fe80::1%eth0/64',
    '[fd00::3]/64',
    '1'.repeat(100_000),
  ])('refuses %.40j', (text) => expect(isCidr(text)).toBe(false));

  it('takes every address with a prefix length of its family', () => {
    fc.assert(
      fc.property(validCidr, (text) => {
        expect(isCidr(text)).toBe(true);
      }),
    );
  });
});
