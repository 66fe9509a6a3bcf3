import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PodFacts } from '../../src/attach/attachment-view.js';
import type { TopologyEvent } from '../../src/agent/topology.js';
import { settle } from '../fakes/agent-world.js';
import { bridgeIntent, bridgeRow, netdev, portRow } from '../fakes/plan-rows.js';
import { conditionOf, TopologyReader, TopologyWorld } from '../fakes/topology-world.js';

function podOf(name: string, fields: Partial<PodFacts> = {}, message = 'm'): PodFacts {
  return {
    namespace: 'ns',
    name,
    uid: `uid-${name}`,
    nodeName: 'n',
    isHostNetwork: false,
    isTerminal: false,
    isDeleting: false,
    details: 'read',
    detailsProblem: undefined,
    addressed: [],
    bandwidthProblems: [],
    attachments: ['default', 'ns/second'].map((nadKey) => ({
      nadKey,
      state: 'ready',
      reason: 'Ready',
      message,
      pf: 0,
      vf: 1,
      sandboxId: 's',
      ifaceId: 'i',
      device: 'd',
      heldBy: undefined,
      isPlugged: true,
      evidence: { ofport: '1' },
      sinceWallMs: 1,
      readyWallMs: 2,
      lostWallMs: undefined,
      shown: 'Ready',
      wanted: 'Ready',
    })),
    ...fields,
  };
}

const forever = new AbortController().signal;

async function next(watch: AsyncIterator<TopologyEvent>): Promise<TopologyEvent | undefined> {
  const result = await watch.next();
  return result.done === true ? undefined : result.value;
}

