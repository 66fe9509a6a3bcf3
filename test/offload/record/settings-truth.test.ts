/**
 * What is said to be in effect is so: a database that others write and lose, daemons that start, stop and get out of reach at
 * any moment between two looks, against a model of the daemon that knows.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { known } from '../../../src/model/fact.js';
import { offloadLimitsDefault } from '../../../src/offload/offload-facts.js';
import { OffloadRecord } from '../../../src/offload/offload-record.js';
import { latchBoundKeys, settingRule } from '../../../src/offload/setting-rules.js';
import { valueInForce } from '../../../src/offload/setting-rule.js';
import { lifeOf, quickReading, slowReading } from '../../fakes/offload-readings.js';
import { bridgeRow, rootRow } from '../../fakes/plan-rows.js';

/** Restart, what is taken when hw-offload latches, the latch itself, and what is taken live. */
const keys = ['dpdk-max-memzones', 'userspace-tso-enable', 'tc-policy', 'n-offload-threads', 'hw-offload', 'max-idle'];
const values: Readonly<Record<string, readonly (string | undefined)[]>> = {
  'dpdk-max-memzones': [undefined, '1000', '50000'],
  'userspace-tso-enable': [undefined, 'false', 'true'],
  'tc-policy': [undefined, 'skip_sw', 'skip_hw'],
  'n-offload-threads': [undefined, '2', '3'],
  'hw-offload': [undefined, 'false', 'true'],
  'max-idle': [undefined, '20000', '60000'],
};

/** ovs-vswitchd, as far as it reads settings (dpif-offload.c, dpif_offload_set_global_cfg). */
class Daemon {
  readonly pid: number;
  readonly startedAtMs: number;
  readonly #atStart: ReadonlyMap<string, string>;
  #taken: ReadonlyMap<string, string> | undefined;
  #live: ReadonlyMap<string, string>;
  /** It was stopped, or is busy: it takes nothing, and answers nobody. */
  isFrozen = false;

  constructor(pid: number, startedAtMs: number, stored: ReadonlyMap<string, string>) {
    this.pid = pid;
    this.startedAtMs = startedAtMs;
    this.#atStart = stored;
    this.#live = stored;
    this.take(stored);
  }

