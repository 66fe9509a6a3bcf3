import { describe, expect, it } from 'vitest';
import { Chaos, chaosConfig, chaosDevices, ownState } from './chaos.js';
import { agentSays, Rig } from './rig.js';
import { eventually } from '../lab/daemon.js';

/** A failure prints its seed and steps; add the seed here to keep it. */
const seeds = [1, 2, 3, Date.now() % 1_000_000];
const stepCount = 20;

async function runChaos(seed: number): Promise<void> {
  await using rig = await Rig.start({ vswitchd: true, devices: chaosDevices });
  const mark = 'external_ids:dpu-agent-owner=other';
  await rig.lab.vsctl('add-br', 'foreign-stay', '--', 'set', 'Bridge', 'foreign-stay', mark);
  const agent = await rig.agent(chaosConfig);
  await agent.ready(0);
  const wanted = await ownState(rig);
  const chaos = new Chaos(rig, agent, seed);
  const story = (): string => `seed ${seed}: ${chaos.done.join(' | ')}`;
  await chaos.begin();
  for (let step = 0; step < stepCount; step += 1) {
    const [before, now] = await chaos.foreign();
    expect(now, story()).toEqual(before);
    await chaos.step();
  }
  await chaos.calm();
  await becomesAsBefore(rig, wanted, story);
  const ready = await agent.ready(Date.now(), 30_000).catch((cause: unknown) => {
    throw new Error(story(), { cause });
  });
  const records = (await rig.transactions()).length;
  const second = await agentSays(agent, ({ wallMs }) => wallMs > ready.wallMs, 'it looked again');
  const third = await agentSays(agent, ({ wallMs }) => wallMs > second.wallMs, 'it looked again');
  expect([(await rig.transactions()).length, third.appliedRounds], story()).toEqual([records, ready.appliedRounds]);
  const [before, now] = await chaos.foreign();
  expect(now, story()).toEqual(before);
  expect(Object.keys(now).filter((key) => key.startsWith('Bridge'))).not.toEqual([]);
}

async function becomesAsBefore(rig: Rig, wanted: string, story: () => string): Promise<void> {
  try {
    await eventually(async () => (await ownState(rig)) === wanted, 'the switch is as intended', 30_000);
  } catch {
    expect(await ownState(rig), story()).toBe(wanted);
  }
}

describe('the agent, while others change, break and kill whatever they like', () => {
  it.each(seeds)('brings the switch back to what is configured, and then writes nothing (seed %i)', runChaos);
});
