import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isRenewalDue,
  liveSibling,
  mayRenew,
  readLease,
  renewedLease,
  unreadLease,
} from '../../src/agent/lease-machine.js';
import type { LeaseMemory, LeaseReading, LeaseTiming } from '../../src/agent/lease-machine.js';

const timing: LeaseTiming = { durationMs: 40_000, renewMs: 10_000, confirmMs: 25_000 };
const writer = { owner: 'default', instance: 'a1' };
const wallOffsetMs = 1_700_000_000_000;

const reading = (part: Partial<LeaseReading> = {}): LeaseReading => ({
  uid: 'u1',
  renewTime: undefined,
  acquireTime: 'acquired',
  durationMs: 40_000,
  mark: undefined,
  writtenBy: 'ovnkube-dpu-node',
  writtenAgoMs: undefined,
  ...part,
});
const renewedBy = (owner: string, renewTime: string, instance = 'a0'): LeaseReading =>
  reading({ renewTime, mark: { owner, instance, renewTime } });

/** The machine after these looks, each at its second. */
function after(...looks: readonly (readonly [number, LeaseReading | undefined])[]): LeaseMemory {
  return looks.reduce(
    (memory, [s, seen]) =>
      readLease(memory, seen, { nowMs: s * 1000, wallMs: wallOffsetMs + s * 1000 }, writer, timing),
    unreadLease,
  );
}
const at = (s: number): { nowMs: number; wallMs: number } => ({ nowMs: s * 1000, wallMs: wallOffsetMs + s * 1000 });

