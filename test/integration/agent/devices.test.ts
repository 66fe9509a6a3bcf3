import { describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../../src/agent/status.js';
import { Cables } from './cables.js';
import { agentSays, Rig } from './rig.js';
import { eventually } from '../lab/daemon.js';

const bridge = (ports: readonly unknown[], more: object = {}): object => ({
  name: 'br-int',
  datapathType: 'netdev',
  failMode: 'standalone',
  ports,
  ...more,
});

const rep = (vf: number, more: object = {}): object => ({ kind: 'representor', representor: { pf: 0, vf }, ...more });
const real = { representors: { finder: 'simulated', root: '/' } };

function reasonOf(status: AgentStatus, name: string): string | undefined {
  return status.conditions.find((entry) => entry.object.name === name)?.reason;
}

const ofport = async (rig: Rig, name: string): Promise<number> =>
  Number((await rig.lab.vsctl('--if-exists', 'get', 'Interface', name, 'ofport')).trim() || '0');

describe.skipIf(process.getuid?.() !== 0)('the agent, on real devices', () => {
  it('heals a device that was created anew under Open vSwitch, so that packets flow again', async () => {
    await using cables = await Cables.make();
    await cables.plug('rep0-1', '10.9.0.1/24');
    await cables.plug('rep0-2', '10.9.0.2/24');
    await using rig = await Rig.start({ vswitchd: true, dummy: false, netns: cables.dpu });
    const agent = await rig.agent({ ...real, bridges: [bridge([rep(1), rep(2)])] }, cables.dpu);
    await agent.ready(0);
    expect(await cables.ping('rep0-1', '10.9.0.2')).toBe(true);
    const number = await ofport(rig, 'rep0-1');
    await cables.unplug('rep0-1');
    await cables.plug('rep0-1', '10.9.0.1/24');
    await eventually(() => cables.ping('rep0-1', '10.9.0.2'), 'packets flow again');
    await agent.ready(Date.now());
    expect(await ofport(rig, 'rep0-1')).toBe(number);
    expect(await cables.show('rep0-1')).toContain('promiscuity 1');
    const records = (await rig.transactions()).length;
    const now = await agentSays(agent, ({ wallMs }) => wallMs > Date.now() - 1_000, 'something');
    await agentSays(agent, ({ wallMs }) => wallMs > now.wallMs, 'it looked again');
    expect((await rig.transactions()).length).toBe(records);
  });

  it('adds a representor when it appears, removes its port when it vanishes, and takes it back when it returns', async () => {
    await using cables = await Cables.make();
    await cables.plug('rep0-1', '10.9.0.1/24');
    await using rig = await Rig.start({ vswitchd: true, dummy: false, netns: cables.dpu });
    const agent = await rig.agent({ ...real, bridges: [bridge([rep(1), rep(2)])] }, cables.dpu);
    await agentSays(agent, (status) => reasonOf(status, 'rep0-1') === 'Ready', 'the present one is ready');
    const waiting = await agent.status();
    const late = waiting?.conditions.find((entry) => entry.reason === 'NetdevMissing');
    expect(late?.state).toBe('waiting');
    expect(await rig.lab.vsctl('list-ports', 'br-int')).toBe('rep0-1\n');
    await cables.plug('rep0-2', '10.9.0.2/24');
    await agent.ready(Date.now());
    const number = await ofport(rig, 'rep0-2');
    expect(await cables.ping('rep0-2', '10.9.0.1')).toBe(true);
    await cables.unplug('rep0-2');
    await eventually(async () => !(await rig.lab.vsctl('list-ports', 'br-int')).includes('rep0-2'), 'port removed');
    await cables.plug('rep0-2', '10.9.0.2/24');
    await eventually(() => cables.ping('rep0-2', '10.9.0.1'), 'packets flow again');
    await agent.ready(Date.now());
    expect(await ofport(rig, 'rep0-2')).toBe(number);
  });

  it('has the kernel take the MTU that is asked for, again after somebody asked for another', async () => {
    await using cables = await Cables.make();
    await cables.plug('rep0-1', '10.9.0.1/24');
    await using rig = await Rig.start({ vswitchd: true, dummy: false, netns: cables.dpu });
    const agent = await rig.agent({ ...real, bridges: [bridge([rep(1, { mtu: 1400 })])] }, cables.dpu);
    await agent.ready(0);
    expect(await cables.show('rep0-1')).toContain('mtu 1400');
    await rig.lab.vsctl('set', 'Interface', 'rep0-1', 'mtu_request=1300');
    await eventually(async () => (await cables.show('rep0-1')).includes('mtu 1400'), 'the MTU is back');
    await agent.ready(Date.now());
  });

  it('keeps datapath id, local address and numbers when a port with a real address comes', async () => {
    await using cables = await Cables.make();
    await cables.plug('rep0-1', '10.9.0.1/24');
    await using rig = await Rig.start({ vswitchd: true, dummy: false, netns: cables.dpu });
    const agent = await rig.agent({ ...real, bridges: [bridge([rep(1), rep(2)])] }, cables.dpu);
    await agentSays(agent, (status) => reasonOf(status, 'rep0-1') === 'Ready', 'the present one is ready');
    const identity = (): Promise<string> =>
      rig.lab.vsctl('get', 'Bridge', 'br-int', 'datapath_id', '--', 'get', 'Interface', 'br-int', 'mac_in_use');
    const before = await identity();
    // Universally administered: Open vSwitch alone would name the bridge after it, and drop its OpenFlow connections.
    await cables.plug('rep0-2', '10.9.0.2/24', '00:11:22:33:44:55');
    await agent.ready(Date.now());
    expect(await identity()).toBe(before);
    expect(before).toMatch(/"02:/);
  });
});
