import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { StatsAnswer, StatsRow, StatsSelection } from '../../../src/agent/api-view.js';
import { statsService } from '../../../src/api/services/stats.js';
import {
  GetStatsRequestSchema,
  StatsRow_Kind,
  WatchStatsRequestSchema,
} from '../../../src/gen/proto/dpu/agent/v1/stats_pb.js';
import { ManualClock } from '../../config/manual-clock.js';
import { Reader, refusedFields, viewerContext } from '../../fakes/service-calls.js';

const row = (name: string, packets: bigint | undefined, fields: Partial<StatsRow> = {}): StatsRow => ({
  key: `port/${name}`,
  kind: 'port',
  name,
  bridge: 'br0',
  interface: name,
  wallMs: 1_000,
  received: { packets },
  sent: {},
  ...fields,
});

class World {
  readonly clock = new ManualClock();
  readonly asked: StatsSelection[] = [];
  rows: readonly StatsRow[] = [row('b', 2n), row('a', 1n)];
  problems: readonly string[] = [];
  readonly handlers = statsService({
    stats: { interfaces: () => this.#answer(), read: (selection) => this.#read(selection) },
    clock: this.clock,
  }).handlers;

  get(init: MessageInitShape<typeof GetStatsRequestSchema> = {}) {
    return Promise.resolve(this.handlers.getStats(create(GetStatsRequestSchema, init), viewerContext()));
  }

  watch(init: MessageInitShape<typeof WatchStatsRequestSchema> = {}) {
    return new Reader((context) => this.handlers.watchStats(create(WatchStatsRequestSchema, init), context));
  }

  #answer(): StatsAnswer {
    return { wallMs: this.clock.wallMs(), rows: this.rows, problems: this.problems };
  }

  #read(selection: StatsSelection): Promise<StatsAnswer> {
    this.asked.push(selection);
    return Promise.resolve(this.#answer());
  }
}

const namesOf = (message: { readonly rows?: readonly { readonly name?: string }[] } | undefined) =>
  message?.rows?.map(({ name }) => name);

describe('GetStats', () => {
  it('answers rows sorted, with absent counters absent', async () => {
    const world = new World();
    world.problems = ['Bridge br1 does not tell its counters.'];
    const attachment = { namespace: 'ns', pod: 'web', network: 'default', podUid: 'uid-web' };
    world.rows = [
      ...world.rows,
      row('ns/web', 2n ** 63n, { key: 'attachment/x', kind: 'attachment', attachment, countedSinceWallMs: 500 }),
    ];
    const answer = await world.get();
    expect(namesOf(answer)).toEqual(['a', 'b', 'ns/web']);
    expect(answer.problems).toEqual(world.problems);
    expect(answer.rows?.[2]).toEqual({
      key: 'attachment/x',
      kind: StatsRow_Kind.ATTACHMENT,
      name: 'ns/web',
      bridge: 'br0',
      interface: 'ns/web',
      ...attachment,
      countedSince: { seconds: 0n, nanos: 500_000_000 },
      observedAt: { seconds: 1n, nanos: 0 },
      received: { packets: 2n ** 63n },
      sent: {},
    });
  });

  it('asks for ports where nothing is selected, and else for what is', async () => {
    const world = new World();
    await world.get();
    await world.get({ selector: { names: ['p0'] } });
    await world.get({ selector: { chains: true, attachments: true } });
    expect(world.asked.map(({ ports, attachments, chains }) => [ports, attachments, chains])).toEqual([
      [true, false, false],
      [true, false, false],
      [false, true, true],
    ]);
    expect(world.asked[1]?.names).toEqual(new Set(['p0']));
  });

  it('refuses a list of names without end', async () => {
    const names = Array.from({ length: 10_001 }, (_, index) => `p${index}`);
    expect(await refusedFields(() => new World().get({ selector: { names } }))).toEqual(['selector.names']);
  });
});

