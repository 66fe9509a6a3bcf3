import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { HostFunctions, representorOf, type HostFunction } from '../../../src/sandbox/lab/host-functions.js';
import { OvnLab } from '../../../src/sandbox/lab/ovn.js';
import { OvsLab } from '../../../src/sandbox/lab/ovs.js';

/** A pod by hand: everything that the agent and the host would do. */
interface Pod {
  readonly role: string;
  readonly lsp: string;
  readonly uid: string;
  readonly mac: string;
  readonly ip: string;
  readonly vf: HostFunction;
}

const pod = (n: number): Pod => ({
  role: `pod${n}`,
  lsp: `default_pod${n}`,
  uid: `6f1d0d6e-0000-4000-8000-00000000000${n}`,
  mac: `0a:58:0a:f4:00:0${n}`,
  ip: `10.244.0.${n}`,
  vf: { pf: 0, vf: n },
});

const [first, second] = [pod(5), pod(6)];

const functions: readonly HostFunction[] = [first.vf, second.vf];

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

const namespaceNames = (prefix: string): readonly string[] =>
  execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name.startsWith(prefix));

async function addLogical(ovn: OvnLab, pods: readonly Pod[]): Promise<void> {
  await ovn.addSwitch('node1');
  await ovn.addPorts(
    pods.map(({ lsp, mac, ip, uid }) => ({ name: lsp, switchName: 'node1', mac, ips: [ip], podUid: uid })),
  );
}

/** The port as ovnkube plugs it, by the tool. */
async function plug(ovs: OvsLab, hosts: HostFunctions, one: Pod, uid = one.uid): Promise<void> {
  const name = representorOf(one.vf);
  const ids = { 'iface-id': one.lsp, 'iface-id-ver': uid, attached_mac: one.mac };
  const pairs = Object.entries(ids).map(([key, value]) => `external_ids:${key}="${value}"`);
  await ovs.vsctl('add-port', 'br-int', name, '--', 'set', 'Interface', name, ...pairs);
  await hosts.namespaces.links('dpu', `link set ${name} up`);
}

async function runPod(hosts: HostFunctions, { role, vf, mac, ip }: Pod): Promise<void> {
  await hosts.namespaces.add(role);
  await hosts.lend(hosts.allocate(vf), role, 'eth0', { mac, cidrs: [`${ip}/24`], mtu: 1400 });
}

const installed = async (ovs: OvsLab, { vf }: Pod): Promise<boolean> => {
  const text = await ovs.vsctl('--if-exists', 'get', 'Interface', representorOf(vf), 'external_ids:ovn-installed');
  return text.trim() === '"true"';
};

describe('the OVN lab', () => {
  it('sees a pod that was plugged by hand, and two such pods reach one another', async () => {
    await using hosts = await HostFunctions.make(functions);
    await using ovs = await OvsLab.start({ vswitchd: true, dummy: false, netns: hosts.dpu });
    await using ovn = await OvnLab.start(ovs);
    await addLogical(ovn, [first, second]);
    for (const one of [first, second]) {
      await plug(ovs, hosts, one);
      await runPod(hosts, one);
      await eventually(() => installed(ovs, one), `ovn-installed of ${one.lsp}`);
    }
    expect(await ovn.boundPorts()).toEqual([first.lsp, second.lsp]);
    await eventually(() => hosts.ping(first.role, second.ip, 3), 'three answers');
    // A function that came back is as good as new.
    await hosts.takeBack(first.vf, first.role, 'eth0');
    expect(await hosts.ping(second.role, first.ip)).toBe(false);
    expect(hosts.freeCount).toBe(1);
  });

  it('does not take an interface of another incarnation of the pod for its port', async () => {
    await using hosts = await HostFunctions.make(functions);
    await using ovs = await OvsLab.start({ vswitchd: true, dummy: false, netns: hosts.dpu });
    await using ovn = await OvnLab.start(ovs);
    await addLogical(ovn, [first, second]);
    await plug(ovs, hosts, first, 'another-uid');
    await plug(ovs, hosts, second);
    await eventually(() => installed(ovs, second), 'ovn-installed of the right one');
    await ovn.sync();
    expect(await installed(ovs, first)).toBe(false);
    expect(await ovn.boundPorts()).toEqual([second.lsp]);
  });

  it('brings each of its daemons back', async () => {
    await using ovs = await OvsLab.start({ vswitchd: true });
    await using ovn = await OvnLab.start(ovs);
    await ovn.killController();
    await ovn.killNorthd();
    await ovn.killDatabases();
    await ovn.startDatabases();
    await ovn.startNorthd();
    await ovn.startController();
    await addLogical(ovn, [first]);
    await ovn.sync();
    expect(ovn.pids).toHaveLength(4);
  });

  it('adds and removes two hundred ports in one call each', async () => {
    await using ovs = await OvsLab.start({ vswitchd: true });
    await using ovn = await OvnLab.start(ovs);
    await ovn.addSwitch('node1');
    const ports = Array.from({ length: 200 }, (_, n) => ({
      name: `ns_pod-${n}`,
      switchName: 'node1',
      mac: `0a:58:0a:f4:00:${n.toString(16).padStart(2, '0')}`,
      ips: [`10.244.0.${n}`],
      podUid: `uid-${n}`,
    }));
    await ovn.addPorts(ports);
    await ovn.addPorts(ports);
    const count = async (): Promise<number> => (await ovn.nbctl('lsp-list', 'node1')).trim().split('\n').length;
    expect(await count()).toBe(200);
    await ovn.removePorts(ports.slice(1).map(({ name }) => name));
    expect(await count()).toBe(1);
    await ovn.removePorts(ports.map(({ name }) => name));
    expect(await ovn.nbctl('lsp-list', 'node1')).toBe('');
  });

  it('leaves no process, no namespace and no file behind, even when it cannot start', async () => {
    const place = mkdtempSync(join(tmpdir(), 'lab-'));
    vi.stubEnv('TMPDIR', place);
    try {
      const hosts = await HostFunctions.make(functions);
      const ovs = await OvsLab.start({ vswitchd: true, dummy: false, netns: hosts.dpu });
      const ovn = await OvnLab.start(ovs);
      const { pids } = ovn;
      expect([pids.length, readdirSync(place).length]).toEqual([4, 2]);
      await ovn.stop();
      await ovn.stop();
      await ovs.stop();
      await expect(OvnLab.start(ovs)).rejects.toThrow('db.sock');
      await hosts[Symbol.asyncDispose]();
      expect(readdirSync(place)).toEqual([]);
      expect(pids.some(isAlive)).toBe(false);
      expect(namespaceNames(hosts.namespaces.prefix)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      rmSync(place, { recursive: true });
    }
  });
});
