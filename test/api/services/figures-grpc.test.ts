/** Node, counters, offload and journal over a real connection: what a client of grpc-js gets. */

import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { StatsRow } from '../../../src/agent/api-view.js';
import { Journal } from '../../../src/agent/journal.js';
import { StatusKeeper } from '../../../src/agent/status-keeper.js';
import { journalService } from '../../../src/api/services/journal.js';
import { nodeService } from '../../../src/api/services/node.js';
import { offloadService } from '../../../src/api/services/offload.js';
import { statsService } from '../../../src/api/services/stats.js';
import { JournalService, type WatchEntriesResponse } from '../../../src/gen/proto/dpu/agent/v1/journal_pb.js';
import { NodeService } from '../../../src/gen/proto/dpu/agent/v1/node_pb.js';
import { OffloadService, OffloadStatus_Engine } from '../../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import { StatsService, type WatchStatsResponse } from '../../../src/gen/proto/dpu/agent/v1/stats_pb.js';
import { systemClock } from '../../../src/lib/clock.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { FakeOffload } from '../../fakes/offload-world.js';
import { call, failureOf, Rig, stream } from '../grpc/rig.js';

const row = (packets: bigint): StatsRow => ({
  key: 'port/p0',
  kind: 'port',
  name: 'p0',
  bridge: 'br0',
  interface: 'p0',
  wallMs: 1_000,
  received: { packets },
  sent: { packets: 0n },
});

describe('the figures of the agent over gRPC', () => {
  const journal = new Journal(10);
  let rows: readonly StatsRow[] = [];
  let rig: Rig | undefined;

  const start = async (): Promise<Rig> => {
    const clock = systemClock;
    const answer = () => ({ wallMs: 1, rows, problems: [] });
    const services = [
      nodeService({
        node: { facts: () => Promise.reject(new Error('nobody asks')) },
        status: new StatusKeeper(),
        instanceId: 'i1',
        clock,
      }),
      statsService({ stats: { interfaces: answer, read: () => Promise.resolve(answer()) }, clock }),
      offloadService({ offload: FakeOffload.rich(), clock }),
      journalService({ journal, instanceId: 'i1', clock }),
    ];
    rig = await Rig.start({}, { services });
    return rig;
  };
  afterEach(async () => {
    expect(rig?.bugs).toEqual([]);
    await rig?.stop();
  });

  it('keep unknown counters apart from zero, and exact beyond 2^53', async () => {
    const client = (await start()).client();
    rows = [row(2n ** 60n + 1n)];
    const answer = await call(client, StatsService.method.getStats);
    expect(answer.rows[0]?.received?.packets).toBe(2n ** 60n + 1n);
    expect(answer.rows[0]?.received?.bytes).toBeUndefined();
    expect(answer.rows[0]?.sent?.packets).toBe(0n);
    const { status: offload } = await call(client, OffloadService.method.getOffloadStatus);
    expect(offload?.engine).toBe(OffloadStatus_Engine.DOCA);
    expect(offload?.supervision?.settings.map(({ effective }) => effective)).toEqual(['true', '250000', undefined]);
    const { flows } = await call(client, OffloadService.method.listSoftwareFlows, { countMax: 500 });
    expect(flows.map(({ reason, idle }) => [reason, idle?.nanos])).toEqual([
      ['ct_ipv6_disabled', 400_000_000],
      ['ct_new', undefined],
    ]);
  });

  it('are followed by streams, which end with the caller', async () => {
    const client = (await start()).client();
    rows = [row(1n)];
    const counted: bigint[] = [];
    const stats = stream(client, StatsService.method.watchStats, { interval: { seconds: 0n, nanos: 500_000_000 } });
    stats.on('data', (message) => {
      for (const each of (message as WatchStatsResponse).rows) counted.push(each.received?.packets ?? -1n);
    });
    stats.on('error', () => undefined);
    const sequences: bigint[] = [];
    let isGreeted = false;
    const entries = stream(client, JournalService.method.watchEntries);
    entries.on('data', (message) => {
      isGreeted = true;
      for (const { sequence } of (message as WatchEntriesResponse).entries) sequences.push(sequence);
    });
    entries.on('error', () => undefined);
    await eventually(() => counted.length === 1 && isGreeted, 'both have begun');
    rows = [row(2n)];
    const made = { wallMs: 1, summary: 's', details: [], outcome: 'applied', message: undefined, tookMs: 0 } as const;
    journal.add(made);
    await eventually(() => counted.length === 2 && sequences.length === 1, 'both have told the news');
    expect(counted).toEqual([1n, 2n]);
    expect(sequences).toEqual([1n]);
    stats.cancel();
    entries.cancel();
  });

  it('refuse with the code of the status that fits', async () => {
    const client = (await start()).client();
    expect(await failureOf(call(client, NodeService.method.getStatus))).toMatchObject({ code: status.UNAVAILABLE });
    const page = call(client, JournalService.method.listEntries, { pageSize: 1_001 });
    expect(await failureOf(page)).toMatchObject({ code: status.INVALID_ARGUMENT });
  });
});
