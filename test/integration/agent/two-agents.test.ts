import { describe, expect, it } from 'vitest';
import { agentSays, Rig } from './rig.js';
import { eventually } from '../lab/daemon.js';

describe('two agents on one database', () => {
  it('take turns when they have one owner: the second stands by, and takes over when the first dies', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const first = await rig.agent({ bridges: [{ name: 'br-int', failMode: 'secure' }] });
    await first.ready(0);
    const second = await rig.agent({ bridges: [{ name: 'br-int', failMode: 'standalone' }] });
    const idle = await agentSays(
      second,
      ({ repair, conditions }) => repair === 'standby' && conditions.some((entry) => entry.reason === 'ReadOnly'),
      'that it stands by and would change something',
    );
    await agentSays(second, ({ wallMs }) => wallMs > idle.wallMs, 'it looked again');
    expect(await rig.lab.vsctl('get-fail-mode', 'br-int')).toBe('secure\n');
    expect(await rig.writes()).toBe(1);
    await first.kill();
    await second.ready(Date.now());
    expect(await rig.lab.vsctl('get-fail-mode', 'br-int')).toBe('standalone\n');
  });

  it('do not fight when they have different owners: what one made the other reports and leaves alone', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const port = (name: string): object => ({ kind: 'internal', name });
    const alpha = {
      bridges: [{ name: 'br-int', failMode: 'secure', ports: [port('int-a')] }],
      agent: { owner: 'alpha' },
    };
    const beta = {
      bridges: [
        { name: 'br-int', mode: 'share', ports: [port('int-b'), { ...port('int-a'), vlan: { tag: 9 } }] },
        { name: 'br-sfc' },
      ],
      agent: { owner: 'beta' },
    };
    const first = rig.inner(alpha);
    await first.ready();
    const second = rig.inner(beta);
    const status = await second.until(
      ({ conditions }) => conditions.find((entry) => entry.object.name === 'int-b')?.reason === 'Ready',
      'its own port is ready',
    );
    expect(status.findings.map((entry) => [entry.object.name, entry.reason])).toEqual([['int-a', 'ForeignPort']]);
    await first.ready();
    const records = (await rig.transactions()).length;
    await first.rounds(10);
    await second.rounds(10);
    expect((await rig.transactions()).length).toBe(records);
    expect(await rig.lab.vsctl('get', 'Port', 'int-a', 'tag')).toBe('[]\n');
    await eventually(async () => (await rig.lab.vsctl('list-ports', 'br-int')) === 'int-a\nint-b\n', 'both ports');
  });
});
