import { create, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { CallContext } from '../../../src/api/grpc/service.js';
import { partObjectCountMax, topologyService } from '../../../src/api/services/topology.js';
import { ObjectKind } from '../../../src/gen/proto/dpu/agent/v1/common_pb.js';
import {
  GetTopologyRequestSchema,
  GetTopologyResponseSchema,
  type TopologySnapshot,
  WatchTopologyRequestSchema,
  WatchTopologyResponseSchema,
} from '../../../src/gen/proto/dpu/agent/v1/topology_pb.js';
import { settle } from '../../fakes/agent-world.js';
import { bridgeRow, netdev, portRow } from '../../fakes/plan-rows.js';
import { TopologyWorld } from '../../fakes/topology-world.js';

type WatchMessage = MessageShape<typeof WatchTopologyResponseSchema>;

const caller = { identity: 'test', roles: new Set(['viewer'] as const), owners: undefined };

function contextOf(signal = new AbortController().signal): CallContext {
  return { signal, caller };
}

/** A world with one bridge and one port, and the service over it. */
class Served {
  readonly world: TopologyWorld;
  readonly #handlers;

  constructor(options: ConstructorParameters<typeof TopologyWorld>[0] = {}) {
    this.world = new TopologyWorld(options);
    const { hub: topology, clock } = this.world;
    this.#handlers = topologyService({ topology, clock, instanceId: 'now' }).handlers;
  }

  fill(): this {
    this.world.bridges = new Map([['br-a', bridgeRow('br-a')]]);
    this.setPort('p1', 1);
    return this;
  }

  setPort(name: string, ofport: number): void {
    this.world.setPort(portRow(name, 'br-a', {}, { ofport }));
    this.world.hub.look();
  }

  async get(kinds: ObjectKind[] = []): Promise<MessageShape<typeof GetTopologyResponseSchema>> {
    const answer = await this.#handlers.getTopology(create(GetTopologyRequestSchema, { kinds }), contextOf());
    return create(GetTopologyResponseSchema, answer);
  }

  watch(
    request: MessageInitShape<typeof WatchTopologyRequestSchema> = {},
    signal?: AbortSignal,
  ): () => Promise<WatchMessage['event'] | undefined> {
    const answers = this.#handlers.watchTopology(create(WatchTopologyRequestSchema, request), contextOf(signal));
    const iterator = answers[Symbol.asyncIterator]();
    return async () => {
      const next = await iterator.next();
      return next.done === true ? undefined : create(WatchTopologyResponseSchema, next.value).event;
    };
  }
}

const namesOf = (objects: WatchMessage['event']['value'] & object): unknown => {
  if ('objects' in objects) return objects.objects.map(({ ref }) => ref?.name);
  return 'changed' in objects ? objects.changed.map(({ ref }) => ref?.name) : undefined;
};

describe('GetTopology', () => {
  it('answers all objects with a version', async () => {
    const { resourceVersion, objects } = await new Served().fill().get();
    expect(resourceVersion).toBe('now.1');
    expect(objects.map(({ object }) => object.case)).toEqual(['bridge', 'port']);
  });

  it('answers the kinds that are asked for', async () => {
    const { objects } = await new Served().fill().get([ObjectKind.PORT, ObjectKind.CHAIN]);
    expect(objects.map(({ ref }) => ref?.name)).toEqual(['p1']);
  });

  const others = [
    ObjectKind.UNSPECIFIED,
    ObjectKind.CHAIN_PORT,
    ObjectKind.INTENT,
    ObjectKind.VSWITCHD,
    999 as unknown as ObjectKind,
  ];

  it.each(others)('refuses kind %i, naming the field', async (kind) => {
    const request = new Served().fill().get([ObjectKind.PORT, kind]);
    await expect(request).rejects.toMatchObject({ code: 'API_INVALID', violations: [{ field: 'kinds[1]' }] });
  });

  it('says that nothing has been read yet, and not that nothing is there', async () => {
    await expect(new Served().get()).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });
});

describe('WatchTopology', () => {
  it('begins with what is there and goes on with what changes', async () => {
    const served = new Served().fill();
    const next = served.watch();
    expect(await next()).toMatchObject({
      case: 'snapshot',
      value: {
        resourceVersion: 'now.1',
        isComplete: true,
        objects: [{ ref: { name: 'br-a' } }, { ref: { name: 'p1' } }],
      },
    });
    served.setPort('p2', 2);
    expect(await next()).toMatchObject({
      case: 'delta',
      value: { resourceVersion: 'now.2', changed: [{ ref: { name: 'p2', bridge: 'br-a' }, version: 2n }], removed: [] },
    });
    served.world.removePort('p1');
    served.world.hub.look();
    expect(await next()).toMatchObject({
      case: 'delta',
      value: { resourceVersion: 'now.3', changed: [], removed: [{ kind: ObjectKind.PORT, name: 'p1' }] },
    });
  });

  it('waits for the first look', async () => {
    const served = new Served();
    const next = served.watch();
    const first = next();
    await settle();
    served.fill();
    expect(await first).toMatchObject({ case: 'snapshot', value: { isComplete: true, objects: [{}, {}] } });
  });

  it('sends a large snapshot in parts of one version, though all changes meanwhile', async () => {
    const served = new Served();
    const names = Array.from({ length: 450 }, (_, at) => `p${String(at).padStart(3, '0')}`);
    served.world.ports = new Map(names.map((name) => [name, portRow(name, 'br-a')]));
    served.world.hub.look();
    const next = served.watch();
    const parts: TopologySnapshot[] = [];
    for (let at = 0; at < 3; at += 1) {
      const event = await next();
      if (event?.case === 'snapshot') parts.push(event.value);
      served.setPort('p449', 100 + at);
    }
    expect(parts.map(({ objects }) => objects.length)).toEqual([partObjectCountMax, partObjectCountMax, 50]);
    expect(parts.map(({ isComplete }) => isComplete)).toEqual([false, false, true]);
    expect(new Set(parts.map(({ resourceVersion }) => resourceVersion)).size).toBe(1);
    expect(parts.flatMap(({ objects }) => objects).map(({ ref }) => ref?.name)).toEqual(names);
    expect(parts[2]?.objects.at(-1)?.object.value).toMatchObject({ interfaces: [{ ofport: 1 }] });
    expect(await next()).toMatchObject({ case: 'delta', value: { changed: [{ ref: { name: 'p449' } }] } });
  });

  it('sends an empty snapshot where there is nothing of a kind', async () => {
    const next = new Served().fill().watch({ kinds: [ObjectKind.CHAIN] });
    expect(await next()).toMatchObject({ case: 'snapshot', value: { isComplete: true, objects: [] } });
  });

  it('goes on after a version without a snapshot', async () => {
    const served = new Served().fill();
    served.setPort('p2', 2);
    served.setPort('p3', 3);
    const event = await served.watch({ resourceVersion: 'now.1' })();
    expect(event?.case).toBe('delta');
    expect(event?.value && namesOf(event.value)).toEqual(['p2', 'p3']);
  });

  it('gives one who watches some kinds only those, and a version to resume from all the same', async () => {
    const served = new Served().fill();
    served.world.netdevs = new Map([['p0', netdev('p0', { kind: 'uplink' })]]);
    served.world.hub.look();
    const next = served.watch({ kinds: [ObjectKind.REPRESENTOR] });
    expect((await next())?.case).toBe('snapshot');
    const waiting = next();
    for (let ofport = 2; ofport < 6; ofport += 1) {
      served.setPort('p1', ofport);
      await settle();
    }
    served.world.netdevs = new Map([['p0', netdev('p0', { kind: 'uplink', mtu: 9000 })]]);
    served.world.hub.look();
    const event = await waiting;
    expect(event?.value && namesOf(event.value)).toEqual(['p0']);

    // Ports change without end: nothing to tell, but what could be resumed from must not grow old.
    const bookmark = next();
    served.setPort('p1', 7);
    await settle();
    served.world.clock.advance(29_999);
    served.setPort('p1', 8);
    await settle();
    served.world.clock.advance(1);
    served.setPort('p1', 9);
    const { version } = served.world.hub.snapshot();
    expect(await bookmark).toMatchObject({ case: 'bookmark', value: { resourceVersion: `now.${version}` } });
  });

  it('says that nothing has changed', async () => {
    const served = new Served().fill();
    const next = served.watch({ resourceVersion: 'now.1' });
    const waiting = next();
    await settle();
    served.world.clock.advance(30_000);
    expect(await waiting).toMatchObject({ case: 'bookmark', value: { resourceVersion: 'now.1' } });
  });

  it.each([
    ['of another instance', 'before.1', 'OtherInstance'],
    ['from the future', 'now.99', 'Unknown'],
    ['that is garbage', 'give me all', 'Unknown'],
  ])('tells one with a version %s to start over, and ends with an error', async (_, resourceVersion, reason) => {
    const next = new Served().fill().watch({ resourceVersion });
    expect(await next()).toMatchObject({ case: 'startOver', value: { reason } });
    await expect(next()).rejects.toMatchObject({ code: 'API_EXPIRED' });
  });

  it('tells one who reads too slowly to start over', async () => {
    const served = new Served({ ring: { stepCountMax: 10, objectCountMax: 100, sizeBytesMax: 2 ** 20 } }).fill();
    const next = served.watch();
    await next();
    for (let ofport = 2; ofport < 20; ofport += 1) served.setPort('p1', ofport);
    expect(await next()).toMatchObject({ case: 'startOver', value: { reason: 'Expired' } });
    await expect(next()).rejects.toMatchObject({ code: 'API_EXPIRED' });
  });

  it('refuses a kind that the topology does not have', async () => {
    const next = new Served().fill().watch({ kinds: [ObjectKind.CHAIN_PORT] });
    await expect(next()).rejects.toMatchObject({ code: 'API_INVALID' });
  });

  it('ends when the caller has gone', async () => {
    const abort = new AbortController();
    const served = new Served().fill();
    const next = served.watch({ resourceVersion: 'now.1' }, abort.signal);
    const waiting = next();
    await settle();
    abort.abort();
    expect(await waiting).toBeUndefined();
    expect(served.world.hub.stats().waitingCount).toBe(0);
    const early = new Served();
    const first = early.watch({}, abort.signal)();
    expect(await first).toBeUndefined();
  });
});
