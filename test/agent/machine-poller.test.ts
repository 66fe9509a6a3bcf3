import { describe, expect, it } from 'vitest';
import { MachinePoller } from '../../src/agent/machine-poller.js';
import { unknown } from '../../src/model/fact.js';
import type { MachineQuickReading, MachineSlowReading } from '../../src/offload/readings.js';
import { ManualClock } from '../config/manual-clock.js';

const none = unknown('not read in this test');
const stamp = { readAtMs: 0, wallMs: 0, cost: { tookMs: 1, mainThreadMs: 0, roundTripMs: 0 } };
const quick: MachineQuickReading = {
  ...stamp,
  ...{ memory: none, hugePages: none, process: none, devices: none, connections: none, uptimeMs: none },
};
const slow: MachineSlowReading = {
  ...stamp,
  ...{ platform: none, eswitches: none, qdiscs: none, addresses: none, tcFlags: none },
};

class World {
  readonly clock = new ManualClock();
  readonly asked: string[] = [];
  readonly failed: string[] = [];
  bugs = 0;
  errors: { quick?: Error; slow?: Error } = {};
  readonly poller = new MachinePoller({
    inspector: {
      readQuick: () => this.#answer('quick', quick),
      readSlow: () => this.#answer('slow', slow),
      readPlatform: () => Promise.resolve(none),
    },
    clock: this.clock,
    pid: () => undefined,
    devices: () => new Set(),
    onQuick: () => undefined,
    onSlow: () => undefined,
    onFailed: (name) => this.failed.push(name),
    onBug: () => (this.bugs += 1),
  });

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      await new Promise((resolve) => setImmediate(resolve));
      this.clock.advance(1_000);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  count(name: string): number {
    return this.asked.filter((one) => one === name).length;
  }

  #answer<T>(name: 'quick' | 'slow', value: T): Promise<T> {
    this.asked.push(name);
    const error = this.errors[name];
    return error === undefined ? Promise.resolve(value) : Promise.reject(error);
  }
}

describe('the reader of the machine', () => {
  it('reads files often and asks tools seldom', async () => {
    const at = new World();
    at.poller.start();
    await at.pass(600_000);
    await at.poller.close();
    expect(at.count('quick')).toBeGreaterThan(50);
    expect(at.count('slow')).toBeGreaterThan(8);
    expect(at.count('slow')).toBeLessThan(12);
    expect(at.failed).toEqual([]);
    expect(at.clock.timerCount).toBe(0);
  });

  it.each([
    ['quick', 'slow', 'machine'],
    ['slow', 'quick', 'tools'],
  ] as const)(
    'outlives a bug of the %s reading, tells it once, and makes the other all the while',
    async (bad, good, name) => {
      const at = new World();
      at.errors = { [bad]: new TypeError('cannot read properties of undefined') };
      at.poller.start();
      await at.pass(900_000);
      expect(at.bugs).toBe(1);
      expect(new Set(at.failed)).toEqual(new Set([name]));
      expect(at.count(good)).toBeGreaterThan(7);
      expect(at.count(bad)).toBeLessThan(95);
      at.errors = {};
      const before = at.count(bad);
      await at.pass(180_000);
      expect(at.count(bad)).toBeGreaterThan(before + 1);
      await at.poller.close();
      expect(at.clock.timerCount).toBe(0);
    },
  );
});
