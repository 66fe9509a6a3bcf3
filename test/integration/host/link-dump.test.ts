/**
 * The two ways of reading devices, each the other's witness: one netlink dump and the files of sysfs must tell the same of every
 * device that the kernel has. In a network namespace of its own, with `ip` as it is installed here.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemFiles } from '../../../src/host/file-source.js';
import { LinkDumpReader } from '../../../src/host/link-dump-reader.js';
import { sysfsLinkReader, type LinkReader, type LinksReading } from '../../../src/host/link-reader.js';
import { systemClock } from '../../../src/lib/clock.js';
import type { LinkFacts } from '../../../src/model/netdev.js';
import { OvsLab } from '../../../src/sandbox/lab/ovs.js';
import { PrivateNetns } from './private-netns.js';

const patience = { timeout: 20_000, interval: 20 };
const signal = new AbortController().signal;

let netns: PrivateNetns;
let dump: LinkReader;
let sysfs: LinkReader;

beforeEach(async () => {
  netns = await PrivateNetns.create();
  dump = new LinkDumpReader({ clock: systemClock, root: netns.root, tool: netns.tool });
  sysfs = sysfsLinkReader({ root: netns.root, files: systemFiles });
});

afterEach(() => netns[Symbol.asyncDispose]());

/** Both readings, once they agree: the kernel settles an operational state up to a second after the carrier. */
async function agreed(): Promise<LinksReading> {
  let seen: LinksReading | undefined;
  await vi.waitFor(async () => {
    seen = await dump.read(signal);
    expect([...seen.netdevs]).toEqual([...(await sysfs.read(signal)).netdevs]);
  }, patience);
  if (seen === undefined) throw new Error('nothing was read');
  expect(seen.unreadable.size).toBe(0);
  return seen;
}

const setAlias = (name: string, alias: Buffer | string): void =>
  writeFileSync(`${netns.root}/sys/class/net/${name}/ifalias`, alias);