describe('the judge of a lease', () => {
  const firstLooks: readonly (readonly [string, LeaseReading | undefined, LeaseMemory['standing']])[] = [
    ['takes a missing lease for free', undefined, 'free'],
    ['takes one that was never renewed for free', reading(), 'free'],
    ['takes a fresh creation for free: it is the grace period of the host', reading({ renewTime: 'acquired' }), 'free'],
    ['goes on at once with the mark of an earlier process of its owner', renewedBy('default', 't1'), 'held'],
    ['watches a renewal without a mark', reading({ renewTime: 't1' }), 'watching'],
    ['watches a renewal that is not the marked one', { ...renewedBy('default', 't1'), renewTime: 't2' }, 'watching'],
    ['believes the mark of another owner: agents renew', renewedBy('other', 't1'), 'foreign'],
    ['believes it for a creation too', { ...renewedBy('other', 't1'), acquireTime: 't1' }, 'foreign'],
    ['watches a renewal from the far future', reading({ renewTime: '9999-12-31T23:59:59.000000Z' }), 'watching'],
    ['watches a renewal that looks a year old', reading({ renewTime: '2001-01-01T00:00:00.000000Z' }), 'watching'],
    ['watches one that is no time at all', reading({ renewTime: 'yesterday' }), 'watching'],
    ['trusts the server that it is long over', reading({ renewTime: 't1', writtenAgoMs: 45_001 }), 'free'],
    ['watches one that the server dates into the future', reading({ renewTime: 't1', writtenAgoMs: -5e9 }), 'watching'],
    ['is not kept away by a missing acquireTime', reading({ renewTime: undefined, acquireTime: undefined }), 'free'],
  ];
  it.each(firstLooks)('%s', (_, seen, standing) => {
    expect(after([0, seen]).standing).toBe(standing);
  });

  it('takes the lease once a renewer had the time to come back and did not', () => {
    const seen = reading({ renewTime: 't1' });
    expect(after([0, seen], [10, seen], [20, seen]).standing).toBe('watching');
    expect(after([0, seen], [10, seen], [20, seen], [25, seen]).standing).toBe('free');
  });

  it('counts the age of what was there before it looked, but lets a renewer come back once', () => {
    const seen = reading({ renewTime: 't1', writtenAgoMs: 39_000 });
    expect(after([0, seen], [9.9, seen]).standing).toBe('watching');
    expect(after([0, seen], [10, seen]).standing).toBe('free');
  });

  it('stands back for a whole duration from a writer that came back', () => {
    const [first, second] = [reading({ renewTime: 't1' }), reading({ renewTime: 't2' })];
    const memory = after([0, first], [10, second]);
    expect(memory).toMatchObject({ standing: 'foreign', stranger: { name: 'ovnkube-dpu-node', renewals: 2 } });
    expect(after([0, first], [10, second], [49, second]).standing).toBe('foreign');
    expect(after([0, first], [10, second], [50, second]).standing).toBe('free');
  });

  it('loses a held lease to the first renewal of somebody else, and gets it back when that was the only one', () => {
    const own = renewedBy('default', 't1');
    const bumped = { ...own, renewTime: 't2' };
    expect(after([0, own], [10, bumped]).standing).toBe('watching');
    expect(after([0, own], [10, bumped], [20, bumped], [35, bumped]).standing).toBe('free');
  });

  it('knows a slow renewer again after its window was over', () => {
    const own = renewedBy('default', 't1');
    const [first, second] = [
      { ...own, renewTime: 't2' },
      { ...own, renewTime: 't3' },
    ];
    expect(after([0, own], [10, first], [36, first]).standing).toBe('free');
    expect(after([0, own], [10, first], [36, first], [60, second]).standing).toBe('foreign');
  });

  it('forgets a renewal of long ago: the host half starts again and again, each time one renewal', () => {
    const own = renewedBy('default', 't1');
    const [first, second] = [
      { ...own, renewTime: 't2' },
      { ...own, renewTime: 't3' },
    ];
    expect(after([0, own], [10, first], [36, first], [200, second]).standing).toBe('watching');
  });

  it('is not deceived by a writer that sets both times: the same lease is not created twice', () => {
    const first = reading({ renewTime: 't1', acquireTime: 't1' });
    const second = reading({ renewTime: 't2', acquireTime: 't2' });
    expect(after([0, first], [10, second]).standing).toBe('watching');
    expect(after([0, first], [10, { ...second, uid: 'u2' }]).standing).toBe('free');
  });

  it('keeps what it holds when the lease is deleted or made anew', () => {
    const own = renewedBy('default', 't1');
    expect(after([0, own], [10, undefined]).standing).toBe('held');
    const anew = reading({ uid: 'u2', renewTime: 't2', acquireTime: 't2' });
    expect(after([0, own], [10, undefined], [20, anew]).standing).toBe('held');
  });

  it('does not take a lease that is deleted while somebody else renews it', () => {
    const [first, second] = [reading({ renewTime: 't1' }), reading({ renewTime: 't2' })];
    expect(after([0, first], [10, second], [20, undefined]).standing).toBe('foreign');
  });

  it('waits as long as a slower lease lasts, and believes no length beyond ten of ours', () => {
    const slow = (renewTime: string, durationMs: number): LeaseReading => reading({ renewTime, durationMs });
    expect(after([0, slow('t1', 80_000)], [49, slow('t1', 80_000)]).standing).toBe('watching');
    expect(after([0, slow('t1', 80_000)], [50, slow('t1', 80_000)]).standing).toBe('free');
    expect(after([0, slow('t1', 1e12)], [250, slow('t1', 1e12)]).standing).toBe('free');
    expect(after([0, slow('t1', 5)], [24, slow('t1', 5)]).standing).toBe('watching');
  });

  it('is due at once when it is free, and then at its pace however often it is asked', () => {
    const free = after([0, undefined]);
    expect(isRenewalDue(free, 0, timing)).toBe(true);
    const held = renewedLease(free, 'u1', 't1', at(0));
    expect(held.standing).toBe('held');
    expect(isRenewalDue(held, 1_000, timing)).toBe(false);
    expect(isRenewalDue(held, 10_000, timing)).toBe(true);
    expect(isRenewalDue(after([0, renewedBy('default', 't1')]), 0, timing)).toBe(true);
  });

  it('notices another process of its owner that renews after it did, and none that came before', () => {
    const mine = renewedLease(after([0, renewedBy('default', 't1', 'old')]), 'u1', 't2', at(0));
    const now = readLease(mine, renewedBy('default', 't3', 'twin'), at(10), writer, timing);
    expect(now.standing).toBe('held');
    expect(liveSibling(now, 10_000, timing)).toBe('twin');
    expect(liveSibling(now, 51_000, timing)).toBeUndefined();
    expect(liveSibling(after([0, renewedBy('default', 't1', 'old')]), 0, timing)).toBeUndefined();
  });

  it('cannot renew what somebody else renews', () => {
    const memory = after([0, reading({ renewTime: 't1' })]);
    expect(mayRenew(memory)).toBe(false);
    expect(() => renewedLease(memory, 'u1', 't2', at(1))).toThrow('nobody renews');
  });
});

/** A lease in a world where others write whatever they like, whenever they like. */
interface Deed {
  readonly gapMs: number;
  readonly who: 'host' | 'renewer' | 'agent' | 'restart' | 'delete' | 'create' | 'outage';
  readonly text: string;
  readonly ago: number | undefined;
}

const deeds = (who: readonly Deed['who'][]): fc.Arbitrary<readonly Deed[]> =>
  fc.array(
    fc.record({
      gapMs: fc.integer({ min: 1, max: 15_000 }),
      who: fc.constantFrom(...who),
      // Times of writers with any clock, and no times at all.
      text: fc.oneof(
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        fc.string(),
        fc.constantFrom('t1', 't2'),
      ),
      ago: fc.option(fc.integer({ min: -100_000, max: 44_000 }), { nil: undefined }),
    }),
    { maxLength: 60 },
  );