describe('the topology hub', () => {
  it('shows nothing until database and devices have been read once', () => {
    const world = new TopologyWorld();
    world.bridges = undefined;
    world.hub.look();
    expect(world.hub.snapshot()).toEqual({ version: 0n, objects: [] });
    world.bridges = new Map();
    world.netdevs = undefined;
    world.hub.look();
    expect(world.hub.snapshot().version).toBe(0n);
    // Devices that cannot be read at all do not hide the switch.
    world.deviceProblem = 'permission denied';
    world.hub.look();
    expect(world.hub.snapshot()).toEqual({ version: 1n, objects: [] });
  });

  it('shows what is there, what is wanted and absent, and what is said of it, sorted', () => {
    const world = new TopologyWorld();
    world.bridges = new Map([bridgeRow('br-b'), bridgeRow('br-a')].map((row) => [row.name, row]));
    world.setPort(portRow('p1', 'br-a'));
    world.netdevs = new Map(
      [netdev('p1', { kind: 'hostVf', evidence: 'devlink' }), netdev('eth9'), netdev('p0', { kind: 'uplink' })].map(
        (entry) => [entry.name, entry],
      ),
    );
    world.wanted = [
      bridgeIntent('br-a', { source: { rank: 1, name: 'controller' } }),
      bridgeIntent('br-a', { mode: 'share', source: { rank: 0, name: 'config.yaml:3' } }),
      bridgeIntent('br-absent'),
    ];
    world.conditions = [
      conditionOf('port', 'p9', { state: 'failed', reason: 'NetdevMissing' }),
      conditionOf('chain', 'refused', { state: 'failed', reason: 'ChainInvalid' }),
      conditionOf('chainPort', 'c1/1/a', { state: 'waiting' }),
      conditionOf('chain', 'c1'),
    ];
    world.chains = [{ intent: { name: 'c1', bridge: 'br-a' }, switches: [], cookie: '0x1' }];
    world.podsLookedMs = 1;
    world.podFacts = [podOf('web')];
    world.hub.look();

    const { objects } = world.hub.snapshot();
    expect(objects.map(({ ref }) => `${ref.kind} ${ref.name}`)).toEqual([
      'bridge br-a',
      'bridge br-absent',
      'bridge br-b',
      'port p1',
      'port p9',
      'representor p0',
      'representor p1',
      'attachment ns/web',
      'attachment ns/web ns/second',
      'chain c1',
      'chain refused',
    ]);
    expect(world.object('bridge', 'br-a')?.facts).toMatchObject({ mode: 'share', source: 'config.yaml:3' });
    expect(world.object('bridge', 'br-absent')?.facts).toMatchObject({ observed: undefined, mode: 'own' });
    expect(world.object('bridge', 'br-b')?.facts).toMatchObject({ mode: undefined, source: undefined });
    expect(world.object('port', 'p9')).toMatchObject({
      ref: { bridge: 'br-a' },
      facts: { observed: undefined },
      conditions: [{ reason: 'NetdevMissing' }],
    });
    expect(world.object('representor', 'p1')?.facts).toMatchObject({ bridge: 'br-a' });
    expect(world.object('representor', 'p0')?.facts).toMatchObject({ bridge: undefined });
    expect(world.object('attachment', 'ns/web')?.conditions).toMatchObject([
      { reason: 'Ready', evidence: { ofport: '1' } },
    ]);
    expect(world.object('chain', 'c1')?.conditions.map(({ object }) => object.kind)).toEqual(['chainPort', 'chain']);
    expect(world.object('chain', 'refused')?.facts).toMatchObject({ view: { switches: [] } });
  });

  it('keeps version and object while all is made anew and nothing differs', () => {
    const world = new TopologyWorld();
    const make = (): void => {
      world.bridges = new Map([['br-a', bridgeRow('br-a')]]);
      world.ports = new Map([['p1', portRow('p1', 'br-a', { externalIds: new Map([['a', 'b']]) })]]);
      world.netdevs = new Map([['p0', netdev('p0', { kind: 'uplink', driverNames: ['mlx5_core'] })]]);
      world.conditions = [conditionOf('port', 'p1', { evidence: { ofport: '1' } })];
      world.chains = [{ intent: { name: 'c1', bridge: 'br-a' }, switches: [{ name: '1', index: 0, ports: [] }] }];
      world.podsLookedMs = (world.podsLookedMs ?? 0) + 1000;
      world.podFacts = [podOf('web')];
      world.clock.advance(1000);
      world.hub.look();
    };
    make();
    const before = world.hub.snapshot();
    make();
    expect(world.podReads).toBe(2);
    expect(world.hub.snapshot()).toBe(before);
  });

  it.each([
    ['a row', (world: TopologyWorld): void => world.setPort(portRow('p1', 'br-a', {}, { ofport: 7 }))],
    ['a bridge of a port', (world: TopologyWorld): void => world.setPort(portRow('p1', 'br-other'))],
    [
      'a message',
      (world: TopologyWorld): void => {
        world.conditions = [conditionOf('port', 'p1', { message: 'Other.' })];
      },
    ],
    [
      'evidence',
      (world: TopologyWorld): void => {
        world.conditions = [conditionOf('port', 'p1', { evidence: { mtu: '9000' } })];
      },
    ],
  ])('gives a new version for %s that differs, to that object alone', (_, change) => {
    const world = new TopologyWorld();
    world.setPort(portRow('p1', 'br-a'));
    world.setPort(portRow('p2', 'br-a'));
    world.conditions = [conditionOf('port', 'p1')];
    world.hub.look();
    const { version } = world.hub.snapshot();
    const other = world.object('port', 'p2');
    change(world);
    world.hub.look();
    expect(world.hub.snapshot().version).toBe(version + 1n);
    expect(world.object('port', 'p1')?.version).toBe(version + 1n);
    expect(world.object('port', 'p2')).toBe(other);
  });

  it('keeps what it has seen while the database cannot be read', () => {
    const world = new TopologyWorld();
    world.setPort(portRow('p1', 'br-a'));
    world.hub.look();
    world.bridges = undefined;
    world.conditions = [conditionOf('port', 'p1', { state: 'failed', reason: 'OvsdbUnavailable' })];
    world.hub.look();
    expect(world.object('port', 'p1')).toMatchObject({
      facts: { observed: { name: 'p1' } },
      conditions: [{ reason: 'OvsdbUnavailable' }],
    });
  });

  it('asks for pods only after they were looked at, and seldom', async () => {
    const world = new TopologyWorld({ podsMs: 500 });
    world.podsLookedMs = 1;
    world.podFacts = [podOf('a')];
    world.clock.advance(20);
    await settle();
    expect(world.podReads).toBe(1);
    for (let change = 0; change < 10; change += 1) {
      world.setPort(portRow(`p${change}`, 'br-a'));
      world.podsLookedMs += 1;
      world.podFacts = [podOf('a', {}, `message ${change}`)];
      world.tell();
      world.clock.advance(20);
      await settle();
    }
    expect(world.podReads).toBe(1);
    expect(world.hub.snapshot().objects.filter(({ ref }) => ref.kind === 'port')).toHaveLength(10);
    // The last look is not forgotten, though nothing else happens.
    world.clock.advance(500);
    await settle();
    expect(world.podReads).toBe(2);
    expect(world.object('attachment', 'ns/a')?.conditions[0]?.message).toBe('message 9');
    world.tell();
    world.clock.advance(1000);
    await settle();
    expect(world.podReads).toBe(2);
    expect(world.bugs).toEqual([]);
  });

  it('shows the second of two looks at the pods that came in the same millisecond', () => {
    const world = new TopologyWorld();
    world.podsLookedMs = 1;
    world.podFacts = [podOf('a', {}, 'first')];
    world.hub.look();
    world.podFacts = [podOf('a', {}, 'second')];
    world.clock.advance(500);
    world.hub.look();
    expect(world.object('attachment', 'ns/a')?.conditions[0]?.message).toBe('second');
  });

  it('shows the new pod where an ending one has the same name', () => {
    const world = new TopologyWorld();
    world.podsLookedMs = 1;
    world.podFacts = [podOf('a', { uid: 'new' }), podOf('a', { uid: 'old', isDeleting: true })];
    world.hub.look();
    expect(world.object('attachment', 'ns/a')?.facts).toMatchObject({ podUid: 'new' });
  });
});

