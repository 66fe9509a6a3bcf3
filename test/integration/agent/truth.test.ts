import { describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../../src/agent/status.js';
import { Rig } from './rig.js';
import { eventually } from '../lab/daemon.js';

const find = (status: AgentStatus, name: string) => status.conditions.find((entry) => entry.object.name === name);

describe('what the agent says of a switch that looks well in the database', () => {
  it('names a datapath type that this Open vSwitch does not offer, and goes on with the other bridges', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const bridges = [{ name: 'br-odd', datapathType: 'doca' }, { name: 'br-int' }];
    const agent = rig.inner({ bridges });
    const status = await agent.until((entry) => find(entry, 'br-int')?.reason === 'Ready', 'br-int is ready');
    expect(find(status, 'br-odd')).toMatchObject({ state: 'failed', reason: 'DatapathTypeUnsupported' });
    expect(find(status, 'br-odd')?.message).toMatch(/offers the datapath types .*netdev.*, not doca/);
    expect((await rig.lab.vsctl('list-br')).trim()).toBe('br-int');
  });

  it('says BridgeNotMade of a bridge whose row is there and whose switch is not', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const agent = rig.inner({ bridges: [{ name: 'br-int' }, { name: 'br-sfc' }, { name: 'br-x', mode: 'share' }] });
    await agent.until((status) => find(status, 'br-x')?.reason === 'BridgeAbsent', 'br-x is absent');
    const bridge = { name: 'br-x', datapath_type: 'no-such-type' };
    const insert = { op: 'insert', table: 'Bridge', row: bridge, 'uuid-name': 'b' };
    const where = [['_uuid', '==', (await rig.rows('Open_vSwitch', ['_uuid']))[0]?.['_uuid']]];
    const link = { op: 'mutate', table: 'Open_vSwitch', where };
    const mutations = [['bridges', 'insert', ['set', [['named-uuid', 'b']]]]];
    await rig.lab.rawCall('transact', ['Open_vSwitch', insert, { ...link, mutations }]);
    const status = await agent.until((entry) => find(entry, 'br-x')?.reason === 'BridgeNotMade', 'BridgeNotMade');
    expect(find(status, 'br-int')?.reason).toBe('Ready');
    expect(status.isReady).toBe(false);
  });

  it('says PatchPeerMissing while the other side of a patch is not there, and ready once it is', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    await rig.lab.vsctl('add-br', 'br-other');
    const peer = { bridge: 'br-other', port: 'p-other' };
    const ports = [{ kind: 'patch', name: 'p-int', peer, createPeer: false }];
    const bridges = [
      { name: 'br-int', ports },
      { name: 'br-other', mode: 'share' },
    ];
    const agent = rig.inner({ bridges });
    const status = await agent.until((entry) => find(entry, 'p-int')?.reason === 'PatchPeerMissing', 'no peer');
    expect(Number(find(status, 'p-int')?.evidence['ofport'])).toBeGreaterThan(0);
    const options = ['type=patch', 'options:peer=p-int'];
    await rig.lab.vsctl('add-port', 'br-other', 'p-other', '--', 'set', 'Interface', 'p-other', ...options);
    await agent.ready();
  });

  it('puts fail_mode back, and journals what that cost', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const agent = rig.inner({ bridges: [{ name: 'br-int', failMode: 'secure' }] });
    await agent.ready();
    await rig.lab.vsctl('set-fail-mode', 'br-int', 'standalone');
    await eventually(async () => (await rig.lab.vsctl('get-fail-mode', 'br-int')).trim() === 'secure', 'secure again');
    await agent.ready();
    const [entry] = agent.assembly.journal.tail(1);
    expect(entry).toMatchObject({ outcome: 'applied', summary: 'repair bridge br-int' });
    expect(entry?.details).toEqual(['Bridge br-int fail_mode: standalone → secure']);
  });

  it('leaves a bridge and a port of others alone, names both claimants, and takes them over when told to', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    await rig.lab.vsctl('add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', 'external_ids:made-by=ovn');
    const settings = ['external_ids', 'other_config', 'fail_mode', 'datapath_type', 'protocols', 'ports'];
    const before = await rig.rows('Bridge', settings);
    const agent = rig.inner({ bridges: [{ name: 'br-int', failMode: 'secure' }] });
    const status = await agent.until((entry) => find(entry, 'br-int')?.reason === 'ForeignBridge', 'foreign');
    expect(status.findings[0]?.claimants).toHaveLength(2);
    await agent.rounds(3);
    expect(await rig.rows('Bridge', settings)).toEqual(before);
    expect(await rig.writes()).toBe(0);
    agent.assembly.intents.replace(rig.config({ bridges: [{ name: 'br-int', failMode: 'secure', adopt: true }] }));
    await agent.ready();
    expect(await rig.lab.vsctl('get', 'Bridge', 'br-int', 'external_ids:made-by')).toBe('ovn\n');
  });

  it('removes what is no longer wanted after its grace, and what others put on the bridge keeps the bridge', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const bridges = [{ name: 'br-int', ports: [{ kind: 'internal', name: 'int0' }] }, { name: 'br-sfc' }];
    const agent = rig.inner({ bridges });
    await agent.ready();
    await rig.lab.vsctl('add-port', 'br-sfc', 'stranger', '--', 'set', 'Interface', 'stranger', 'type=internal');
    agent.assembly.intents.replace(rig.config({ bridges: [{ name: 'br-int' }] }));
    const status = await agent.until(({ findings }) => findings.some((entry) => entry.reason === 'OrphanKept'), 'kept');
    expect(status.findings.map((entry) => entry.reason)).toContain('OrphanKept');
    await eventually(async () => (await rig.lab.vsctl('list-ports', 'br-int')).trim() === '', 'int0 is gone');
    await rig.lab.vsctl('del-port', 'stranger');
    await eventually(async () => (await rig.lab.vsctl('list-br')).trim() === 'br-int', 'br-sfc is gone');
  });
});
