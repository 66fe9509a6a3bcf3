import { describe, expect, it } from 'vitest';
import type { SwitchInspector } from '../../src/agent/offload-ports.js';
import { SwitchPoller, type FlowPolicy } from '../../src/agent/switch-poller.js';
import { AgentError } from '../../src/lib/errors.js';
import { known, unknown } from '../../src/model/fact.js';
import type { FlowsReading, SwitchQuickReading, SwitchSlowReading } from '../../src/offload/readings.js';
import { ManualClock } from '../config/manual-clock.js';

const life = { pid: 7, startedMs: 1_000 };
const cost = { tookMs: 2, mainThreadMs: 1, roundTripMs: 1 };

function quick(flows: number, fields: Partial<SwitchQuickReading> = {}): SwitchQuickReading {
  return {
    ...{ readAtMs: 0, wallMs: 0, cost, life },
    version: known('3.1.0'),
    upcalls: known([{ name: 'system@ovs-system', flows, flowLimit: 10_000, offloaded: 0, dumpMs: 3 }]),
    coverage: known(new Map([['long_poll_interval', 0]])),
    insertion: unknown('no such command'),
    packets: unknown('no such command'),
    ...fields,
  };
}

const slow: SwitchSlowReading = {
  ...{ readAtMs: 0, wallMs: 0, cost, life },
  isOffloadEnabled: unknown('no such command'),
  providerByPort: unknown('no such command'),
  polledPorts: unknown('no such command'),
  datapaths: known([]),
  lookups: known([]),
  heaps: unknown('no such command'),
  connections: known([]),
  logLines: known([]),
};
const flowsOf = (scope: 'all' | 'software'): FlowsReading => ({
  ...{ readAtMs: 0, wallMs: 0, cost, life, scope },
  summaries: [],
  unknownLines: 0,
});

interface World {
  readonly clock: ManualClock;
  readonly poller: SwitchPoller;
  readonly asked: string[];
  readonly failed: string[];
  flows: number;
  fields: Partial<SwitchQuickReading>;
  error: Error | undefined;
  isHanging: boolean;
  restarts: number;
  bugs: number;
  /** Lets what is ready run, then moves the clock on. */
  pass(ms: number): Promise<void>;
}