describe('a watch of the topology', () => {
  it('tells changes in order, with nothing kept for it', async () => {
    const world = new TopologyWorld();
    world.hub.look();
    const watch = world.hub.watch(world.hub.snapshot().version, forever);
    world.setPort(portRow('p1', 'br-a'));
    world.hub.look();
    expect(await next(watch)).toMatchObject({ kind: 'delta', changed: [{ ref: { name: 'p1' } }], removed: [] });
    const waiting = next(watch);
    await settle();
    expect(world.hub.stats().waitingCount).toBe(1);
    world.removePort('p1');
    world.hub.look();
    expect(await waiting).toMatchObject({ kind: 'delta', changed: [], removed: [{ kind: 'port', name: 'p1' }] });
    expect(world.hub.stats().waitingCount).toBe(0);
  });

  it('tells one who is behind each object once, in its newest state', async () => {
    const world = new TopologyWorld();
    world.hub.look();
    const { version } = world.hub.snapshot();
    for (let ofport = 1; ofport <= 5; ofport += 1) {
      world.setPort(portRow('p1', 'br-a', {}, { ofport }));
      world.setPort(portRow(`gone${ofport}`, 'br-a'));
      world.hub.look();
      world.removePort(`gone${ofport}`);
      world.hub.look();
    }
    const event = await next(world.hub.watch(version, forever));
    expect(event).toMatchObject({
      version: world.hub.snapshot().version,
      changed: [{ ref: { name: 'p1' }, facts: { observed: { interfaces: [{ ofport: 5 }] } } }],
      removed: [1, 2, 3, 4, 5].map((count) => ({ name: `gone${count}` })),
    });
    // Those who are at the same place are told the same value: its message is made once.
    expect(await next(world.hub.watch(version, forever))).toBe(event);
  });

  it('tells one whose steps are gone to start over, and ends', async () => {
    const world = new TopologyWorld({ ring: { stepCountMax: 3, objectCountMax: 100, sizeBytesMax: 2 ** 20 } });
    world.hub.look();
    const { version } = world.hub.snapshot();
    for (let ofport = 1; ofport <= 4; ofport += 1) {
      world.setPort(portRow('p1', 'br-a', {}, { ofport }));
      world.hub.look();
    }
    const late = world.hub.watch(version, forever);
    expect([await next(late), await next(late)]).toEqual([{ kind: 'startOver' }, undefined]);
    expect(await next(world.hub.watch(version + 1n, forever))).toMatchObject({ kind: 'delta', version: version + 4n });
    const future = world.hub.watch(version + 100n, forever);
    expect(await next(future)).toEqual({ kind: 'startOver' });
  });

  it('tells that nothing has changed, once in a while', async () => {
    const world = new TopologyWorld({ bookmarkMs: 30_000 });
    world.hub.look();
    const watch = world.hub.watch(1n, forever);
    for (let time = 0; time < 2; time += 1) {
      const waiting = next(watch);
      await settle();
      world.clock.advance(30_000);
      expect(await waiting).toEqual({ kind: 'bookmark', version: 1n });
    }
  });

  it('ends with its signal, and with the hub, and leaves nothing behind', async () => {
    const world = new TopologyWorld();
    world.clock.advance(20);
    await settle();
    const abort = new AbortController();
    const first = next(world.hub.watch(1n, abort.signal));
    const second = next(world.hub.watch(1n, forever));
    await settle();
    expect(world.hub.stats().waitingCount).toBe(2);
    abort.abort();
    expect(await first).toBeUndefined();
    await world.hub.close();
    expect(await second).toBeUndefined();
    expect([world.hub.stats().waitingCount, world.clock.timerCount, world.listenerCount]).toEqual([0, 0, 0]);
  });

  it('tells a flood in deltas of bounded size', async () => {
    const world = new TopologyWorld({ stepObjectCountMax: 50, stepBytesMax: 2 ** 20 });
    world.hub.look();
    const reader = new TopologyReader(world.hub.snapshot());
    world.ports = new Map(Array.from({ length: 220 }, (_, at) => [`p${at}`, portRow(`p${at}`, 'br-a')]));
    world.hub.look();
    const watch = world.hub.watch(reader.version, forever);
    const sizes: number[] = [];
    while (reader.version < world.hub.snapshot().version) {
      const event = await next(watch);
      if (event?.kind !== 'delta') throw new Error(`told ${event?.kind}`);
      sizes.push(event.changed.length);
      reader.apply(event);
    }
    expect(sizes).toEqual([50, 50, 50, 50, 20]);
    expect(reader.equals(world.hub.snapshot())).toBe(true);
  });

  it('bounds what hostile rows make it keep', () => {
    const sizeBytesMax = 2 ** 20;
    const world = new TopologyWorld({ ring: { stepCountMax: 1000, objectCountMax: 1000, sizeBytesMax } });
    for (let round = 0; round < 50; round += 1) {
      world.setPort(portRow('p1', 'br-a', { externalIds: new Map([['k', `${round}`.padEnd(100_000, 'x')]]) }));
      world.hub.look();
      expect(world.hub.stats().sizeBytes).toBeLessThanOrEqual(sizeBytesMax);
    }
    expect(world.hub.stats().stepCount).toBeGreaterThan(5);
  });
});

