import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { status as grpcStatus } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { connect, type ApiConnection } from '../../src/cli/api-client.js';
import { toPlain } from '../../src/cli/output.js';
import { top } from '../../src/cli/top-command.js';
import { watchIntents, watchJournal } from '../../src/cli/watch-command.js';
import { watchTopology } from '../../src/cli/watch-topology.js';
import { ObjectKind } from '../../src/gen/proto/dpu/agent/v1/common_pb.js';
import { ListResponseSchema } from '../../src/gen/proto/dpu/agent/v1/intent_pb.js';
import {
  JournalEntry_Outcome,
  JournalService,
  ListEntriesResponseSchema,
} from '../../src/gen/proto/dpu/agent/v1/journal_pb.js';
import { OffloadService } from '../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import { StatsRow_Kind, StatsService } from '../../src/gen/proto/dpu/agent/v1/stats_pb.js';
import { TopologyService, WatchTopologyResponseSchema } from '../../src/gen/proto/dpu/agent/v1/topology_pb.js';
import { systemClock } from '../../src/lib/clock.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import { served } from './grpc-server.js';
import { recordingContext, startSteering, type Recorded, type Steering } from './steering.js';

let world: Steering | undefined;

afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
});

const until = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** Runs until the text was printed. */
async function printedBy(context: Recorded, running: Promise<number>, text: string): Promise<string> {
  await eventually(() => context.printed.join('').includes(text), `${text} printed`);
  context.abort.abort();
  await running;
  return context.printed.join('').replaceAll(/^\d\d:\d\d:\d\d/gm, 'TIME');
}

const bridge = (name: string, version: bigint, failMode: string) => ({
  ref: { kind: ObjectKind.BRIDGE, name },
  version,
  object: { case: 'bridge', value: { isPresent: true, failMode } } as const,
});

const snapshotOf = (resourceVersion: string, ...objects: readonly ReturnType<typeof bridge>[]) =>
  create(WatchTopologyResponseSchema, {
    event: { case: 'snapshot', value: { resourceVersion, objects: [...objects], isComplete: true } },
  });

const lost = () => Object.assign(new Error('going'), { code: grpcStatus.UNAVAILABLE, details: 'going' });

describe('dpuctl watch topology', () => {
  it('prints a line a change, resumes after a lost connection, and starts over with what differs only', async () => {
    const asked: string[] = [];
    world = await startSteering(
      served(TopologyService, {
        async *watchTopology({ resourceVersion }, { signal }) {
          asked.push(resourceVersion);
          if (asked.length === 1) {
            yield snapshotOf('1', bridge('br0', 1n, ''), bridge('br1', 1n, ''));
            yield { event: { case: 'delta', value: { resourceVersion: '2', changed: [bridge('br0', 2n, 'secure')] } } };
            throw lost();
          }
          if (asked.length === 2) {
            yield { event: { case: 'startOver', value: { reason: 'Expired', message: 'too far behind' } } };
            throw Object.assign(new Error('x'), { code: grpcStatus.OUT_OF_RANGE, details: 'too far behind' });
          }
          yield snapshotOf('9', bridge('br0', 8n, 'secure'), bridge('br2', 9n, ''));
          await until(signal);
        },
      }),
    );
    const context = recordingContext(world.connection);
    const printed = await printedBy(context, watchTopology(context, []), '+ bridge br2');
    expect(printed).toBe(
      [
        'TIME = bridge br0',
        'TIME = bridge br1',
        'TIME ~ bridge br0: failMode none → secure',
        'TIME - bridge br1',
        'TIME + bridge br2',
        '',
      ].join('\n'),
    );
    expect(asked).toEqual(['', '2', '']);
    expect(context.warned.join('')).toContain('starting over: too far behind');
  });
});

