import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { OffloadRow, OffloadStatus } from '../../../src/agent/api-view.js';
import { offloadService } from '../../../src/api/services/offload.js';
import {
  GetOffloadStatusRequestSchema,
  ListOffloadRequestSchema,
  OffloadRow_Kind,
  OffloadRow_Verdict,
  OffloadStatus_Engine,
  WatchOffloadRequestSchema,
} from '../../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import { ManualClock } from '../../config/manual-clock.js';
import { Reader, refusedFields, viewerContext } from '../../fakes/service-calls.js';

const row = (kind: OffloadRow['kind'], name: string, verdict: OffloadRow['verdict'] = 'unknown'): OffloadRow => ({
  key: `${kind}/${name}`,
  kind,
  name,
  interface: kind === 'port' ? name : '',
  verdict,
  reason: 'NotMeasured',
  message: 'Nobody has looked.',
});

class World {
  readonly clock = new ManualClock();
  status: OffloadStatus = {
    engine: 'tc',
    isConfigured: true,
    settings: new Map([['hw-offload', 'true']]),
    notes: ['A note.'],
  };
  problems: readonly string[] = [];
  rows: readonly OffloadRow[] = [row('chain', 'c'), row('port', 'p1'), row('attachment', 'ns/web'), row('port', 'p0')];
  readonly handlers = offloadService({
    offload: { status: () => this.status, rows: () => this.rows, problems: () => this.problems },
    clock: this.clock,
  }).handlers;

  async keys(init: MessageInitShape<typeof ListOffloadRequestSchema> = {}) {
    const answer = await this.handlers.listOffload(create(ListOffloadRequestSchema, init), viewerContext());
    return answer.rows?.map(({ key }) => key);
  }

  watch(init: MessageInitShape<typeof WatchOffloadRequestSchema> = {}) {
    return new Reader((context) => this.handlers.watchOffload(create(WatchOffloadRequestSchema, init), context));
  }
}

describe('GetOffloadStatus', () => {
  it('tells engine, settings and notes', async () => {
    const world = new World();
    const request = create(GetOffloadStatusRequestSchema);
    expect(await world.handlers.getOffloadStatus(request, viewerContext())).toEqual({
      status: {
        engine: OffloadStatus_Engine.TC,
        isConfigured: true,
        settings: { 'hw-offload': 'true' },
        notes: ['A note.'],
      },
    });
  });
});

describe('ListOffload', () => {
  it('has all kinds where none is selected, sorted by kind and name', async () => {
    expect(await new World().keys()).toEqual(['port/p0', 'port/p1', 'attachment/ns/web', 'chain/c']);
  });

  it('has the kinds and names that are selected', async () => {
    const world = new World();
    expect(await world.keys({ selector: { chains: true } })).toEqual(['chain/c']);
    expect(await world.keys({ selector: { names: ['ns/web', 'p1'] } })).toEqual(['port/p1', 'attachment/ns/web']);
    expect(await world.keys({ selector: { ports: true, names: ['c'] } })).toEqual([]);
  });

  it('tells a row whole', async () => {
    const world = new World();
    world.rows = [{ ...row('port', 'p0', 'software'), reason: 'EngineIsSoftware' }];
    const answer = await world.handlers.listOffload(create(ListOffloadRequestSchema), viewerContext());
    expect(answer.rows).toEqual([
      {
        key: 'port/p0',
        kind: OffloadRow_Kind.PORT,
        name: 'p0',
        interface: 'p0',
        verdict: OffloadRow_Verdict.SOFTWARE,
        reason: 'EngineIsSoftware',
        message: 'Nobody has looked.',
      },
    ]);
  });
});

describe('WatchOffload', () => {
  it('sends all rows, and then those that differ and the keys of those that are gone', async () => {
    const world = new World();
    const reader = world.watch({ selector: { ports: true }, interval: { seconds: 1n } });
    expect((await reader.next()).rows).toHaveLength(2);
    expect(await reader.due()).toBeUndefined();
    world.rows = [row('port', 'p1', 'software')];
    world.clock.advance(1_000);
    const message = await reader.next();
    expect(message.rows?.map(({ key }) => key)).toEqual(['port/p1']);
    expect(message.removed).toEqual(['port/p0']);
    expect(await reader.due()).toBeUndefined();
    world.clock.advance(1_000);
    expect(await reader.due()).toBeUndefined();
    await reader.leave();
    expect(world.clock.timerCount).toBe(0);
  });

  it('sends a message at once although there is no row', async () => {
    const world = new World();
    world.rows = [];
    const reader = world.watch();
    expect(await reader.next()).toMatchObject({ rows: [], removed: [], problems: [] });
    await reader.leave();
  });

  it('tells problems when they come and when they go, as the list does', async () => {
    const world = new World();
    const reader = world.watch();
    expect(await reader.next()).toMatchObject({ problems: [] });
    for (const problems of [['The database is not readable.'], []]) {
      world.problems = problems;
      const request = create(ListOffloadRequestSchema);
      expect(await world.handlers.listOffload(request, viewerContext())).toMatchObject({ problems });
      expect(await reader.due()).toBeUndefined();
      world.clock.advance(10_000);
      expect(await reader.next()).toMatchObject({ rows: [], removed: [], problems });
    }
    await reader.leave();
  });

  it('refuses an interval below a second', async () => {
    const interval = { seconds: 0n, nanos: 999_000_000 };
    expect(await refusedFields(() => new World().watch({ interval }).next())).toEqual(['interval']);
  });
});
