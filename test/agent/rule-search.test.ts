import { describe, expect, it } from 'vitest';
import { RuleSearch } from '../../src/agent/rule-search.js';
import { AgentError } from '../../src/lib/errors.js';
import { known } from '../../src/model/fact.js';
import { ManualClock } from '../config/manual-clock.js';

const signal = new AbortController().signal;

function world(mainThreadMs: number) {
  const clock = new ManualClock();
  const asked: number[] = [];
  const counted: number[] = [];
  const failed: unknown[] = [];
  const state: { error: Error | undefined } = { error: undefined };
  const search = new RuleSearch({
    inspector: {
      readRules: (ufids) => {
        asked.push(ufids.length);
        clock.advance(mainThreadMs);
        if (state.error !== undefined) return Promise.reject(state.error);
        return Promise.resolve({
          ...{ readAtMs: clock.nowMs(), wallMs: 5, life: { pid: 7, startedMs: 1 } },
          cost: { tookMs: mainThreadMs, mainThreadMs, roundTripMs: 1 },
          rules: ufids.map((ufid) => ({ ufid, rules: known([`rule of ${ufid}`]) })),
        });
      },
    },
    clock,
    onRead: ({ cost }) => counted.push(cost.mainThreadMs),
    onFailed: (error) => failed.push(error),
  });
  return { clock, search, asked, counted, failed, state };
}

describe('searches for rules', () => {
  it('give rules by flow, and tell what they took', async () => {
    const at = world(10);
    const { rules, problem } = await at.search.rulesOf(['a', 'b'], signal);
    expect([...rules]).toEqual([
      ['a', known(['rule of a'])],
      ['b', known(['rule of b'])],
    ]);
    expect(problem).toBeUndefined();
    expect(at.counted).toEqual([10]);
  });

  it('ask for sixteen flows at most, and nothing for none', async () => {
    const at = world(1);
    await at.search.rulesOf([], signal);
    await at.search.rulesOf(Array.from({ length: 40 }, String), signal);
    expect(at.asked).toEqual([16]);
  });

  it('end when they have had their share of the main thread, also for those who ask at the same time, for a minute', async () => {
    const at = world(250);
    const answers = await Promise.all(Array.from({ length: 10 }, () => at.search.rulesOf(['a'], signal)));
    expect(at.asked).toHaveLength(3);
    expect(answers.at(-1)).toMatchObject({ problem: expect.stringContaining('1 % of its main thread') as string });
    at.clock.advance(60_000);
    expect((await at.search.rulesOf(['a'], signal)).problem).toBeUndefined();
  });

  it('say what went wrong, and count what it may have cost', async () => {
    const at = world(700);
    at.state.error = new AgentError('DEADLINE_EXCEEDED', 'ofproto/detrace was not answered in time');
    expect((await at.search.rulesOf(['a'], signal)).problem).toBe(
      'The rules are not known: ofproto/detrace was not answered in time.',
    );
    expect(at.failed).toHaveLength(1);
    expect((await at.search.rulesOf(['a'], signal)).problem).toContain('is spared');
  });
});
