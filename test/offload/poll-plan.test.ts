import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  heavyRefusal,
  initialPoll,
  nextPoll,
  pollLimits,
  stepPoll,
  type PollEvent,
  type PollFacts,
  type PollState,
  type PollTier,
} from '../../src/offload/poll-plan.js';

interface Run {
  readonly tier: PollTier;
  readonly atMs: number;
  readonly tookMs: number;
}

interface World {
  readonly flows: number;
  readonly dumpMs: number;
  /** Of each cheap and medium run; 1 unless given. */
  readonly lightMs?: number;
  readonly facts?: PollFacts;
  readonly fails?: (tier: PollTier) => boolean;
}

/** Runs the plan against a made-up ovs-vswitchd until `untilMs`. */
function simulate(
  world: (nowMs: number) => World,
  untilMs: number,
  start: readonly PollEvent[] = [],
): { runs: Run[]; state: PollState } {
  const runs: Run[] = [];
  let nowMs = 0;
  let state = start.reduce((before, event) => stepPoll(before, event, 0), initialPoll(0));
  for (let turn = 0; nowMs < untilMs; turn += 1) {
    if (turn > 100_000) throw new Error('the plan does not let time pass');
    const action = nextPoll(state, nowMs);
    if (action.kind === 'wait') {
      expect(action.untilMs).toBeGreaterThan(nowMs);
      expect(action.untilMs).toBeLessThan(Infinity);
      nowMs = action.untilMs;
      continue;
    }
    const { tier } = action;
    state = stepPoll(state, { kind: 'started', tier }, nowMs);
    const { flows, dumpMs, lightMs = 1, facts, fails } = world(nowMs);
    const tookMs = tier === 'heavy' ? dumpMs : lightMs;
    runs.push({ tier, atMs: nowMs, tookMs });
    nowMs += tookMs;
    const event: PollEvent =
      fails?.(tier) === true
        ? { kind: 'failed', tookMs }
        : { kind: 'finished', tookMs, facts: tier === 'cheap' ? { flows, revalidateMs: 1, ...facts } : {} };
    state = stepPoll(state, event, nowMs);
  }
  return { runs, state };
}

const of = (runs: readonly Run[], tier: PollTier): readonly Run[] => runs.filter((run) => run.tier === tier);
const hour = 3_600_000;

