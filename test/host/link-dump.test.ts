import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLinkDump } from '../../src/host/link-dump.js';
import { known, unknown } from '../../src/model/fact.js';

const recorded = readFileSync(join(import.meta.dirname, '../fixtures/ip-link/iproute2-6.1.0.json'), 'utf8');

/** A port of an embedded switch, with the fields in the order in which iproute2 writes them. */
const switchPort = {
  ifindex: 42,
  ifname: 'pf0vf3',
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: 9000,
  operstate: 'UP',
  link_type: 'ether',
  address: '0c:42:a1:00:00:01',
  promiscuity: 1,
  phys_port_name: 'c1pf0vf3',
  phys_switch_id: '1a2b3c4d5e6f7788',
  parentbus: 'pci',
  ifalias: 'rep of pod x',
};

const textOf = (...rows: readonly object[]): string => JSON.stringify(rows);
const linksOf = (text: string): ReadonlyMap<string, unknown> => {
  const links = parseLinkDump(known(text));
  return links.kind === 'known' ? links.value : new Map();
};
/** Whether a row that is a switch port but for these fields is believed; the loopback device beside it always is. */
const isBelieved = (changed: object): boolean =>
  linksOf(textOf({ ...switchPort, ifname: 'lo' }, { ...switchPort, ...changed })).has(switchPort.ifname);

describe('the dump of all devices', () => {
  it('is read as it was recorded', () => {
    const links = linksOf(recorded);
    // The tun device has no hardware address, which sysfs shows as an empty one.
    expect([...links.keys()].sort()).toEqual(['a-peer', 'br0', 'eth0-3', 'lo', 'rep0-3', 'sw0']);
    expect(links.get('eth0-3')).toEqual({
      name: 'eth0-3',
      ifindex: 2,
      mac: '0a:00:00:00:00:03',
      mtu: 1500,
      isUp: true,
      hasCarrier: true,
      operstate: 'up',
      isPromiscuous: false,
      alias: 'of pod "web-0" in C:\\n',
      switchId: undefined,
      portName: undefined,
    });
    // A port of a bridge, for which no flag says so.
    expect(links.get('rep0-3')).toMatchObject({ isPromiscuous: true, isUp: true });
    expect(links.get('sw0')).toMatchObject({ isUp: true, hasCarrier: false, operstate: 'lowerlayerdown' });
    expect(links.get('lo')).toMatchObject({ isUp: false, hasCarrier: false, operstate: 'down', mtu: 65_536 });
  });

  it('tells identity and port name of a switch port', () => {
    expect(linksOf(textOf(switchPort)).get('pf0vf3')).toMatchObject({
      switchId: '1a2b3c4d5e6f7788',
      portName: 'c1pf0vf3',
      alias: 'rep of pod x',
      isPromiscuous: true,
    });
  });

  it.each([
    ['without a carrier', { flags: ['UP'] }, { isUp: true, hasCarrier: false }],
    ['down, whatever its carrier', { flags: ['LOWER_UP'] }, { isUp: false, hasCarrier: false }],
    ['of which a flag alone says promiscuous', { flags: ['PROMISC'], promiscuity: 0 }, { isPromiscuous: false }],
    ['with a flag that ip knows by number only', { flags: ['UP', '80000'] }, { isUp: true }],
  ])('reads a device %s', (_what, changed, facts) => {
    expect(linksOf(textOf({ ...switchPort, ...changed })).get('pf0vf3')).toMatchObject(facts);
  });

  it.each([
    ['no number', { ifindex: undefined }],
    ['a number that is none', { ifindex: '42' }],
    ['no MTU', { mtu: undefined }],
    ['no promiscuity, as without details', { promiscuity: undefined }],
    ['a negative promiscuity', { promiscuity: -1 }],
    ['a state known by number only', { operstate: undefined, operstate_index: 9 }],
    ['a state that the kernel does not have', { operstate: 'WELL' }],
    ['no flags', { flags: undefined }],
    ['the address of a tunnel', { link_type: 'gre', address: '192.0.2.1' }],
    ['the address of a tunnel for an Ethernet device', { address: '192.0.2.1' }],
    ['no address', { link_type: 'none', address: undefined }],
    ['an address of another length', { link_type: 'infiniband', address: '80:00'.repeat(10) }],
    ['a name that cannot be shown', { ifname: 'pf0vf3\u001b' }],
    ['an identity that ip may have cut', { phys_switch_id: '1a'.repeat(31) }],
    ['an identity that is none', { phys_switch_id: 'no' }],
    ['a port name that is none', { phys_port_name: 7 }],
    ['an alias in which an end of line may have been a backslash', { ifalias: 'C:\nfoo' }],
  ])('leaves out a row with %s', (_what, changed) => {
    expect(isBelieved({})).toBe(true);
    expect(isBelieved(changed)).toBe(false);
  });

  it('leaves out a name that two devices have', () => {
    const text = textOf(switchPort, { ...switchPort, ifname: 'p0', ifindex: 2 }, { ...switchPort, ifindex: 43 });
    expect([...linksOf(text).keys()]).toEqual(['p0']);
  });

  it('reads beside an alias that iproute2 before 6.1 and before 7.0 wrote', () => {
    const text = `[{},${textOf({ ...switchPort, ifname: 'p0', ifalias: 'ALIAS' }).slice(1)}\n`;
    expect(linksOf(text.replace('ALIAS', "pod\\'s \\\\")).get('p0')).toMatchObject({ alias: "pod's \\" });
    expect(linksOf(text.replace('ALIAS', '\u0007 \u001b[31m')).get('p0')).toMatchObject({ alias: '\u0007 \u001b[31m' });
  });

  it.each([
    ['nothing', '', 'ip wrote nothing of any device that can be used'],
    ['an empty list', '[]', 'ip wrote nothing of any device that can be used'],
    ['rows without details', textOf({ ifname: 'lo', ifindex: 1 }), 'ip wrote nothing of any device that can be used'],
    ['half of it', recorded.slice(0, recorded.length / 2), 'what ip wrote is no list in JSON'],
    ['no JSON', '1: lo: <LOOPBACK,UP>', 'what ip wrote is no list in JSON'],
  ])('is unknown when ip writes %s', (_what, text, why) => {
    expect(parseLinkDump(known(text))).toEqual(unknown(why));
  });

  it('is unknown for the reason for which the output is', () => {
    expect(parseLinkDump(unknown('gone'))).toEqual(unknown('gone'));
  });

  it('tells the same alias that was written, as any version escapes it', () => {
    // What the kernel takes: any bytes but zero, at most 255; what a sound text becomes in the words of iproute2 before 6.1.
    const alias = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).filter((text) => !/[\0\n]/.test(text));
    const escapes: Readonly<Record<string, string>> = { '\t': '\\t', '\r': '\\r', '\f': '\\f', '\b': '\\b' };
    const written = (text: string): string =>
      text.replace(/[\t\r\f\b\\"']/g, (found) => escapes[found] ?? `\\${found}`);
    fc.assert(
      fc.property(alias, (text) => {
        const dump = textOf({ ...switchPort, ifalias: 'ALIAS' }).replace('ALIAS', () => written(text));
        expect(linksOf(dump).get('pf0vf3')).toMatchObject({ alias: text });
      }),
    );
  });
});