type Command =
  | { readonly kind: 'set'; readonly port: number; readonly ofport: number }
  | { readonly kind: 'remove'; readonly port: number }
  | { readonly kind: 'condition'; readonly port: number; readonly message: string }
  | { readonly kind: 'flood'; readonly count: number }
  | { readonly kind: 'look' }
  | { readonly kind: 'open' }
  | { readonly kind: 'read'; readonly reader: number }
  | { readonly kind: 'resume'; readonly reader: number };

const port = fc.integer({ min: 0, max: 2 });
const reader = fc.integer({ min: 0, max: 3 });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), port, ofport: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('remove' as const), port }),
  fc.record({ kind: fc.constant('condition' as const), port, message: fc.constantFrom('a', 'b') }),
  fc.record({ kind: fc.constant('flood' as const), count: fc.integer({ min: 1, max: 12 }) }),
  { weight: 4, arbitrary: fc.constant({ kind: 'look' as const }) },
  fc.constant({ kind: 'open' as const }),
  fc.record({ kind: fc.constant('read' as const), reader }),
  fc.record({ kind: fc.constant('resume' as const), reader }),
);

/** One who watches: reads when it likes, and starts over when it is told to. */
class Watcher {
  #reader: TopologyReader;
  #watch: AsyncIterator<TopologyEvent>;
  #pending: Promise<void> | undefined;
  startOvers = 0;
  readonly #world: TopologyWorld;

