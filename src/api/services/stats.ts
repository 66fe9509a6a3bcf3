/** StatsService: counters once, or at an interval the rows that differ. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DirectionCounters, StatsRow, StatsSelection, StatsSource } from '../../agent/api-view.js';
import {
  type CountersSchema,
  StatsRow_Kind,
  type StatsRowSchema,
  type StatsSelector,
  StatsService,
  type WatchStatsRequest,
  type WatchStatsResponseSchema,
} from '../../gen/proto/dpu/agent/v1/stats_pb.js';
import type { Clock } from '../../lib/clock.js';
import { optional, timestamp } from '../encode/common.js';
import type { ServiceEntry } from '../grpc/service.js';
import { ChangedRows, portions, sortRows } from './changed-rows.js';
import { readInterval, readNames, ticks, type IntervalBounds } from './pace.js';

export interface StatsServiceParts {
  readonly stats: StatsSource;
  readonly clock: Clock;
}

const intervalBounds: IntervalBounds = { minMs: 500, maxMs: 3_600_000, defaultMs: 5_000 };

const kinds: Readonly<Record<StatsRow['kind'], StatsRow_Kind>> = {
  port: StatsRow_Kind.PORT,
  attachment: StatsRow_Kind.ATTACHMENT,
  chainPort: StatsRow_Kind.CHAIN_PORT,
};
const kindOrder = ['port', 'attachment', 'chainPort'] as const;

/** A selector that selects no kind selects nothing but is taken as one that was left out: ports. */
function readSelector(selector: StatsSelector | undefined): StatsSelection {
  const { ports = false, attachments = false, chains = false, names = [] } = selector ?? {};
  return { ports: ports || !(attachments || chains), attachments, chains, names: readNames(names) };
}

function encodeCounters({ packets, bytes, drops, errors }: DirectionCounters): MessageInitShape<typeof CountersSchema> {
  return {
    ...optional('packets', packets),
    ...optional('bytes', bytes),
    ...optional('drops', drops),
    ...optional('errors', errors),
  };
}

export function encodeStatsRow(row: StatsRow): MessageInitShape<typeof StatsRowSchema> {
  const { key, kind, name, bridge, attachment, countedSinceWallMs, wallMs, received, sent } = row;
  return {
    key,
    kind: kinds[kind],
    name,
    bridge,
    interface: row.interface,
    ...attachment,
    ...(countedSinceWallMs === undefined ? {} : { countedSince: timestamp(countedSinceWallMs) }),
    observedAt: timestamp(wallMs),
    received: encodeCounters(received),
    sent: encodeCounters(sent),
  };
}

const wayText = ({ packets, bytes, drops, errors }: DirectionCounters): string =>
  `${packets ?? ''},${bytes ?? ''},${drops ?? ''},${errors ?? ''}`;

/** Everything of a row that its key does not say, but the time: counters that did not move are no news. */
function versionOf(row: StatsRow): string {
  const since = `${row.attachment?.podUid ?? ''};${row.countedSinceWallMs ?? ''}`;
  return `${wayText(row.received)};${wayText(row.sent)};${since};${row.bridge};${row.interface}`;
}

/** The service over what the agent counts. Role of all its methods: viewer. */
export function statsService({ stats, clock }: StatsServiceParts): ServiceEntry<typeof StatsService> {
  return {
    service: StatsService,
    handlers: {
      async getStats({ selector }, { signal }) {
        const { wallMs, rows, problems } = await stats.read(readSelector(selector), signal);
        return {
          observedAt: timestamp(wallMs),
          rows: sortRows(rows, kindOrder).map(encodeStatsRow),
          problems: [...problems],
        };
      },
      watchStats: (request, { signal }) => watchStats(stats, clock, request, signal),
    },
  };
}

/**
 * The first message comes in any case. When all rows do not fit in one message, the next ones follow at once; then there is
 * a message when something differs.
 */
async function* watchStats(
  stats: StatsSource,
  clock: Clock,
  { selector, interval }: WatchStatsRequest,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof WatchStatsResponseSchema>, void, undefined> {
  const selection = readSelector(selector);
  const intervalMs = readInterval(interval, intervalBounds);
  const rows = new ChangedRows<StatsRow>(versionOf);
  let toldProblems: string | undefined;
  for await (const _tick of ticks(clock, intervalMs, signal)) {
    const answer = await stats.read(selection, signal).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (answer === undefined) return;
    const { changed, removed } = rows.next(answer.rows);
    const problems = JSON.stringify(answer.problems);
    if (changed.length + removed.length === 0 && problems === toldProblems) continue;
    toldProblems = problems;
    for (const [index, part] of portions(sortRows(changed, kindOrder)).entries()) {
      yield {
        observedAt: timestamp(answer.wallMs),
        rows: part.map(encodeStatsRow),
        removed: index === 0 ? [...removed] : [],
        problems: [...answer.problems],
      };
    }
  }
}
