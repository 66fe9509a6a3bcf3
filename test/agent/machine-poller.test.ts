import { describe, expect, it } from 'vitest';
import { MachinePoller } from '../../src/agent/machine-poller.js';
import { known, unknown } from '../../src/model/fact.js';
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

const deviceCounters = { ifindex: 9, packets: 1, bytes: 1, cpuPackets: undefined, cpuBytes: undefined };

class World {
  readonly clock = new ManualClock();
  readonly asked: string[] = [];
  readonly failed: string[] = [];
  /** Names of devices, as they were asked for. */
  readonly counted: (readonly string[] | undefined)[] = [];
  readonly told: MachineQuickReading[] = [];
  bugs = 0;
  mark: string | undefined;
  readonly names = new Set(['rep0-1']);
  platform: MachineSlowReading['platform'] = none;
  errors: { quick?: Error; slow?: Error } = {};
  readonly poller = new MachinePoller({
    inspector: {
      readQuick: (_pid, names) => {
        this.counted.push(names === undefined ? undefined : [...names]);
        const devices = names === undefined ? none : known(new Map([['rep0-1', deviceCounters]]));
        return this.#answer('quick', { ...quick, devices, readAtMs: this.clock.nowMs() });
      },
      readSlow: () => this.#answer('slow', { ...slow, platform: this.platform }),
      readPlatform: () => Promise.resolve(none),
    },
    clock: this.clock,
    pid: () => undefined,
    devices: () => this.names,
    countMark: () => this.mark,
    onQuick: (reading) => this.told.push(reading),
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
    // Each tells the same as the one before.
    expect(at.count('slow')).toBeGreaterThan(4);
    expect(at.count('slow')).toBeLessThan(7);
    expect(at.failed).toEqual([]);
    expect(at.clock.timerCount).toBe(0);
  });

  it('asks tools twice as often while they tell something else each time, and while the platform sets the card up', async () => {
    const at = new World();
    at.platform = known('running');
    at.poller.start();
    await at.pass(600_000);
    expect(at.count('slow')).toBeGreaterThan(8);
    for (let minute = 0; minute < 10; minute += 1) {
      at.platform = unknown(`not told, ${minute}`);
      await at.pass(60_000);
    }
    await at.poller.close();
    expect(at.count('slow')).toBeGreaterThan(17);
    expect(at.count('slow')).toBeLessThan(23);
  });

  it('reads counters of devices as often as something was counted, and tells them each time', async () => {
    const at = new World();
    at.mark = '7/1 100';
    at.poller.start();
    await at.pass(35_000);
    expect(at.counted).toEqual([['rep0-1'], undefined, undefined, undefined]);
    at.mark = '7/1 200';
    await at.pass(20_000);
    expect(at.counted.slice(4)).toEqual([['rep0-1'], undefined]);
    at.mark = undefined;
    await at.pass(20_000);
    expect(at.counted.slice(6)).toEqual([['rep0-1'], ['rep0-1']]);
    await at.poller.close();
    const known = at.told.map(({ devices }) => devices.kind === 'known' && devices.value.get('rep0-1'));
    expect(known).toEqual(at.told.map(() => deviceCounters));
    expect(new Set(at.told.map(({ readAtMs }) => readAtMs)).size).toBe(at.told.length);
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