/** The same with a server that tells no times. */
const unaged = (script: readonly Deed[]): readonly Deed[] => script.map((deed) => ({ ...deed, ago: undefined }));

/** Plays the deeds and looks after each as the adapter does; calls `check` whenever the agent has judged. */
function play(
  script: readonly Deed[],
  rules: LeaseTiming,
  check: (memory: LeaseMemory, nowMs: number, strangerAtMs: readonly number[]) => void,
): LeaseMemory {
  let nowMs = 0;
  let memory = unreadLease;
  let lease: LeaseReading | undefined;
  let version = 0;
  let strangerAtMs: number[] = [];
  // The server gives every lease another uid, whoever creates it.
  const anew = (): LeaseReading => reading({ uid: `u${++version}`, acquireTime: `acquired ${version}` });
  const look = (ago: number | undefined): void => {
    const seen = lease === undefined ? undefined : { ...lease, writtenAgoMs: ago };
    const now = { nowMs, wallMs: nowMs };
    memory = readLease(memory, seen, now, writer, rules);
    check(memory, nowMs, strangerAtMs);
    if (!mayRenew(memory) || !isRenewalDue(memory, nowMs, rules)) return;
    const renewTime = `own ${++version}`;
    lease = { ...(lease ?? anew()), renewTime, mark: { ...writer, renewTime } };
    memory = renewedLease(memory, lease.uid, renewTime, now);
  };
  for (const { gapMs, who, text, ago } of script) {
    nowMs += gapMs;
    if (who === 'restart') memory = unreadLease;
    if (who === 'delete') lease = undefined;
    if (who === 'create') lease = reading({ uid: `u${++version}`, renewTime: text, acquireTime: text });
    if ((who === 'renewer' || who === 'host') && lease?.renewTime !== text) {
      lease = { ...(lease ?? anew()), renewTime: text };
      strangerAtMs = [...strangerAtMs, nowMs];
    }
    if (who !== 'outage') look(who === 'agent' || who === 'restart' ? undefined : ago);
  }
  return memory;
}

describe('the judge of a lease, whatever others write', () => {
  it('never holds it while a renewal by somebody else is younger than a duration, if every renewal counts as much', () => {
    const strict = { ...timing, confirmMs: timing.durationMs };
    const world = deeds(['renewer', 'host', 'agent', 'outage', 'delete']).map(unaged);
    let denials = 0;
    fc.assert(
      fc.property(world, (script) => {
        play(script, strict, (memory, nowMs, strangerAtMs) => {
          const last = strangerAtMs.at(-1);
          if (last === undefined || nowMs - last >= strict.durationMs) return;
          denials += 1;
          expect(mayRenew(memory)).toBe(false);
        });
      }),
      // Enough that chance alone does not leave fewer than a hundred denials.
      { numRuns: 500 },
    );
    expect(denials).toBeGreaterThan(100);
  });

  it('never holds it while the second of two renewals by somebody else is younger than a duration', () => {
    const world = deeds(['renewer', 'agent', 'outage']).map(unaged);
    let denials = 0;
    fc.assert(
      fc.property(world, (script) => {
        play(script, timing, (memory, nowMs, strangerAtMs) => {
          const [before, last] = strangerAtMs.slice(-2);
          if (before === undefined || last === undefined || last - before >= timing.durationMs) return;
          if (nowMs - last >= timing.durationMs) return;
          denials += 1;
          expect(mayRenew(memory)).toBe(false);
        });
      }),
      // Enough that chance alone does not leave fewer than a hundred denials.
      { numRuns: 500 },
    );
    expect(denials).toBeGreaterThan(100);
  });

  it('never holds it right after a renewal by somebody else', () => {
    const world = deeds(['renewer', 'host', 'agent', 'outage', 'delete', 'create', 'restart']);
    fc.assert(
      fc.property(world, (script) => {
        play(script, timing, (memory, nowMs, strangerAtMs) => {
          const last = strangerAtMs.at(-1);
          if (last === nowMs) expect(mayRenew(memory)).toBe(false);
        });
      }),
    );
  });

  it('holds it in the end when others leave it alone', () => {
    const world = deeds(['renewer', 'host', 'agent', 'outage', 'delete', 'create', 'restart']);
    fc.assert(
      fc.property(world, (script) => {
        const peace: readonly Deed[] = Array.from({ length: 6 }, () => ({
          gapMs: 10_000,
          who: 'agent',
          text: '',
          ago: undefined,
        }));
        const memory = play([...script, ...peace], timing, () => undefined);
        expect(memory.standing).toBe('held');
      }),
    );
  });

  it('is never kept from it by restarts of the agent alone', () => {
    const world = deeds(['agent', 'restart', 'outage']);
    fc.assert(
      fc.property(world, (script) => {
        play(script, timing, (memory) => expect(mayRenew(memory)).toBe(true));
      }),
    );
  });
});