/** Every promise that is ready has run. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function world(policy: FlowPolicy = 'auto'): World {
  const clock = new ManualClock();
  const [asked, failed]: string[][] = [[], []];
  const answer = <T>(name: string, value: () => T, signal: AbortSignal): Promise<T> => {
    asked?.push(name);
    if (state.error !== undefined) return Promise.reject(state.error);
    if (!state.isHanging) return Promise.resolve(value());
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  };
  const inspector: SwitchInspector = {
    readQuick: (signal) => answer('quick', () => quick(state.flows, state.fields), signal),
    readSlow: (signal) => answer('slow', () => slow, signal),
    readFlows: (scope, _context, signal) => answer(`flows ${scope}`, () => flowsOf(scope), signal),
    readRules: () => Promise.resolve({ ...{ readAtMs: 0, wallMs: 0, cost, life }, rules: [] }),
    busyMs: () => undefined,
    close: () => undefined,
  };
  const poller = new SwitchPoller({
    inspector,
    clock,
    flows: policy,
    context: () => ({ engine: 'tc', port: () => undefined }),
    onQuick: () => undefined,
    onSlow: () => undefined,
    onFlows: () => undefined,
    onRestart: () => (state.restarts += 1),
    onFailed: (name, error) => failed?.push(`${name} ${error instanceof AgentError ? error.code : 'bug'}`),
    onBug: (error) => {
      if (error !== state.error) throw error;
      state.bugs += 1;
    },
  });
  const state: World = {
    ...{ clock, poller, asked: asked ?? [], failed: failed ?? [], flows: 10, fields: {}, error: undefined },
    ...{ isHanging: false, restarts: 0, bugs: 0 },
    pass: async (ms) => {
      await settled();
      for (let left = ms; left > 0; left -= 1_000) {
        clock.advance(Math.min(left, 1_000));
        await settled();
      }
    },
  };
  return state;
}

const never = new AbortController().signal;

describe('polling of ovs-vswitchd', () => {
  it('begins with what is cheap, and dumps flows only once it knows how many there are', async () => {
    const at = world();
    at.poller.start();
    await at.pass(90_000);
    await at.poller.close();
    expect(at.asked.slice(0, 2)).toEqual(['quick', 'slow']);
    expect(at.asked).toContain('flows all');
    expect(at.asked.filter((name) => name === 'quick').length).toBeGreaterThan(6);
  });

  it.each(['asked', 'off'] as const)('makes no dump by itself with %s', async (policy) => {
    const at = world(policy);
    at.poller.start();
    await at.pass(300_000);
    await at.poller.close();
    expect(at.asked.filter((name) => name.startsWith('flows'))).toEqual([]);
    expect(at.poller.refusal).toContain(`offload.flows is ${policy}`);
  });

  it('makes a dump for one who asks, and says when it is over', async () => {
    const at = world('asked');
    at.poller.start();
    await at.pass(1_000);
    const answer = at.poller.requestFlows(never);
    await at.pass(1_000);
    expect(await answer).toBeUndefined();
    expect(at.asked.at(-1)).toMatch(/^flows/);
    await at.poller.close();
  });

  it('refuses a dump that would hold ovs-vswitchd for too long, asked for or not, and says so', async () => {
    const at = world();
    at.flows = 10_000_000;
    at.poller.start();
    await at.pass(120_000);
    expect(await at.poller.requestFlows(never)).toMatch(/10000000 flows is expected to hold the main thread/);
    expect(at.asked.filter((name) => name.startsWith('flows'))).toEqual([]);
    await at.poller.close();
  });

  it('never dumps for anybody with off', async () => {
    const at = world('off');
    at.poller.start();
    await at.pass(20_000);
    expect(await at.poller.requestFlows(never)).toContain('offload.flows is off');
    await at.poller.close();
  });

  it('asks one thing at a time, and gives a silent daemon up in the end', async () => {
    const at = world();
    at.isHanging = true;
    at.poller.start();
    await at.pass(119_000);
    expect(at.asked).toEqual(['quick']);
    await at.pass(2_000);
    expect(at.failed).toEqual(['quick DEADLINE_EXCEEDED']);
    expect(at.poller.slowdown).toBe(2);
    await at.poller.close();
  });

  it('does not slow down for want of a daemon, so that the next one is seen soon', async () => {
    const at = world();
    at.error = new AgentError('NOT_CONNECTED', 'ovs-vswitchd has no pid file');
    at.poller.start();
    await at.pass(60_000);
    expect(at.poller.slowdown).toBe(1);
    expect(at.failed.filter((name) => name === 'quick NOT_CONNECTED').length).toBeGreaterThan(4);
    await at.poller.close();
  });

  it('tells of another daemon once', async () => {
    const at = world();
    at.poller.start();
    await at.pass(30_000);
    expect(at.restarts).toBe(0);
    // What answers the dearer questions is the same life as before until it, too, is another.
    at.fields = { life: { pid: 8, startedMs: 2_000 } };
    await at.pass(15_000);
    expect(at.restarts).toBe(1);
    await at.poller.close();
  });

  it('ends at once while a question is under way, and lets go of those who wait for a dump', async () => {
    const at = world('asked');
    at.poller.start();
    await at.pass(1_000);
    at.isHanging = true;
    const answer = at.poller.requestFlows(never);
    await at.pass(12_000);
    await at.poller.close();
    expect(await answer).toBeUndefined();
    expect(at.clock.timerCount).toBe(0);
  });

  it('outlives a bug: tells it once, lets go of those who wait for a dump, and goes on', async () => {
    const at = world('asked');
    at.poller.start();
    await at.pass(1_000);
    at.error = new TypeError('cannot read properties of undefined');
    const answer = at.poller.requestFlows(never);
    await at.pass(30_000);
    expect(await answer).toBeUndefined();
    expect(at.failed).toContain('flows bug');
    await at.pass(1_200_000);
    expect(at.failed).toContain('quick bug');
    expect(at.failed).toContain('slow bug');
    expect(at.bugs).toBe(1);
    expect(at.failed.length).toBeLessThan(60);
    at.error = undefined;
    const before = at.asked.length;
    await at.pass(120_000);
    expect(at.asked.length).toBeGreaterThan(before + 1);
    await at.poller.close();
    expect(at.clock.timerCount).toBe(0);
  });

  it('ends at once while it rests after a bug', async () => {
    const at = world();
    at.error = new TypeError('cannot read properties of undefined');
    at.poller.start();
    await at.pass(3_500);
    await at.poller.close();
    expect(at.clock.timerCount).toBe(0);
  });

  it('counts watchers once each', async () => {
    const at = world('asked');
    at.poller.start();
    const stop = at.poller.watch();
    await at.pass(30_000);
    stop();
    stop();
    const before = at.asked.filter((name) => name.startsWith('flows')).length;
    expect(before).toBeGreaterThan(0);
    await at.pass(60_000);
    expect(at.asked.filter((name) => name.startsWith('flows'))).toHaveLength(before);
    await at.poller.close();
  });
});
