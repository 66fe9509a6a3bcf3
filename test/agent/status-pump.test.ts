import { describe, expect, it } from 'vitest';
import type { StatusResult } from '../../src/agent/attach-ports.js';
import { StatusPump, type StatusChange } from '../../src/agent/status-pump.js';
import type { PodView } from '../../src/model/pod.js';
import { ManualClock } from '../config/manual-clock.js';
import { settle } from '../fakes/agent-world.js';
import { podView } from '../fakes/pods.js';

const ready = new Map([['default', { status: 'Ready', reason: undefined } as const]]);

function change(pod: PodView): StatusChange {
  return { pod, changes: ready };
}

const wantedOf = (...pods: readonly PodView[]): Map<string, StatusChange> =>
  new Map(pods.map((pod) => [pod.uid, change(pod)]));

class Bench {
  readonly clock = new ManualClock();
  readonly written: string[] = [];
  readonly done: StatusResult[] = [];
  /** Answers of the writer, in order; then `written`. */
  answers: StatusResult[] = [];
  /** Writes that wait to be let go. */
  readonly gates: (() => void)[] = [];
  isGated = false;
  readonly pump = new StatusPump({
    writer: {
      write: async (pod, _changes, signal) => {
        this.written.push(pod.uid);
        const answer = this.answers.shift() ?? { kind: 'written' };
        if (this.isGated) {
          await new Promise<void>((resolve) => {
            this.gates.push(resolve);
            signal.addEventListener('abort', () => resolve());
          });
        }
        return answer;
      },
    },
    clock: this.clock,
    random: () => 0.5,
    concurrency: 2,
    onDone: (_pod, result) => this.done.push(result),
    onBug: (error) => {
      throw error;
    },
  });
}

const failed: StatusResult = { kind: 'failed', message: 'no', code: 'KUBE_THROTTLED', retryAfterMs: 5_000 };

describe('the writer of statuses', () => {
  it('writes at most so many at once, and the others after them', async () => {
    const bench = new Bench();
    bench.isGated = true;
    const pods = ['a', 'b', 'c'].map((uid) => podView({ uid, name: uid }));
    bench.pump.want(wantedOf(...pods));
    expect(bench.written).toEqual(['a', 'b']);
    bench.gates[0]?.();
    await settle();
    expect(bench.written).toEqual(['a', 'b', 'c']);
  });

  it('never writes to one pod twice at the same time', async () => {
    const bench = new Bench();
    bench.isGated = true;
    const pod = podView();
    bench.pump.want(wantedOf(pod));
    bench.pump.want(wantedOf(podView({ resourceVersion: '8' })));
    expect(bench.written).toHaveLength(1);
    bench.gates[0]?.();
    await settle();
    expect(bench.written).toHaveLength(2);
  });

  it('does not say the same of the same reading again, but says another thing', async () => {
    const bench = new Bench();
    const pod = podView();
    bench.pump.want(wantedOf(pod));
    await settle();
    bench.pump.want(wantedOf(pod));
    await settle();
    expect(bench.written).toHaveLength(1);
    bench.pump.want(new Map([[pod.uid, { pod, changes: new Map([['default', undefined]]) }]]));
    await settle();
    expect(bench.written).toHaveLength(2);
  });

  it('waits as long as the server asks for, and no other pod with it', async () => {
    const bench = new Bench();
    bench.answers = [failed];
    const [first, second] = [podView({ uid: 'a' }), podView({ uid: 'b' })];
    bench.pump.want(wantedOf(first));
    await settle();
    bench.pump.want(wantedOf(first, second));
    await settle();
    expect(bench.written).toEqual(['a', 'b']);
    expect(bench.pump.nextLookMs()).toBe(5_000);
    bench.clock.advance(5_000);
    bench.pump.want(wantedOf(first));
    await settle();
    expect(bench.written).toEqual(['a', 'b', 'a']);
    expect(bench.pump.stats()).toMatchObject({ written: 2, failed: 1, lastError: 'no' });
  });

  it('tries again soon after a conflict', async () => {
    const bench = new Bench();
    bench.answers = [{ kind: 'conflict' }];
    const pod = podView();
    bench.pump.want(wantedOf(pod));
    await settle();
    const waitMs = bench.pump.nextLookMs() ?? 0;
    expect(waitMs).toBeLessThanOrEqual(20);
    bench.clock.advance(waitMs);
    bench.pump.want(wantedOf(pod));
    await settle();
    expect(bench.pump.stats()).toMatchObject({ written: 1, conflicts: 1 });
  });

  it('leaves alone a pod that is gone, and forgets what is not wanted any more', async () => {
    const bench = new Bench();
    bench.answers = [{ kind: 'gone' }, failed];
    const [gone, other] = [podView({ uid: 'a' }), podView({ uid: 'b' })];
    bench.pump.want(wantedOf(gone, other));
    await settle();
    bench.pump.want(new Map());
    expect(bench.pump.nextLookMs()).toBeUndefined();
    bench.pump.want(wantedOf(gone));
    await settle();
    expect(bench.written).toEqual(['a', 'b']);
  });

  it('gives up what is under way at its end, and tells nobody of it', async () => {
    const bench = new Bench();
    bench.isGated = true;
    bench.pump.want(wantedOf(podView()));
    await bench.pump.close();
    expect(bench.done).toEqual([]);
  });
});
