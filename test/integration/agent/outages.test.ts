import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../../src/agent/status.js';
import { MgmtProxy } from './mgmt-proxy.js';
import { agentSays, Rig } from './rig.js';

const bridges = [
  {
    name: 'br-int',
    failMode: 'secure',
    ports: [{ kind: 'patch', name: 'p-int', peer: { bridge: 'br-sfc', port: 'p-sfc' } }],
  },
  { name: 'br-sfc', failMode: 'secure' },
];

const reasons = (status: AgentStatus): readonly string[] => [
  ...new Set(status.conditions.map((entry) => entry.reason)),
];

describe('the agent, while a daemon of Open vSwitch is down', () => {
  it('says OvsdbUnavailable, leaves vswitchd alone, and has everything ready once the database is back', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const proxyDir = join(rig.lab.dir, 'p');
    await using proxy = await MgmtProxy.start(proxyDir, rig.lab.runDir, ['br-int', 'br-sfc']);
    const agent = rig.inner({ bridges, ovs: { runDir: proxyDir } });
    await agent.ready();
    const writesBefore = await rig.writes();
    await rig.lab.killOvsdbServer();
    const down = await agent.until(({ ovsdb }) => ovsdb.kind !== 'synced', 'the database is gone');
    expect(down.isReady).toBe(false);
    expect(reasons(down)).toEqual(['OvsdbUnavailable']);
    expect(down.conditions.map((entry) => entry.object.name)).toEqual(['br-int', 'br-sfc']);
    // A vswitchd without its database spins for as long as somebody waits at its OpenFlow sockets.
    await agent.until(() => proxy.open.size === 0, 'nobody asks vswitchd');
    const madeCount = proxy.madeCount;
    await agent.rounds(5);
    expect(proxy.madeCount).toBe(madeCount);
    await rig.lab.startOvsdbServer();
    await agent.ready(40_000);
    expect(await rig.writes()).toBe(writesBefore);
    expect(agent.bugs).toEqual([]);
  });

  it('says VswitchdSilent although every column looks well, and ready only after vswitchd answers again', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const agent = rig.inner({ bridges });
    await agent.ready();
    const writesBefore = await rig.writes();
    await rig.lab.killVswitchd();
    const silent = await agent.until(({ vswitchd }) => vswitchd === 'silent', 'vswitchd is silent');
    const [port] = await rig.rows('Interface', ['ofport', 'error'], [['name', '==', 'p-int']]);
    expect(port?.['ofport']).toBeGreaterThan(0);
    expect(silent.isReady).toBe(false);
    await agent.until((status) => reasons(status).join() === 'VswitchdSilent', 'VswitchdSilent of everything');
    await agent.rounds(5);
    expect(agent.status?.isReady).toBe(false);
    await rig.lab.startVswitchd();
    await agent.ready();
    expect(await rig.writes()).toBe(writesBefore);
  });

  it('never says ready between the death of vswitchd and its return, however often it looks', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const agent = rig.inner({ bridges });
    await agent.ready();
    for (let turn = 0; turn < 3; turn += 1) {
      await rig.lab.killVswitchd(turn === 1 ? 'SIGTERM' : 'SIGKILL');
      await agent.until(({ vswitchd }) => vswitchd === 'silent', 'vswitchd is silent');
      const sinceMs = Date.now();
      await agent.rounds(4);
      const claims = agent.statuses.filter((status) => status.wallMs > sinceMs && status.isReady);
      expect(claims).toEqual([]);
      await rig.lab.startVswitchd();
      await agent.ready();
    }
  });

  it('waits for a database that is not there yet, as a process, and starts its work when it comes', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    await rig.lab.killVswitchd('SIGTERM');
    await rig.lab.killOvsdbServer('SIGTERM');
    const agent = await rig.agent({ bridges });
    const waiting = await agentSays(agent, ({ ovsdb }) => ovsdb.kind === 'connecting', 'it waits');
    expect(reasons(waiting)).toEqual(['OvsdbUnavailable']);
    await rig.lab.startOvsdbServer();
    await agentSays(agent, (status) => status.appliedRounds === 1, 'it wrote');
    await rig.lab.startVswitchd();
    await agent.ready(0);
    expect((await rig.lab.vsctl('list-br')).trim().split('\n')).toEqual(['br-int', 'br-sfc']);
  });
});
