import { describe, expect, it } from 'vitest';
import { mapColumn, Rig } from './rig.js';
import { eventually } from '../lab/daemon.js';

const devices = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `rep0-${index + 1}`);

const withPorts = (names: readonly string[]): object => ({
  bridges: [{ name: 'br-int', failMode: 'secure', ports: names.map((name) => ({ kind: 'system', name })) }],
});

describe('the agent, when it writes', () => {
  it('makes a bridge with 50 ports in one transaction', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: devices(50) });
    const agent = rig.inner({ ...withPorts(devices(50)) });
    const status = await agent.ready();
    expect(await rig.writes()).toBe(1);
    expect(status.appliedRounds).toBe(1);
    expect((await rig.lab.vsctl('list-ports', 'br-int')).trim().split('\n')).toHaveLength(50);
  });

  it('gathers a burst of changes of the configuration into few transactions', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: devices(30) });
    const agent = rig.inner({ ...withPorts([]) }, { coalesceMs: 100 });
    await agent.ready();
    const before = await rig.writes();
    for (let count = 1; count <= 30; count += 1) {
      agent.assembly.intents.replace(rig.config({ ...withPorts(devices(count)) }));
    }
    await eventually(async () => (await rig.lab.vsctl('list-ports', 'br-int')).trim().split('\n').length === 30, 'all');
    await agent.ready();
    expect((await rig.writes()) - before).toBe(1);
  });

  it('repairs all that one foreign transaction broke in one of its own', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: devices(10) });
    const agent = rig.inner({ ...withPorts(devices(10)) });
    await agent.ready();
    const before = await rig.writes();
    const acts = devices(10).flatMap((name, index) =>
      index % 2 === 0 ? ['--', 'del-port', name] : ['--', 'set', 'Port', name, 'tag=5'],
    );
    await rig.lab.vsctl(...acts.slice(1));
    await eventually(
      async () => (await rig.rows('Port', ['name', 'tag'], [['tag', '==', 5]])).length === 0,
      'repaired',
    );
    await agent.ready();
    expect((await rig.writes()) - before).toBe(1);
  });

  it('writes nothing, says nothing and asks nothing of vswitchd while nothing differs', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: devices(3) });
    const agent = rig.inner({ ...withPorts(devices(3)) });
    await agent.ready();
    const root = (): Promise<unknown> => rig.rows('Open_vSwitch', ['next_cfg', 'cur_cfg', '_version']);
    const [records, counters] = [(await rig.transactions()).length, await root()];
    await agent.rounds(20);
    expect((await rig.transactions()).length).toBe(records);
    expect(await root()).toEqual(counters);
    expect(agent.assembly.journal.tail(100)).toHaveLength(1);
  });

  it('does not have vswitchd reconfigure for a note in external_ids', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: devices(1) });
    const agent = rig.inner({ ...withPorts(devices(1)) });
    await agent.ready();
    const [before] = await rig.rows('Open_vSwitch', ['next_cfg']);
    const wipe = { op: 'mutate', table: 'Port', where: [['name', '==', 'rep0-1']] };
    const mutations = [['external_ids', 'delete', ['set', ['dpu-agent-owner']]]];
    await rig.lab.rawCall('transact', ['Open_vSwitch', { ...wipe, mutations }]);
    const mark = async (): Promise<boolean> => {
      const [row] = await rig.rows('Port', ['external_ids'], [['name', '==', 'rep0-1']]);
      return mapColumn(row?.['external_ids'])['dpu-agent-owner'] === 'dpu-node-agent';
    };
    await eventually(mark, 'the mark is back');
    const [after] = await rig.rows('Open_vSwitch', ['next_cfg']);
    expect(after).toEqual(before);
  });

  it('goes on with everything else when the database refuses one object', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: devices(4) });
    const config = rig.config({ ...withPorts(devices(4)) });
    const [bridge] = config.bridges;
    // Past the checks of a configuration file, as another source of intents might be: the schema forbids the number.
    const ports = bridge!.ports.map((port) => (port.name === 'rep0-2' ? { ...port, ofport: 70_000 } : port));
    const agent = rig.inner({ ...withPorts([]) });
    await agent.ready();
    agent.assembly.intents.replace({ ...config, bridges: [{ ...bridge!, ports }] });
    const status = await agent.until(
      // The three others, and the local port of the bridge.
      ({ conditions }) => conditions.filter((entry) => entry.reason === 'Ready').length === 4,
      'three of four ports are ready',
    );
    const refused = status.conditions.find((entry) => entry.object.name === 'rep0-2');
    expect(refused?.reason).toBe('TransactionRefused');
    expect(refused?.message).toContain('65279');
    expect((await rig.lab.vsctl('list-ports', 'br-int')).trim().split('\n')).toEqual(['rep0-1', 'rep0-3', 'rep0-4']);
    agent.assembly.intents.replace(config);
    await agent.ready();
  });
});

describe('what the agent pins', () => {
  const pins = async (rig: Rig): Promise<string> => {
    const bridge = await rig.lab.vsctl('get', 'Bridge', 'br-int', 'datapath_id', 'other_config');
    // The switch's own words: column mac_in_use lags behind on the dummy datapath.
    const shown = (await rig.lab.ofctl('show', 'br-int')).split('\n');
    const ports = shown.filter((line) => line.includes('addr:')).map((line) => line.trim());
    return [bridge, ...ports.map((line) => (line.startsWith('LOCAL') ? line : line.replace(/addr:.*/, '')))].join('\n');
  };

  it('outlives the deletion of the bridge by hand, restarts of vswitchd, and restarts of the agent', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: devices(2) });
    const agent = await rig.agent({ ...withPorts(devices(2)) });
    await agent.ready(0);
    const before = await pins(rig);
    expect(before).toMatch(/datapath-id=.*hwaddr=/s);
    // Open vSwitch writes what it uses a moment after it began to.
    // While the bridge is away ovs-vsctl has no row to show, and ovs-ofctl nobody to ask.
    const shown = (): Promise<string> => pins(rig).catch((error: unknown) => String(error));
    const arePinned = (wanted: string): Promise<unknown> =>
      eventually(async () => (await shown()) === wanted, `the identities are ${wanted}`);
    await rig.lab.vsctl('--no-wait', 'del-br', 'br-int');
    await agentReady(agent);
    await arePinned(before);
    await rig.lab.killVswitchd();
    await rig.lab.startVswitchd();
    await agentReady(agent);
    await arePinned(before);
    await agent.kill();
    await rig.lab.vsctl('del-port', 'rep0-2');
    agent.start();
    await agentReady(agent);
    await arePinned(before);
  });
});

/** Ready in a status that was made after this call. */
async function agentReady(agent: { ready(sinceMs: number): Promise<unknown> }): Promise<void> {
  await agent.ready(Date.now());
}