describe('the plan of polling', () => {
  it('asks for cheap things every ten seconds and for dearer ones every minute', () => {
    const { runs } = simulate(() => ({ flows: 100, dumpMs: 5 }), hour);
    expect(of(runs, 'cheap').length).toBeGreaterThan(340);
    expect(of(runs, 'medium').length).toBeGreaterThan(55);
    expect(of(runs, 'heavy').length).toBeGreaterThan(55);
  });

  it('asks for cheap things more seldom where they are dear, and not for one answer that met a stall', () => {
    const { runs } = simulate(() => ({ flows: 100, dumpMs: 5, lightMs: 240 }), hour);
    const spentMs = of(runs, 'cheap').reduce((sum, { tookMs }) => sum + tookMs, 0);
    expect(spentMs).toBeGreaterThan(0);
    expect(spentMs / hour).toBeLessThan(0.0105);
    const stalled = simulate(
      (nowMs) => ({ flows: 100, dumpMs: 5, lightMs: nowMs > 600_000 && nowMs < 605_000 ? 5_000 : 1 }),
      hour,
    );
    expect(of(stalled.runs, 'cheap').length).toBeGreaterThan(330);
  });

  it('asks for nothing heavy before it knows how much there is', () => {
    expect(heavyRefusal(initialPoll(0))).toBe('sizeUnknown');
    expect(nextPoll(initialPoll(0), 0)).toEqual({ kind: 'poll', tier: 'cheap' });
  });

  it('dumps many flows only where somebody watches, and then those in software alone', () => {
    const world = (): World => ({ flows: 50_000, dumpMs: 400 });
    expect(of(simulate(world, hour).runs, 'heavy')).toEqual([]);
    const watched = simulate(world, hour, [{ kind: 'watched', watchers: 1 }]);
    expect(of(watched.runs, 'heavy').length).toBeGreaterThan(50);
    const state = { ...watched.state, dueMs: { cheap: 1e9, medium: 1e9, heavy: 0 } };
    expect(nextPoll(state, 1e8)).toEqual({ kind: 'poll', tier: 'heavy', scope: 'software' });
  });

  it('dumps more often where somebody watches', () => {
    const world = (): World => ({ flows: 1000, dumpMs: 10 });
    const watched = of(simulate(world, hour, [{ kind: 'watched', watchers: 2 }]).runs, 'heavy').length;
    expect(watched).toBeGreaterThan(4 * of(simulate(world, hour).runs, 'heavy').length);
  });

  it('dumps once where somebody asks, and not again', () => {
    const world = (): World => ({ flows: 50_000, dumpMs: 400 });
    expect(of(simulate(world, hour, [{ kind: 'asked' }]).runs, 'heavy')).toHaveLength(1);
  });

  it('never dumps what would hold up the main thread for too long, whoever asks', () => {
    const { runs, state } = simulate(() => ({ flows: 400_000, dumpMs: 4000 }), hour, [
      { kind: 'watched', watchers: 3 },
      { kind: 'asked' },
    ]);
    expect(of(runs, 'heavy')).toEqual([]);
    expect(heavyRefusal(state)).toBe('tooLarge');
  });

  it('learns what a dump costs here, and doubts it after a while', () => {
    const costly = simulate(() => ({ flows: 20_000, dumpMs: 5000 }), hour, [{ kind: 'watched', watchers: 1 }]);
    expect(of(costly.runs, 'heavy').length).toBeLessThanOrEqual(3);
    let dumps = 0;
    const world = (): World => ({ flows: 20_000, dumpMs: dumps++ < 3 ? 5000 : 50 });
    const once = simulate(world, 3 * hour, [{ kind: 'watched', watchers: 1 }]);
    expect(of(once.runs, 'heavy').length).toBeGreaterThan(100);
  });

  it('steps back while the main thread stalls, and comes back slowly', () => {
    const calm = (): World => ({ flows: 100, dumpMs: 5 });
    const stalling = (nowMs: number): World => ({ ...calm(), facts: { longPolls: Math.floor(nowMs / 1000) } });
    const troubled = simulate(stalling, hour);
    expect(troubled.state.slowdown).toBeGreaterThan(16);
    expect(of(troubled.runs, 'heavy').length).toBeLessThan(10);
    const after = simulate((nowMs) => (nowMs < hour ? stalling(nowMs) : calm()), 3 * hour);
    expect(after.state.slowdown).toBe(1);
    const once = stepPoll(
      { ...troubled.state, running: { tier: 'cheap', sinceMs: hour } },
      { kind: 'finished', tookMs: 1 },
      hour,
    );
    expect(once.slowdown).toBeGreaterThan(troubled.state.slowdown * 0.8);
  });

  it.each([
    ['a slow cheap command', { kind: 'finished', tookMs: 1, facts: { roundTripMs: 300 } }, 'cheap'],
    ['a failure', { kind: 'failed', tookMs: 60_000 }, 'cheap'],
    ['a dump that takes much longer than the last', { kind: 'finished', tookMs: 400 }, 'heavy'],
  ] as const)('steps back after %s', (_words, event, tier) => {
    const state = { ...initialPoll(0), running: { tier, sinceMs: 0 }, heavyTookMs: 200 };
    expect(stepPoll(state, event, 1000).slowdown).toBe(2);
  });

  it('gives up a run that does not end', () => {
    const state = stepPoll(initialPoll(0), { kind: 'started', tier: 'heavy' }, 0);
    expect(nextPoll(state, 119_999)).toEqual({ kind: 'wait', untilMs: 120_000 });
    expect(nextPoll(state, 120_000)).toEqual({ kind: 'giveUp', tier: 'heavy' });
  });

  it('never has two under way', () => {
    const state = stepPoll(initialPoll(0), { kind: 'started', tier: 'cheap' }, 0);
    expect(nextPoll(state, 50).kind).toBe('wait');
    expect(() => stepPoll(state, { kind: 'started', tier: 'heavy' }, 0)).toThrow('one thing at a time');
  });

  it('forgets what it learnt of an ovs-vswitchd that is gone', () => {
    const { state } = simulate(() => ({ flows: 2000, dumpMs: 50 }), hour);
    expect(heavyRefusal(state)).toBeUndefined();
    expect(heavyRefusal(stepPoll(state, { kind: 'restarted' }, hour))).toBe('sizeUnknown');
  });
});

describe('whatever ovs-vswitchd does', () => {
  const world = fc.record({
    flows: fc.nat(300_000),
    dumpMs: fc.oneof(fc.nat(2000), fc.nat(120_000)),
    roundTripMs: fc.nat(1000),
    longPollEachMs: fc.integer({ min: 1, max: 1_000_000 }),
    failing: fc.subarray<PollTier>(['cheap', 'medium', 'heavy']),
    failsInTen: fc.nat(10),
    watchers: fc.nat(2),
  });

  it('dumps stay within their share of its time, and the plan goes on', () => {
    fc.assert(
      fc.property(fc.array(world, { minLength: 1, maxLength: 6 }), (worlds) => {
        let calls = 0;
        const { runs } = simulate(
          (nowMs) => {
            const one = worlds[Math.floor(nowMs / 600_000) % worlds.length] ?? worlds[0];
            if (one === undefined) throw new Error('no world');
            calls += 1;
            return {
              flows: one.flows,
              dumpMs: one.dumpMs,
              facts: { roundTripMs: one.roundTripMs, longPolls: Math.floor(nowMs / one.longPollEachMs) },
              fails: (tier) => one.failing.includes(tier) && calls % 10 < one.failsInTen,
            };
          },
          hour,
          [{ kind: 'watched', watchers: worlds[0]?.watchers ?? 0 }],
        );
        const heavy = of(runs, 'heavy');
        for (const [index, run] of heavy.entries()) {
          const next = heavy[index + 1];
          if (next === undefined) continue;
          expect(run.tookMs / (next.atMs - run.atMs)).toBeLessThanOrEqual(pollLimits.dutyMax + 1e-9);
          expect(next.atMs - run.atMs).toBeGreaterThanOrEqual(pollLimits.watchedMs);
        }
        const cheap = of(runs, 'cheap');
        expect(cheap.length).toBeGreaterThan(20);
        expect(cheap.length).toBeLessThanOrEqual(hour / pollLimits.cheapMs + 1);
      }),
      { numRuns: 60 },
    );
  });
});
