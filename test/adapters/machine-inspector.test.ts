import { describe, expect, it } from 'vitest';
import { HostMachineInspector } from '../../src/adapters/machine-inspector.js';
import type { Clock } from '../../src/lib/clock.js';
import { systemClock } from '../../src/lib/clock.js';
import { FakeTool } from '../fakes/fake-tool.js';
import { filesOf } from '../fakes/file-texts.js';

const signal = new AbortController().signal;
const missing = { file: '/nonexistent/tool', args: [] };
const noTools = { ip: missing, tc: missing, ethtool: missing, systemctl: missing, devlink: missing };

describe('a machine of which nothing is to be seen', () => {
  const inspector = new HostMachineInspector({ clock: systemClock, files: filesOf({}), tools: noTools });

  it('is unknown in every fact, and says why', async () => {
    const { readAtMs, wallMs, cost, ...quick } = await inspector.readQuick(7, new Set(['p0']), signal);
    const slow = await inspector.readSlow(signal);
    const facts = { ...quick, platform: slow.platform, eswitches: slow.eswitches, qdiscs: slow.qdiscs };
    for (const fact of Object.values({ ...facts, addresses: slow.addresses, tcFlags: slow.tcFlags })) {
      expect(fact).toEqual({ kind: 'unknown', why: expect.stringMatching(/./) as string });
    }
    expect(Object.keys(quick).sort()).toEqual(['connections', 'devices', 'hugePages', 'memory', 'process', 'uptimeMs']);
    expect([readAtMs, wallMs].every((time) => time > 0)).toBe(true);
    expect(cost).toMatchObject({ mainThreadMs: 0, roundTripMs: 0 });
  });

  it('is unknown when the question is withdrawn, and nothing is thrown', async () => {
    const withdrawn = AbortSignal.abort();
    const real = new HostMachineInspector({ clock: systemClock, files: filesOf({}) });
    expect((await real.readQuick(undefined, new Set(['p0']), withdrawn)).devices).toEqual({
      kind: 'unknown',
      why: 'the question was withdrawn',
    });
    const slow = await real.readSlow(withdrawn);
    expect([slow.eswitches, slow.qdiscs, slow.addresses].map(({ kind }) => kind)).toEqual(Array(3).fill('unknown'));
  });
});

describe('a machine with a card', () => {
  it('is told with the time of the reading and what it took', async () => {
    await using devlink = await FakeTool.create(`
case "$*" in
  '-j dev show') echo '{"dev":{"pci/0000:03:00.0":{}}}' ;;
  *) echo '{"dev":{"pci/0000:03:00.0":{"mode":"switchdev","inline-mode":"none","encap-mode":"basic"}}}' ;;
esac`);
    await using ip = await FakeTool.create(`echo '[{"ifname":"p0","addr_info":[{"local":"192.0.2.1"}]}]'`);
    await using tc = await FakeTool.create(`echo '[{"dev":"p0","kind":"ingress"}]'`);
    await using systemctl = await FakeTool.create('echo LoadState=not-found');
    let nowMs = 1_000;
    const clock: Clock = { ...systemClock, nowMs: () => (nowMs += 5), wallMs: () => 1_700_000_000_000 };
    const inspector = new HostMachineInspector({
      clock,
      files: filesOf({ '/proc/sys/kernel/osrelease': '5.15.0-1060-bluefield\n', '/run/systemd/system/x': '' }),
      tools: { ip, tc, systemctl, devlink },
    });
    const { cost, ...reading } = await inspector.readSlow(signal);
    expect(reading).toEqual({
      readAtMs: 1_005,
      wallMs: 1_700_000_000_000,
      platform: { kind: 'known', value: 'absent' },
      eswitches: { kind: 'known', value: [{ device: 'pci/0000:03:00.0', mode: 'switchdev', encapMode: 'basic' }] },
      qdiscs: { kind: 'known', value: new Map([['p0', ['ingress']]]) },
      addresses: { kind: 'known', value: new Set(['192.0.2.1']) },
      tcFlags: { kind: 'known', value: 'said' },
    });
    expect(cost.tookMs).toBe(nowMs - reading.readAtMs);
    expect(cost.tookMs).toBeGreaterThan(0);
  });
});