describe('the dump of all devices', () => {
  it('tells of every kind of device what sysfs tells', async () => {
    netns.batch([
      'link add v0 type veth peer name v1',
      'link add v2 type veth peer name v3',
      'link add br0 type bridge',
      'link set v0 master br0',
      'tuntap add dev t0 mode tap',
      'tuntap add dev tun0 mode tun',
      'link add vx type vxlan id 7 dstport 4789',
      'link set lo up',
      'link set v0 up',
      'link set v1 up',
      'link set br0 up',
      // The other end stays down.
      'link set v2 up',
      'link set t0 up',
      'link set v3 mtu 9000',
      'link set v3 address 0E:AA:BB:CC:DD:EE',
      'link property add dev v3 altname a-second-name-longer-than-fifteen',
    ]);
    const { netdevs, source } = await agreed();
    expect([...netdevs.keys()]).toEqual(['br0', 'lo', 't0', 'tun0', 'v0', 'v1', 'v2', 'v3', 'vx']);
    // A tunnel has no hardware address, so `ip` writes none.
    expect(source).toEqual({ kind: 'dump', singleCount: 1 });
    expect(netdevs.get('tun0')).toMatchObject({ mac: '', mtu: 1500 });
    expect(netdevs.get('v3')).toMatchObject({ mac: '0e:aa:bb:cc:dd:ee', mtu: 9000, isUp: false });
    await vi.waitFor(async () => {
      const settled = (await agreed()).netdevs;
      expect(settled.get('v0')).toMatchObject({ operstate: 'up', hasCarrier: true, carrierChanges: 2 });
      expect(settled.get('v2')).toMatchObject({ operstate: 'lowerlayerdown', isUp: true, hasCarrier: false });
    }, patience);
  });

  it('tells the same of whatever other kinds of devices the kernel here can make', async () => {
    netns.ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    const kinds = [
      ['link', 'v0', 'name', 'vlan7', 'type', 'vlan', 'id', '7'],
      ['link', 'v0', 'name', 'macvlan0', 'type', 'macvlan'],
      ['link', 'v0', 'name', 'ipvlan0', 'type', 'ipvlan'],
      ['name', 'dummy7', 'type', 'dummy'],
      ['name', 'bond7', 'type', 'bond'],
      ['name', 'vrf7', 'type', 'vrf', 'table', '7'],
      ['name', 'ifb7', 'type', 'ifb'],
      ['name', 'gre7', 'type', 'gre', 'local', '192.0.2.1', 'remote', '192.0.2.2'],
      ['name', 'sit7', 'type', 'sit', 'local', '192.0.2.1'],
      ['name', 'ip6tnl7', 'type', 'ip6tnl', 'local', '2001:db8::1', 'remote', '2001:db8::2'],
      ['name', 'geneve7', 'type', 'geneve', 'id', '7', 'remote', '192.0.2.2'],
      ['name', 'nlmon7', 'type', 'nlmon'],
      ['name', 'vcan7', 'type', 'vcan'],
      ['name', 'wg7', 'type', 'wireguard'],
    ];
    const made = kinds.filter((kind) => spawnSync('ip', ['-n', netns.name, 'link', 'add', ...kind]).status === 0);
    const { netdevs } = await agreed();
    for (const kind of made) expect([...netdevs.keys()]).toContain(kind[kind.indexOf('name') + 1]);
    netns.batch([...netdevs.keys()].map((name) => `link set ${name} up`));
    await agreed();
  });

  it('tells the same of the ports of an Open vSwitch, and that it holds them', async () => {
    netns.ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    await using lab = await OvsLab.start({ vswitchd: true, dummy: false, netns: netns.name });
    await lab.vsctl('add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', 'datapath_type=netdev');
    await lab.vsctl(
      'add-port',
      'br-int',
      'v0',
      '--',
      'add-port',
      'br-int',
      'in0',
      '--',
      'set',
      'Interface',
      'in0',
      'type=internal',
    );
    await vi.waitFor(async () => {
      const { netdevs } = await agreed();
      expect([...netdevs.keys()]).toEqual(expect.arrayContaining(['br-int', 'in0', 'lo', 'v0', 'v1']));
      expect(['v0', 'in0', 'v1'].map((name) => netdevs.get(name)?.isPromiscuous)).toEqual([true, true, false]);
    }, patience);
  });

  it('tells promiscuity whoever asked for it', async () => {
    netns.batch([
      'link add v0 type veth peer name v1',
      'link add br0 type bridge',
      'link set v0 master br0',
      'link set br0 up',
      'link set v1 promisc on',
    ]);
    const { netdevs } = await agreed();
    // A port of a bridge, which no flag of netlink tells; a device that a person has set; and one that nobody has.
    expect(netns.ip('-j', 'link', 'show', 'v0')).not.toContain('PROMISC');
    expect(['v0', 'v1', 'br0'].map((name) => netdevs.get(name)?.isPromiscuous)).toEqual([true, true, false]);
    netns.ip('link', 'set', 'v0', 'nomaster');
    expect((await agreed()).netdevs.get('v0')?.isPromiscuous).toBe(false);
  });

  it('tells an alias to the last byte that can be shown, whatever it is', async () => {
    const aliases: readonly (Buffer | string)[] = [
      'a "quoted" one, a \\ and a /',
      "pod's",
      'Gerät … 端口 🧪',
      'a bell \u0007, an escape \u001b[31m and a tab \t',
      'two\nlines',
      '"}]},{"ifname":"lo","mtu":1',
      Buffer.from([0x62, 0xff, 0xc3]),
      Buffer.from([0xc3, 0x28, 0xe2, 0x82]),
      'x'.repeat(255),
    ];
    netns.batch(aliases.map((_alias, index) => `link add v${index} type veth peer name w${index}`));
    for (const [index, alias] of aliases.entries()) setAlias(`v${index}`, alias);
    const { netdevs, source } = await agreed();
    expect(source).toMatchObject({ kind: 'dump' });
    expect(aliases.map((_alias, index) => netdevs.get(`v${index}`)?.alias)).toEqual(
      aliases.map((alias) => (typeof alias === 'string' ? alias : alias.toString('utf8'))),
    );
  });

  it('leaves names that nobody can show to nobody', async () => {
    netns.ip('link', 'add', 'a"b\\c', 'type', 'veth', 'peer', 'name', "it's");
    netns.ip('link', 'add', 'gerät', 'type', 'veth', 'peer', 'name', 'fine');
    expect([...(await agreed()).netdevs.keys()]).toEqual(['a"b\\c', 'fine', "it's", 'lo']);
  });

  it('follows renames, new devices under old names, and a carrier that comes and goes', async () => {
    netns.ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    const first = (await agreed()).netdevs.get('v0');
    netns.batch(['link set v0 name w0', 'link set v1 name v0', 'link set w0 name v1']);
    const swapped = (await agreed()).netdevs;
    expect(swapped.get('v1')?.ifindex).toBe(first?.ifindex);
    netns.batch(['link del v0', 'link add v0 type veth peer name v1', 'link set v0 up', 'link set v1 up']);
    expect((await agreed()).netdevs.get('v0')?.ifindex).toBeGreaterThan(first?.ifindex ?? Infinity);
    netns.batch(['link set v1 down', 'link set v1 up']);
    const { carrierChanges } = (await agreed()).netdevs.get('v0') as LinkFacts;
    expect(carrierChanges).toBeGreaterThanOrEqual(4);
  });

  it('never loses a device that stays while others come, go and are renamed', async () => {
    const stays = Array.from({ length: 40 }, (_unused, index) => `s${index}`);
    netns.batch(stays.map((name) => `link add ${name} type veth peer name p${name}`));
    const churn = `while :; do
      ip link add c0 type veth peer name c1; ip link set c0 name d0; ip link add c0 type veth peer name c2
      ip link del d0; ip link del c0
    done`;
    const child = spawn('ip', ['netns', 'exec', netns.name, 'sh', '-c', churn], { stdio: 'ignore' });
    try {
      const seen = new Set<string>();
      // Until devices have been met that only the loop makes: it runs beside the readings.
      for (let look = 0; look < 60 || !seen.has('c0'); look += 1) {
        const { netdevs, source } = await dump.read(signal);
        expect(source.kind).toBe('dump');
        expect(stays.filter((name) => !netdevs.has(name))).toEqual([]);
        for (const [name, link] of netdevs) {
          expect(link.name).toBe(name);
          seen.add(name);
        }
      }
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await agreed();
  }, 60_000);

  it('does not take another namespace for this one', async () => {
    await using other = await PrivateNetns.create();
    for (const one of [netns, other]) one.ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    other.ip('link', 'set', 'v0', 'mtu', '9000');
    other.batch(['link del v0', 'link add v0 type veth peer name v1']);
    const crossed = new LinkDumpReader({ clock: systemClock, root: netns.root, tool: other.tool });
    const { netdevs, source } = await crossed.read(signal);
    expect([...netdevs]).toEqual([...(await sysfs.read(signal)).netdevs]);
    expect(source).toEqual({ kind: 'dump', singleCount: 2 });
  });
});
