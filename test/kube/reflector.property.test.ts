import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identityOf, textMember } from '../../src/kube/json-value.js';
import { Reflector } from '../../src/kube/reflector.js';
import type { ErrorCode } from '../../src/lib/errors.js';
import { ManualClock } from '../config/manual-clock.js';
import { ModelCluster } from './model-cluster.js';

type Act =
  | { readonly kind: 'put'; readonly uid: string; readonly text: string }
  | { readonly kind: 'delete'; readonly uid: string }
  | { readonly kind: 'fail'; readonly failures: readonly (ErrorCode | number)[] }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'garbage'; readonly text: string }
  | { readonly kind: 'write'; readonly uid: string; readonly text: string }
  | { readonly kind: 'backup' | 'restore' | 'compact' | 'cut' | 'end' | 'mute' | 'bookmark' };

const uid = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const text = fc.constantFrom('one', 'two', 'three', 'boring');
const failure = fc.constantFrom<ErrorCode | number>(
  'CONNECT_FAILED',
  'CONNECTION_LOST',
  'DEADLINE_EXCEEDED',
  'TLS_INVALID',
  'KUBE_CREDENTIALS',
  'PEER_PROTOCOL',
  ...[400, 401, 403, 404, 410, 429, 500, 503],
);

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), uid, text }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), uid }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('write' as const), uid, text }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('fail' as const), failures: fc.array(failure, { maxLength: 4 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 400, 3_000, 100_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('garbage' as const),
      text: fc.constantFrom('{"type":', 'x\n', '\n', 'null\n'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('backup' as const, 'restore', 'compact', 'cut', 'end', 'mute', 'bookmark'),
    }),
  },
);

function view(object: unknown): { uid: string; resourceVersion: string; value: string } | undefined {
  const identity = identityOf(object);
  const value = textMember(object, 'text');
  return identity === undefined || value === undefined || value === 'boring' ? undefined : { ...identity, value };
}

/** Lets everything happen that needs no time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

class World {
  readonly clock = new ManualClock();
  readonly cluster = new ModelCluster(this.clock);
  readonly reflector: Reflector<string>;
  #backup = { version: 10, objects: new Map(this.cluster.objects) };

  constructor(random: () => number) {
    const { clock, cluster } = this;
    this.reflector = new Reflector({
      client: cluster,
      clock,
      random,
      path: '/model',
      view,
      timing: { pageSize: 2 },
      limits: { pinMs: 10_000 },
    });
  }

  async carryOut(act: Act): Promise<void> {
    const { cluster, reflector } = this;
    switch (act.kind) {
      case 'put':
        cluster.put(act.uid, act.text);
        break;
      case 'write':
        cluster.put(act.uid, act.text);
        reflector.accept(cluster.objects.get(act.uid));
        break;
      case 'delete':
        cluster.delete(act.uid);
        break;
      case 'fail':
        cluster.failures.push(...act.failures);
        break;
      case 'wait':
        await this.pass(act.ms);
        break;
      case 'garbage':
        cluster.garbage(act.text);
        break;
      case 'backup':
        this.#backup = { version: cluster.version, objects: new Map(cluster.objects) };
        break;
      case 'restore':
        cluster.restore(this.#backup.version, this.#backup.objects);
        break;
      case 'compact':
        cluster.compact();
        break;
      case 'cut':
        cluster.cut();
        break;
      case 'end':
        cluster.endWatches();
        break;
      case 'mute':
        cluster.mute();
        break;
      case 'bookmark':
        cluster.bookmark();
        break;
    }
  }

  /** Time passes, and the server sends its bookmarks. */
  async pass(ms: number): Promise<void> {
    const endMs = this.clock.nowMs() + ms;
    while (this.clock.nowMs() < endMs) {
      this.clock.advance(Math.min(20_000, endMs - this.clock.nowMs()));
      await settle();
      this.cluster.bookmark();
    }
    await settle();
  }
}

describe('a reflector, whatever happens to it', () => {
  it('ends with what the server has, and calls nothing deleted that is there', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { maxLength: 30 }),
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 10 }),
        async (acts, draws) => {
          let drawn = 0;
          const world = new World(() => draws[(drawn += 1) % draws.length] ?? 0);
          world.reflector.start();
          for (const next of acts) {
            await world.carryOut(next);
            if (next.kind !== 'put') await settle();
          }
          world.cluster.failures.length = 0;
          await world.pass(700_000);
          const truth = [...world.cluster.objects].filter(([, object]) => object.text !== 'boring');
          const expected = Object.fromEntries(truth.map(([key, object]) => [key, object.text]));
          expect(Object.fromEntries(world.reflector.items())).toEqual(expected);
          expect(world.reflector.state()).toMatchObject({ kind: 'synced', lastError: undefined });
          for (const key of Object.keys(expected)) expect(world.reflector.deleted.has(key)).toBe(false);
          await world.reflector.close();
        },
      ),
      { numRuns: 150 },
    );
  });
});
