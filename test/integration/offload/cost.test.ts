/** What looking costs ovs-vswitchd, seen at its control socket: one question at a time, and few dumps however many ask. */
import { describe, expect, it } from 'vitest';
import { UnixctlSession } from '../../../src/unixctl/index.js';
import { makeDummySwitch } from './dummy-switch.js';
import { measurementOf, OffloadRig, type OffloadApi } from './offload-rig.js';
import { UnixctlTap } from './unixctl-tap.js';

/** A switch with `flowCount` flows that nobody takes away. */
async function startRig(flowCount: number): Promise<OffloadRig> {
  const rig = await OffloadRig.start({ vswitchd: true });
  await makeDummySwitch(rig.lab, { datapathType: 'netdev', portType: 'dummy' });
  const session = new UnixctlSession(rig.lab.runDir);
  try {
    // Flows that no OpenFlow rule stands behind are removed otherwise.
    await session.call('revalidator/pause');
    for (let index = 0; index < flowCount; index += 1) {
      const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
      await session.call('dpctl/add-flow', [`in_port(1),eth(),eth_type(0x0800),ipv4(src=${address},frag=no)`, '2']);
    }
  } finally {
    session.close();
  }
  return rig;
}

const ask = (api: OffloadApi, count: number): Promise<readonly Awaited<ReturnType<OffloadApi['softwareFlows']>>[]> =>
  Promise.all(Array.from({ length: count }, () => api.softwareFlows({ ageMsMax: 0 })));

describe('the questions to ovs-vswitchd', () => {
  it('are one at a time, and many who want a dump at once get one', async () => {
    await using rig = await startRig(2000);
    await using tap = await UnixctlTap.open(rig.lab);
    const { api } = await rig.agent({}, { ovs: { runDir: tap.runDir } });
    using _closing = api;
    await api.until(({ supervision }) => supervision?.datapaths[0]?.flows === 2000n, 'how many flows there are');
    const answers = await ask(api, 8);
    expect(answers.map(({ problems }) => problems)).toEqual(answers.map(() => []));
    expect(tap.dumps.length).toBe(1);
    await ask(api, 8);
    await api.looks(1);
    expect(UnixctlTap.mostAtOnce(tap.dumps)).toBe(1);
    expect(UnixctlTap.mostAtOnce(tap.commands)).toBe(1);
    // Its own count is that of the witness, or more: the way there and back is in it.
    const counted = measurementOf(await api.status(), 'flows')?.mainThreadTotal;
    const countedMs = Number(counted?.seconds ?? 0n) * 1e3 + (counted?.nanos ?? 0) / 1e6;
    const takenMs = tap.dumps.reduce((sum, { startMs, endMs = startMs }) => sum + endMs - startMs, 0);
    expect(countedMs).toBeGreaterThan(takenMs / 2);
  });

  it('leave out the dump where there are too many flows, and spare a daemon that has just made one', async () => {
    await using rig = await startRig(20_500);
    await using tap = await UnixctlTap.open(rig.lab);
    const { api } = await rig.agent({}, { ovs: { runDir: tap.runDir } });
    using _closing = api;
    const status = await api.until(({ supervision }) => supervision?.flowsRefusal !== '', 'that it makes no dump');
    expect(status.supervision?.flowsRefusal).toContain('20500 flows');
    expect(tap.dumps).toEqual([]);
    await ask(api, 1);
    expect(tap.dumps.map(({ params }) => params)).toEqual([expect.arrayContaining(['-m']) as string[]]);
    // A dump takes a few tenths of a second: the daemon is spared for a hundred times as long.
    const [again] = await ask(api, 1);
    expect(again?.problems.join(' ')).toContain('spared');
    expect(again?.flows.length).toBeGreaterThan(0);
    await api.looks(1);
    expect(tap.dumps.length).toBe(1);
  });
});