describe('dpuctl watch -o json and yaml', () => {
  const changes = async function* (signal: AbortSignal) {
    yield snapshotOf('1', bridge('br0', 1n, ''));
    const removed = [{ kind: ObjectKind.BRIDGE, name: 'br0' }];
    yield { event: { case: 'delta', value: { resourceVersion: '2', removed } } } as const;
    await until(signal);
  };

  it('prints objects as an answer has them, and names one that is gone by its ref', async () => {
    world = await startSteering(served(TopologyService, { watchTopology: (_request, { signal }) => changes(signal) }));
    const context = recordingContext(world.connection, 'json');
    const printed = await printedBy(context, watchTopology(context, []), 'removed');
    const ref = { kind: 'OBJECT_KIND_BRIDGE', name: 'br0', bridge: '' };
    const [present, removed] = printed.trim().split('\n');
    expect(JSON.parse(present ?? '')).toMatchObject({
      event: 'present',
      ref,
      object: { ref, version: '1', conditions: [], bridge: { failMode: '', isPresent: true } },
    });
    expect(JSON.parse(removed ?? '')).toMatchObject({ event: 'removed', ref, object: null });
  });

  it('prints documents of YAML', async () => {
    world = await startSteering(served(TopologyService, { watchTopology: (_request, { signal }) => changes(signal) }));
    const context = recordingContext(world.connection, 'yaml');
    const printed = await printedBy(context, watchTopology(context, []), 'removed');
    expect(parseAllDocuments(printed).map((document) => document.toJS() as unknown)).toMatchObject([
      { event: 'present', object: { ref: { name: 'br0' } } },
      { event: 'removed', object: null },
    ]);
  });

  it('prints entries of the journal with every field', async () => {
    const entry = { sequence: 1n, summary: 'x' };
    world = await startSteering(
      served(JournalService, {
        listEntries: () => ({ entries: [entry] }),
        async *watchEntries(_request, { signal }) {
          yield { instanceId: 'one', entries: [entry] };
          await until(signal);
        },
      }),
    );
    const context = recordingContext(world.connection, 'json');
    const printed = await printedBy(context, watchJournal(context, { tail: 5 }), 'summary');
    const answer = await world.connection.service(JournalService).listEntries({});
    expect([JSON.parse(printed)]).toEqual((toPlain(ListEntriesResponseSchema, answer) as { entries: unknown }).entries);
  });

  it('tells of an owner whose bundle is gone without inventing one', async () => {
    let lists = 0;
    world = await startSteering();
    const connection: ApiConnection = {
      ...world.connection,
      service: () => ({
        list: () => {
          lists += 1;
          const intents = lists === 1 ? [{ status: { owner: 'fleet' } }] : [];
          return Promise.resolve(create(ListResponseSchema, { intents }));
        },
      }),
    } as never;
    const context = {
      ...recordingContext(connection, 'json'),
      clock: { ...systemClock, after: (_ms: number, call: () => void) => systemClock.after(0, call) },
    };
    const printed = await printedBy(context, watchIntents(context, undefined), 'removed');
    expect(
      printed
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { event: 'present', owner: 'fleet', status: { owner: 'fleet', generation: '0', conditions: [] } },
      { event: 'removed', owner: 'fleet', status: null },
    ]);
  });
});

describe('dpuctl watch journal', () => {
  it('goes on after the last entry, and begins anew with a new agent', async () => {
    const entry = (sequence: bigint, summary: string) => ({
      sequence,
      summary,
      actor: 'agent',
      outcome: JournalEntry_Outcome.APPLIED,
      time: timestampFromMs(0),
      details: ['a: 1'],
    });
    const asked: unknown[] = [];
    world = await startSteering(
      served(JournalService, {
        listEntries: () => ({ instanceId: 'two' }),
        async *watchEntries({ afterSequence, tail }, { signal }) {
          asked.push([afterSequence, tail]);
          if (asked.length === 1) {
            yield { instanceId: 'one', entries: [entry(41n, 'first')] };
            throw lost();
          }
          yield { instanceId: 'two', entries: [entry(1n, 'second')], missedCount: 3n };
          await until(signal);
        },
      }),
    );
    const context = recordingContext(world.connection);
    const printed = await printedBy(context, watchJournal(context, { tail: 5 }), 'second');
    expect(printed).toBe('TIME applied agent: first\n           a: 1\nTIME applied agent: second\n           a: 1\n');
    expect(asked).toEqual([
      [0n, 5],
      [0n, 1_000],
    ]);
    expect(context.warned.join('')).toContain('3 entries were dropped');
  });
});

