import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bridge, chain, ChainLab, vf, vfPort, type Chain } from './chain-lab.js';
import type { Cable } from './network.js';
import { Stream, type StreamReport } from './stream.js';

const numbers = [1, 2, 3, 4, 5, 6, 7];
const cables: readonly Cable[] = numbers.map((n) => ({ device: `rep0-${n}`, far: `h${n}`, station: n }));
const bridges = [bridge('br-sfc', [...numbers.map((n) => vfPort(n))])];

/** The stream goes through the first two. */
const wire: Chain = chain('wire', [vf(1), vf(2)]);
const lan: Chain = chain('lan', [vf(5), vf(6), vf(7)]);
const other: Chain = chain('other', [vf(3), vf(4)]);

let lab: ChainLab;
/** What this machine loses by itself: the same stream at the same rate while nobody changes anything. */
let baseline: StreamReport;

async function stream(act: () => Promise<void>): Promise<StreamReport> {
  const { network } = lab;
  await using flow = await Stream.start({
    network,
    dir: lab.rig.lab.dir,
    from: 'h1',
    to: { far: 'h2', station: 2 },
  });
  await act();
  await flow.flows(300);
  // Awaited here: what is returned unawaited would meet an end that is gone already.
  return await flow.end();
}

/** Nothing was lost, but for what such a machine loses with no agent at work. */
function expectNoLoss(report: StreamReport): void {
  expect(report.sent).toBeGreaterThan(400);
  expect(report.duplicates).toBe(0);
  expect(report.lost, `lost ${JSON.stringify(report.gaps)} of ${report.sent}`).toBeLessThanOrEqual(baseline.lost);
}

async function configured(chains: readonly Chain[], name: string, reason: string): Promise<void> {
  await lab.configure(chains);
  await lab.says(name, reason);
}

describe.skipIf(process.getuid?.() !== 0)('a stream of 1000 packets a second through a chain', () => {
  beforeAll(async () => {
    lab = await ChainLab.start(cables, bridges, [wire, lan]);
    // The agent is stopped as by a debugger: it can do nothing at all meanwhile.
    const agent = lab.agent.pid ?? 0;
    process.kill(agent, 'SIGSTOP');
    baseline = await stream(() => Promise.resolve());
    process.kill(agent, 'SIGCONT');
  }, 60_000);

  afterAll(async () => lab[Symbol.asyncDispose]());

  it('loses nothing while an unrelated chain is added, changed and removed', async () => {
    const report = await stream(async () => {
      await configured([wire, lan, other], 'other', 'Ready');
      const before = await lab.flows('br-sfc');
      await configured(
        [wire, lan, chain('other', [vf(3), vf(4, { pinnedMacs: ['02:00:00:00:00:44'] })])],
        'other',
        'Ready',
      );
      await lab.until(async () => (await lab.flows('br-sfc')).length > before.length, 'the chain has changed');
      await configured([wire, lan], 'other', 'Gone');
      await lab.until(async () => (await lab.flows('br-sfc')).length < before.length, 'its flows are gone');
    });
    expectNoLoss(report);
  });

  it('loses nothing while its own chain changes: from two ports to three, to other stations, and back', async () => {
    const report = await stream(async () => {
      const flows = (): Promise<readonly string[]> => lab.flows('br-sfc');
      await lab.configure([chain('wire', [vf(1), vf(2), vf(3)]), lan]);
      await lab.until(async () => (await flows()).some((flow) => /table=14.*reg0=/.test(flow)), 'it is a switch');
      await lab.says('wire', 'Ready');
      await lab.configure([{ ...chain('wire', [vf(1), vf(2), vf(4)]), ageingSeconds: 77 }, lan]);
      await lab.until(async () => (await flows()).some((flow) => flow.includes('hard_timeout=77')), 'it ages anew');
      await lab.says('wire', 'Ready');
      await lab.configure([{ ...chain('wire', [vf(1), vf(2), vf(4)]), ageingSeconds: 77, macMove: 'refuse' }, lan]);
      await lab.until(async () => (await flows()).some((flow) => flow.includes('table=12')), 'it refuses moves');
      await lab.says('wire', 'Ready');
      await lab.configure([wire, lan]);
      const isWire = async (): Promise<boolean> =>
        (await flows()).filter((flow) => /priority=100,in_port=\d+ actions=output:\d+$/.test(flow)).length === 2;
      await lab.until(isWire, 'it is a cross-connect again');
      await lab.says('wire', 'Ready');
    });
    expectNoLoss(report);
  });

  it('loses nothing while the agent is killed and comes back, and no counter starts anew', async () => {
    const before = await lab.counters('br-sfc');
    const report = await stream(async () => {
      await lab.agent.kill();
      const sinceMs = Date.now();
      lab.agent.start();
      const status = await lab.agent.ready(sinceMs);
      expect(status.journal.filter(({ summary }) => summary.startsWith('program'))).toEqual([]);
    });
    expectNoLoss(report);
    // Twice as many as were sent, for both flows of the cross-connect go on counting from where they were.
    const counted = async (): Promise<boolean> => {
      const after = await lab.counters('br-sfc');
      const passed = [...after].map(([flow, packets]) => packets - (before.get(flow) ?? Infinity));
      return passed.filter((packets) => packets >= report.sent).length === 2 && passed.every((packets) => packets >= 0);
    };
    await lab.until(counted, 'both flows have counted all of it');
    const after = await lab.counters('br-sfc');
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  });

  it('loses nothing while the agent is killed in the midst of a change of its chain', async () => {
    const report = await stream(async () => {
      const heard = (): number => lab.agent.log.split('configuration loaded anew').length;
      const before = heard();
      await lab.configure([chain('wire', [vf(1), vf(2), vf(3)]), lan]);
      await lab.until(() => Promise.resolve(heard() > before), 'it has heard');
      await lab.agent.kill();
      lab.agent.start();
      await lab.says('wire', 'Ready');
      await lab.agent.kill();
      await lab.configure([wire, lan]);
      lab.agent.start();
      await lab.agent.ready(Date.now());
      await lab.until(async () => (await lab.flows('br-sfc')).every((flow) => !flow.includes('0x12')), 'settled');
    });
    expectNoLoss(report);
  });
});