  /** It reads the database: at once, in this model, unless it is frozen. */
  take(stored: ReadonlyMap<string, string>): void {
    if (this.isFrozen) return;
    this.#live = stored;
    if (this.#taken === undefined && stored.get('hw-offload') === 'true') this.#taken = stored;
  }

  /** What it really has. */
  has(key: string): string | undefined {
    const rule = settingRule(key)!;
    if (key === 'hw-offload') return String(this.#taken !== undefined);
    if (key === 'max-idle') return valueInForce(rule, this.#live.get(key));
    return valueInForce(rule, (latchBoundKeys.includes(key) ? this.#taken : this.#atStart)?.get(key));
  }
}

type Step =
  | { readonly kind: 'set'; readonly key: string; readonly value: string | undefined }
  /** The daemon ends, and another one starts so much later, ms; undefined: none does. */
  | { readonly kind: 'restart'; readonly afterMs: number | undefined }
  | { readonly kind: 'start' | 'quick' | 'slow' | 'freeze' | 'thaw' | 'unreachable' | 'databaseLost' | 'databaseBack' }
  | { readonly kind: 'wait'; readonly ms: number };

const set = fc
  .constantFrom(...keys)
  .chain((key) =>
    fc.record({ kind: fc.constant('set' as const), key: fc.constant(key), value: fc.constantFrom(...values[key]!) }),
  );
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: set },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('restart' as const),
      afterMs: fc.option(fc.nat(20_000), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('start' as const, 'unreachable' as const) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('quick' as const, 'slow' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('databaseLost' as const, 'databaseBack' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('freeze' as const, 'thaw' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(15_000) }) },
);

/** Database, daemon and agent. Every step takes a tenth of a second; the agent sees changes of the database at once. */
class World {
  readonly record = new OffloadRecord({ declared: new Map(), limits: offloadLimitsDefault, owner: 'a', nowMs: 0 });
  readonly hasEvidence: boolean;
  nowMs = 0;
  stored: ReadonlyMap<string, string> = new Map();
  daemon: Daemon | undefined = new Daemon(1, -60_000, new Map());
  /** Of the daemon that answered last. */
  #seenPid: number | undefined;
  #isDatabaseThere = true;
  #isGapless = false;
  #pid = 1;

  constructor(hasEvidence: boolean) {
    this.hasEvidence = hasEvidence;
    this.#look();
  }

  /** Whether what is said is of the daemon that runs: between a restart and the next reading nobody can know that there was one. */
  get isWatched(): boolean {
    return this.daemon !== undefined && this.daemon.pid === this.#seenPid;
  }

  do(step: Step): void {
    this.nowMs += 100;
    switch (step.kind) {
      case 'wait':
        this.nowMs += step.ms;
        return;
      case 'set': {
        const stored = new Map(this.stored);
        if (step.value === undefined) stored.delete(step.key);
        else stored.set(step.key, step.value);
        this.stored = stored;
        this.daemon?.take(stored);
        this.#look();
        return;
      }
      case 'restart':
        this.daemon = undefined;
        this.nowMs += step.afterMs ?? 0;
        if (step.afterMs !== undefined) this.#startDaemon();
        return;
      case 'start':
        if (this.daemon === undefined) this.#startDaemon();
        return;
      case 'quick':
      case 'slow': {
        this.#read(step.kind);
        return;
      }
      case 'freeze':
      case 'thaw':
        if (this.daemon === undefined) return;
        this.daemon.isFrozen = step.kind === 'freeze';
        this.daemon.take(this.stored);
        return;
      case 'unreachable': {
        this.record.noteNoDaemon('its socket does not answer', this.nowMs);
        return;
      }
      case 'databaseLost':
      case 'databaseBack':
        this.#isDatabaseThere = step.kind === 'databaseBack';
        {
          this.#look();
          return;
        }
    }
  }

  #startDaemon(): void {
    this.daemon = new Daemon(++this.#pid, this.nowMs, this.stored);
  }

  #read(kind: 'quick' | 'slow'): void {
    if (this.daemon === undefined) {
      this.record.noteNoDaemon('no pid file', this.nowMs);
      return;
    }
    if (this.daemon.isFrozen) return;
    this.#seenPid = this.daemon.pid;
    const life = lifeOf(this.daemon.pid, this.daemon.startedAtMs);
    const isOn = this.daemon.has('hw-offload') === 'true';
    if (kind === 'quick') this.record.noteQuick(quickReading(this.nowMs, { life }));
    else
      this.record.noteSlow(
        slowReading(this.nowMs, { life, ...(this.hasEvidence ? { isOffloadEnabled: known(isOn) } : {}) }),
      );
  }

  #look(): void {
    const seen = {
      root: rootRow({ otherConfig: this.stored, initColumns: { dpdk: true, doca: true } }),
      bridges: new Map([['br-int', bridgeRow('br-int')]]),
      ports: new Map(),
    };
    this.record.noteSwitch(this.#isDatabaseThere ? seen : undefined, this.#isGapless, this.nowMs);
    this.#isGapless = this.#isDatabaseThere;
  }
}

describe('what is said to be in effect', () => {
  it('is what the daemon has that was seen last', () => {
    const runs = fc.tuple(fc.boolean(), fc.array(step, { minLength: 5, maxLength: 60 }));
    fc.assert(
      fc.property(runs, ([hasEvidence, steps]) => {
        const world = new World(hasEvidence);
        for (const one of steps) {
          world.do(one);
          if (!world.isWatched || world.daemon === undefined) continue;
          const { value } = world.record.isInEffect();
          if (value !== undefined) expect(String(value)).toBe(world.daemon.has('hw-offload'));
          for (const { key, effective } of world.record.settings()) {
            if (effective.kind === 'unknown') continue;
            if (!keys.includes(key)) continue;
            expect([key, effective.value]).toEqual([key, world.daemon.has(key)]);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('is known at least of a daemon that was watched from before its start', () => {
    const world = new World(false);
    const steps: readonly Step[] = [
      { kind: 'quick' },
      { kind: 'set', key: 'dpdk-max-memzones', value: '50000' },
      { kind: 'set', key: 'tc-policy', value: 'skip_sw' },
      { kind: 'set', key: 'hw-offload', value: 'true' },
      // ovs-ctl takes a few seconds to start another one.
      { kind: 'restart', afterMs: 3_000 },
      { kind: 'wait', ms: 5_000 },
      { kind: 'quick' },
    ];
    for (const one of steps) world.do(one);
    const told = world.record
      .settings()
      .map(({ key, effective }) => [key, effective.kind === 'known' ? effective.value : effective.why]);
    expect(told).toEqual([
      ['hw-offload', 'true'],
      ['tc-policy', 'skip_sw'],
      ['dpdk-max-memzones', '50000'],
    ]);
  });

  it('is nothing that a daemon has not taken which was stopped', () => {
    const world = new World(false);
    const said = () => [
      world.record.isInEffect().value,
      ...world.record.settings().map(({ effective }) => (effective.kind === 'known' ? effective.value : 'unknown')),
    ];
    const steps = (...list: readonly Step[]): void => list.forEach((one) => world.do(one));
    steps({ kind: 'quick' }, { kind: 'freeze' });
    // As `ovs-vsctl --no-wait` writes it: next_cfg stays.
    steps({ kind: 'set', key: 'hw-offload', value: 'true' }, { kind: 'set', key: 'max-idle', value: '20000' });
    expect(said()).toEqual([undefined, 'unknown', 'unknown']);
    steps({ kind: 'set', key: 'hw-offload', value: 'false' }, { kind: 'thaw' }, { kind: 'quick' });
    expect(said()).toEqual([undefined, 'unknown', 'unknown']);
    steps({ kind: 'set', key: 'hw-offload', value: 'true' }, { kind: 'wait', ms: 1_000 }, { kind: 'quick' });
    expect(said()).toEqual([true, 'true', '20000']);
  });

  it('survives that the daemon is out of reach for a while', () => {
    const world = new World(true);
    const steps: readonly Step[] = [
      { kind: 'restart', afterMs: 3_000 },
      { kind: 'wait', ms: 5_000 },
      { kind: 'quick' },
      { kind: 'set', key: 'dpdk-max-memzones', value: '50000' },
      { kind: 'unreachable' },
      { kind: 'quick' },
    ];
    world.record.noteNoDaemon('none yet', 0);
    for (const one of steps) world.do(one);
    const [result] = world.record.settings().filter(({ key }) => key === 'dpdk-max-memzones');
    expect(result).toMatchObject({ verdict: 'restartRequired', effective: { kind: 'known', value: undefined } });
  });
});