describe('WatchStats', () => {
  it('sends all rows at first and then, at each interval, those that differ', async () => {
    const world = new World();
    const reader = world.watch({ interval: { seconds: 1n } });
    expect(namesOf(await reader.next())).toEqual(['a', 'b']);
    world.rows = [row('b', 3n), row('a', 1n)];
    expect(await reader.due()).toBeUndefined();
    world.clock.advance(999);
    expect(await reader.due()).toBeUndefined();
    world.clock.advance(1);
    expect(namesOf(await reader.next())).toEqual(['b']);
    await reader.leave();
  });

  it('says nothing while only the time of reading moves', async () => {
    const world = new World();
    const reader = world.watch();
    await reader.next();
    world.rows = world.rows.map((each) => ({ ...each, wallMs: each.wallMs + 5_000 }));
    world.clock.advance(5_000);
    expect(await reader.due()).toBeUndefined();
    await reader.leave();
  });

  it('names rows that are gone, and sends them whole when they come back', async () => {
    const world = new World();
    const reader = world.watch();
    await reader.next();
    expect(await reader.due()).toBeUndefined();
    const [b, a] = world.rows;
    world.rows = [b as StatsRow];
    world.clock.advance(5_000);
    expect(await reader.next()).toMatchObject({ rows: [], removed: ['port/a'] });
    world.rows = [b as StatsRow, a as StatsRow];
    world.clock.advance(5_000);
    // The reader was not waiting when the time came: it asks, and is told at the next one.
    expect(await reader.due()).toBeUndefined();
    world.clock.advance(5_000);
    expect(await reader.next()).toMatchObject({ rows: [{ name: 'a' }], removed: [] });
    await reader.leave();
  });

  it('tells a row whose counters are those of another pod, though all are zero', async () => {
    const world = new World();
    const of = (podUid: string, countedSinceWallMs: number) => [
      row('ns/web', 0n, {
        key: 'attachment/ns/web/default',
        kind: 'attachment',
        attachment: { namespace: 'ns', pod: 'web', network: 'default', podUid },
        countedSinceWallMs,
      }),
    ];
    world.rows = of('one', 1_000);
    const reader = world.watch({ interval: { seconds: 1n } });
    await reader.next();
    for (const [uid, since] of [
      ['two', 1_000],
      ['two', 2_000],
    ] as const) {
      expect(await reader.due()).toBeUndefined();
      world.rows = of(uid, since);
      world.clock.advance(1_000);
      expect(await reader.next()).toMatchObject({ rows: [{ podUid: uid }] });
    }
    await reader.leave();
  });

  it('tells a counter that became unknown, and one that moved to another bridge', async () => {
    const world = new World();
    const reader = world.watch();
    await reader.next();
    world.rows = [row('b', undefined), row('a', 1n, { bridge: 'br1' })];
    expect(await reader.due()).toBeUndefined();
    world.clock.advance(5_000);
    const message = await reader.next();
    expect(namesOf(message)).toEqual(['a', 'b']);
    expect(message.rows?.[1]?.received?.packets).toBeUndefined();
    await reader.leave();
  });

  it('lets a slow reader skip intervals and miss no row', async () => {
    const world = new World();
    const reader = world.watch({ interval: { seconds: 1n } });
    await reader.next();
    for (let second = 1; second <= 30; second += 1) {
      world.rows = [row('b', BigInt(second)), row('a', 1n), ...(second > 10 ? [row('late', 7n)] : [])];
      world.clock.advance(1_000);
    }
    const asked = world.asked.length;
    expect(await reader.due()).toBeUndefined();
    world.clock.advance(1_000);
    const message = await reader.next();
    expect(namesOf(message)).toEqual(['b', 'late']);
    expect(message.rows?.[0]?.received?.packets).toBe(30n);
    expect(world.asked.length).toBe(asked + 1);
    await reader.leave();
  });

  it('reads and makes messages once for all who select the same, whenever they began', async () => {
    const world = new World();
    const first = world.watch({ interval: { seconds: 1n } });
    await first.next();
    world.clock.advance(400);
    const readers = [first, ...[1, 2, 3].map(() => world.watch({ interval: { seconds: 1n } }))];
    for (const reader of readers.slice(1)) expect(namesOf(await reader.next())).toEqual(['a', 'b']);
    for (const reader of readers) expect(await reader.due()).toBeUndefined();
    world.rows = [row('b', 3n), row('a', 1n)];
    const asked = world.asked.length;
    world.clock.advance(600);
    const messages = await Promise.all(readers.map((reader) => reader.next()));
    expect(namesOf(messages[0])).toEqual(['b']);
    expect(new Set(messages).size).toBe(1);
    expect(world.asked.length).toBe(asked + 1);
    await Promise.all(readers.map((reader) => reader.leave()));
  });

  it('tells one who skipped what differs from what it was told, and not what others were', async () => {
    const world = new World();
    const [quick, slow] = [world.watch({ interval: { seconds: 1n } }), world.watch({ interval: { seconds: 3n } })];
    await quick.next();
    await slow.next();
    expect(await slow.due()).toBeUndefined();
    for (const rows of [[row('b', 3n)], [row('b', 4n), row('c', 1n)], [row('b', 4n), row('c', 1n), row('a', 1n)]]) {
      expect(await quick.due()).toBeUndefined();
      world.rows = rows;
      world.clock.advance(1_000);
      await quick.next();
    }
    expect(await slow.next()).toMatchObject({ rows: [{ name: 'b' }, { name: 'c' }], removed: [] });
    await Promise.all([quick.leave(), slow.leave()]);
  });

  it('tells problems when they come and when they go', async () => {
    const world = new World();
    const reader = world.watch();
    expect(await reader.next()).toMatchObject({ problems: [] });
    for (const problems of [['The counters are not followed.'], []]) {
      world.problems = problems;
      expect(await reader.due()).toBeUndefined();
      world.clock.advance(5_000);
      expect(await reader.next()).toMatchObject({ rows: [], problems });
    }
    await reader.leave();
  });

  it('sends many rows in several messages, none of them twice', async () => {
    const world = new World();
    world.rows = Array.from({ length: 4_500 }, (_, index) => row(`p${String(index).padStart(4, '0')}`, 1n));
    const reader = world.watch();
    const parts = [await reader.next(), await reader.next(), await reader.next()];
    expect(parts.flatMap((part) => namesOf(part) ?? [])).toEqual(world.rows.map(({ name }) => name));
    expect(await reader.due()).toBeUndefined();
    await reader.leave();
  });

  it.each([
    { seconds: 0n, nanos: 499_000_000 },
    { seconds: 3_600n, nanos: 1_000_000 },
    { seconds: -1n, nanos: 0 },
    { seconds: 0n, nanos: 0 },
  ])('refuses the interval %o', async (interval) => {
    expect(await refusedFields(() => new World().watch({ interval }).next())).toEqual(['interval']);
  });

  it.each([
    { seconds: 0n, nanos: 500_000_000 },
    { seconds: 3_600n, nanos: 0 },
  ])('takes the interval %o', async (interval) => {
    const reader = new World().watch({ interval });
    expect(namesOf(await reader.next())).toEqual(['a', 'b']);
    await reader.leave();
  });

  it('leaves no timer behind when the caller goes', async () => {
    const world = new World();
    const reader = world.watch();
    await reader.next();
    expect(await reader.due()).toBeUndefined();
    expect(world.clock.timerCount).toBe(1);
    await reader.leave();
    expect(world.clock.timerCount).toBe(0);
  });
});
