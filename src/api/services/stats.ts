/** StatsService: counters once, or at an interval the rows that differ. */

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { DirectionCounters, StatsAnswer, StatsRow, StatsSelection, StatsSource } from '../../agent/api-view.js';
import {
  type CountersSchema,
  StatsRow_Kind,
  type StatsRowSchema,
  type StatsSelector,
  StatsService,
  type WatchStatsResponse,
  WatchStatsResponseSchema,
} from '../../gen/proto/dpu/agent/v1/stats_pb.js';
import type { Clock } from '../../lib/clock.js';
import { optional, timestamp } from '../encode/common.js';
import type { ServiceEntry } from '../grpc/service.js';
import { portions, sortRows } from './changed-rows.js';
import { readInterval, readNames, type IntervalBounds } from './pace.js';
import { SharedRows, type RowChanges } from './shared-rows.js';

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

/** Those who select the same share what is read. */
const topicOf = ({ ports, attachments, chains, names }: StatsSelection): string =>
  JSON.stringify([ports, attachments, chains, [...names].sort()]);

function encodeChanges({ answer, changed, removed }: RowChanges<StatsRow, StatsAnswer>): readonly WatchStatsResponse[] {
  return portions(sortRows(changed, kindOrder)).map((part, index) =>
    create(WatchStatsResponseSchema, {
      observedAt: timestamp(answer.wallMs),
      rows: part.map(encodeStatsRow),
      removed: index === 0 ? [...removed] : [],
      problems: [...answer.problems],
    }),
  );
}

/** The service over what the agent counts. Role of all its methods: viewer. */
export function statsService({ stats, clock }: StatsServiceParts): ServiceEntry<typeof StatsService> {
  const shared = new SharedRows({ clock, versionOf, encode: encodeChanges });
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
      async *watchStats({ selector, interval }, { signal }) {
        const selection = readSelector(selector);
        const intervalMs = readInterval(interval, intervalBounds);
        // Of no single watcher: others may wait for the same, and the question ends by itself.
        const read = () => stats.read(selection, new AbortController().signal);
        yield* shared.watch(topicOf(selection), read, intervalMs, signal);
      },
    },
  };
}
