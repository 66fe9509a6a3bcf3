/** An ovs-vswitchd that stands still, dies and comes back: what was measured is told with its age, and nothing else waits. */
import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../agent/rig.js';
import { eventually } from '../lab/daemon.js';
import { makeDummySwitch, receive } from './dummy-switch.js';
import { findingsOf, measurementOf, OffloadRig } from './offload-rig.js';

const ownBridge = (ports: readonly string[]): ConfigInput => ({
  bridges: [
    { name: 'br-int', mode: 'observe' },
    { name: 'br-own', failMode: 'secure', ports: ports.map((name) => ({ kind: 'internal', name })) },
  ],
});

async function startRig(): Promise<OffloadRig> {
  const rig = await OffloadRig.start({ vswitchd: true });
  await makeDummySwitch(rig.lab, { datapathType: 'netdev', portType: 'dummy' });
  await receive(rig.lab, 'rep0-1', 10);
  return rig;
}

/** How long an answer of the agent's takes, ms. */
async function answerMs(ask: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await ask();
  return performance.now() - startMs;
}

describe('an ovs-vswitchd that does not answer', () => {
  it('is asked once and waited for; the agent answers meanwhile, and the loops go on', async () => {
    await using rig = await startRig();
    const { api } = await rig.agent({}, ownBridge(['int0']));
    using _closing = api;
    const before = await api.until((status) => (measurementOf(status, 'quick')?.readings ?? 0n) > 0n, 'a reading');
    process.kill(rig.lab.vswitchdPid ?? 0, 'SIGSTOP');
    try {
      // A question is in the hands of a daemon that stands still by the time when the next reading would be due.
      await rig.configure({}, ownBridge(['int0', 'int1']));
      const listed = async (): Promise<boolean> =>
        (await rig.lab.vsctl('--no-wait', 'list-ports', 'br-own')).split('\n').includes('int1');
      await eventually(listed, 'the loop of the ports writes as ever');
      const times: number[] = [];
      await eventually(
        async () => {
          times.push(await answerMs(() => api.status()), await answerMs(() => api.rows()));
          return measurementOf(await api.status(), 'quick')?.problem !== '';
        },
        'the silence is told before the question ends',
        30_000,
      );
      expect(Math.max(...times)).toBeLessThan(5_000);
      const now = await api.status();
      expect(measurementOf(now, 'quick')?.problem).toMatch(/has had a question for \d+ s and has not answered/);
      // It was asked, has not answered, and nothing else was asked of it.
      expect(measurementOf(now, 'quick')?.readings).toBe(measurementOf(before, 'quick')?.readings);
      expect(measurementOf(now, 'quick')?.readAt).toEqual(measurementOf(before, 'quick')?.readAt);
    } finally {
      process.kill(rig.lab.vswitchdPid ?? 0, 'SIGCONT');
    }
    const after = await api.until(
      (status) => (measurementOf(status, 'quick')?.readings ?? 0n) > (measurementOf(before, 'quick')?.readings ?? 0n),
      'it answers again',
    );
    // What took so long is the daemon's doing, and the agent steps back from it.
    expect(after.supervision?.slowdown).toBeGreaterThan(1);
  });
});

describe('an ovs-vswitchd that is gone', () => {
  it('is told as such with what was measured before, and is followed when it is back', async () => {
    await using rig = await startRig();
    const { api } = await rig.agent({});
    using _closing = api;
    await api.softwareFlows({ ageMsMax: 1000 });
    const before = await api.until((status) => (measurementOf(status, 'flows')?.readings ?? 0n) > 0n, 'a dump');
    await rig.lab.killVswitchd();
    const gone = await api.until((status) => measurementOf(status, 'quick')?.problem !== '', 'nobody answers');
    expect(measurementOf(gone, 'quick')?.failures).toBeGreaterThan(0n);
    // Dated, not withdrawn: whoever reads it sees how old it is.
    expect(measurementOf(gone, 'flows')?.readAt).toEqual(measurementOf(before, 'flows')?.readAt);
    expect(gone.isInEffect).toBeUndefined();
    const { problems } = await api.softwareFlows({ ageMsMax: 1000 });
    expect(problems).not.toEqual([]);

    await rig.lab.startVswitchd();
    const back = await api.until((status) => measurementOf(status, 'quick')?.problem === '', 'it answers again');
    expect(back.isInEffect).toBe(false);
    await api.until((status) => findingsOf(status, 'VswitchdRestarted').length > 0, 'that it was restarted');
  });
});