describe('dpuctl watch intents', () => {
  const status = { owner: 'fleet', generation: 3n, phase: 'ready', conditions: [], findings: [], wallMs: 0 } as const;

  it('follows one owner without making it present', async () => {
    world = await startSteering();
    world.desk.show(status);
    const context = recordingContext(world.connection);
    const printed = await printedBy(context, watchIntents(context, 'fleet'), 'ready');
    expect(printed).toBe('TIME owner fleet, generation 3: ready\n');
    expect(world.desk.presences.size).toBe(0);
  });

  it('fails at once where nobody answers', async () => {
    world = await startSteering();
    await world.server[Symbol.asyncDispose]();
    await expect(watchIntents(recordingContext(world.connection), 'fleet')).rejects.toMatchObject({
      code: 'NOT_CONNECTED',
    });
  });
});

describe('dpuctl top --once', () => {
  it('prints the rates between two readings', async () => {
    const row = (ms: number, bytes: bigint) => ({
      key: 'k',
      kind: StatsRow_Kind.PORT,
      name: 'p0',
      bridge: 'br0',
      observedAt: timestampFromMs(ms),
      received: { packets: 0n, bytes },
    });
    world = await startSteering(
      served(StatsService, {
        async *watchStats(_request, { signal }) {
          yield { observedAt: timestampFromMs(0), rows: [row(0, 0n)] };
          yield { observedAt: timestampFromMs(1_000), rows: [row(1_000, 1_000n)] };
          await until(signal);
        },
      }),
      served(OffloadService, {}),
    );
    const context = recordingContext(world.connection);
    const options = { isOnce: true, rowsMax: undefined, intervalMs: 1_000, terminalRows: undefined };
    expect(await top(context, options)).toBe(0);
    expect(context.printed.join('')).toMatch(/port {2}p0 {4}br0 {5}0 {9}- {9}8k/);
  });

  const quiet = () =>
    startSteering(
      served(StatsService, {
        async *watchStats(_request, { signal }) {
          const received = { packets: 0n, bytes: 0n };
          const row = { key: 'k', kind: StatsRow_Kind.PORT, name: 'p0', bridge: 'br0', received };
          yield { observedAt: timestampFromMs(0), rows: [{ ...row, observedAt: timestampFromMs(0) }] };
          await until(signal);
        },
      }),
      served(OffloadService, {}),
    );

  it('ends after an interval on a switch where nothing moves, and says that no rate is known', async () => {
    world = await quiet();
    const context = recordingContext(world.connection);
    const options = { isOnce: true, rowsMax: undefined, intervalMs: 20, terminalRows: undefined };
    expect(await top(context, options)).toBe(0);
    expect(context.printed.join('')).toMatch(/port {2}p0 {4}br0 {5}- {9}-/);
  });

  it('draws at once, and again at every interval, where nothing moves', async () => {
    world = await quiet();
    const context = recordingContext(world.connection, 'json');
    const options = { isOnce: false, rowsMax: undefined, intervalMs: 20, terminalRows: undefined };
    const running = top(context, options);
    await eventually(() => context.printed.length >= 2, 'two screens');
    context.abort.abort();
    expect(await running).toBe(0);
    expect(JSON.parse(context.printed[0] ?? '')).toMatchObject({
      rows: [{ kind: 'port', name: 'p0', network: '', receivedPerSecond: { packets: null, bits: null, drops: null } }],
    });
  });
});

describe('an agent that says nothing', () => {
  it('is no reason to wait for ever', async () => {
    world = await startSteering(
      served(StatsService, {
        // eslint-disable-next-line require-yield -- it says nothing
        async *watchStats(_request, { signal }) {
          await until(signal);
        },
      }),
    );
    const { path } = world.server;
    const connection = connect({ kind: 'unix', path }, { clock: systemClock, deadlineMs: 50 });
    try {
      const options = { isOnce: false, rowsMax: undefined, intervalMs: 20, terminalRows: undefined };
      await expect(top(recordingContext(connection), options)).rejects.toMatchObject({
        code: 'DEADLINE_EXCEEDED',
        message: `the agent at unix:${path} does not answer: nothing came in 0.05 s`,
        remedy: 'See whether it runs and what it does: systemctl status dpu-node-agent.',
      });
    } finally {
      connection.close();
    }
  });
});