  constructor(world: TopologyWorld) {
    this.#world = world;
    this.#reader = new TopologyReader(world.hub.snapshot());
    this.#watch = world.hub.watch(this.#reader.version, forever);
  }

  /** Asks for one more event, unless it is asking already. */
  read(): void {
    this.#pending ??= next(this.#watch).then((event) => {
      this.#pending = undefined;
      if (event?.kind === 'delta') this.#reader.apply(event);
      else if (event?.kind === 'startOver') this.#startOver();
      // The hub was closed while this one waited.
      else expect(event).toBeUndefined();
    });
  }

  /** A new watch that goes on where this one is. One that has asked and was not answered has lost nothing. */
  resume(): void {
    if (this.#pending === undefined) this.#watch = this.#world.hub.watch(this.#reader.version, forever);
  }

  async catchUp(): Promise<boolean> {
    while (this.#reader.version < this.#world.hub.snapshot().version) {
      this.read();
      await this.#pending;
    }
    return this.#reader.equals(this.#world.hub.snapshot());
  }

  #startOver(): void {
    this.startOvers += 1;
    this.#reader = new TopologyReader(this.#world.hub.snapshot());
    this.#watch = this.#world.hub.watch(this.#reader.version, forever);
  }
}

async function run(world: TopologyWorld, watchers: Watcher[], step: Command): Promise<void> {
  switch (step.kind) {
    case 'set':
      world.setPort(portRow(`p${step.port}`, 'br-a', {}, { ofport: step.ofport }));
      return;
    case 'remove':
      world.removePort(`p${step.port}`);
      return;
    case 'condition':
      world.conditions = [conditionOf('port', `p${step.port}`, { message: step.message })];
      return;
    case 'flood':
      for (let at = 0; at < step.count; at += 1)
        world.setPort(portRow(`flood${at}`, 'br-a', {}, { ofport: step.count }));
      return;
    case 'look':
      world.hub.look();
      await settle();
      return;
    case 'open':
      if (watchers.length < 4) watchers.push(new Watcher(world));
      return;
    case 'read':
      watchers[step.reader]?.read();
      await Promise.resolve();
      return;
    case 'resume':
      watchers[step.reader]?.resume();
      return;
  }
}

describe('any readers of any changes', () => {
  it('end with what the hub has, and never see a version twice, a step back or a gap', async () => {
    let startOvers = 0;
    let reads = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { maxLength: 60, size: 'max' }),
        fc.integer({ min: 2, max: 12 }),
        async (steps, stepCountMax) => {
          const ring = { stepCountMax, objectCountMax: 20, sizeBytesMax: 2 ** 20 };
          const world = new TopologyWorld({ ring, stepObjectCountMax: 5 });
          world.hub.look();
          const watchers = [new Watcher(world)];
          for (const step of steps) await run(world, watchers, step);
          world.hub.look();
          for (const watcher of watchers) {
            expect(await watcher.catchUp()).toBe(true);
            startOvers += watcher.startOvers;
          }
          reads += steps.filter(({ kind }) => kind === 'read').length;
          await world.hub.close();
        },
      ),
      { numRuns: 200 },
    );
    // Both ways were gone.
    expect([startOvers, reads].every((count) => count > 0)).toBe(true);
  });
});
