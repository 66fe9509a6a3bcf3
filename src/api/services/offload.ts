/** OffloadService: engine and settings, and what is known of each object, once or at an interval. */

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { OffloadEngine, OffloadRow, OffloadSource } from '../../agent/api-view.js';
import {
  OffloadRow_Kind,
  type OffloadRowSchema,
  OffloadRow_Verdict,
  type OffloadSelector,
  OffloadService,
  OffloadStatus_Engine,
  type WatchOffloadResponse,
  WatchOffloadResponseSchema,
} from '../../gen/proto/dpu/agent/v1/offload_pb.js';
import type { Clock } from '../../lib/clock.js';
import { encodeMap } from '../encode/common.js';
import type { ServiceEntry } from '../grpc/service.js';
import { portions, sortRows } from './changed-rows.js';
import { readInterval, readNames, type IntervalBounds } from './pace.js';
import { SharedRows, type RowAnswer, type RowChanges } from './shared-rows.js';

export interface OffloadServiceParts {
  readonly offload: OffloadSource;
  readonly clock: Clock;
}

const intervalBounds: IntervalBounds = { minMs: 1_000, maxMs: 3_600_000, defaultMs: 10_000 };

const engines: Readonly<Record<OffloadEngine, OffloadStatus_Engine>> = {
  unknown: OffloadStatus_Engine.UNSPECIFIED,
  none: OffloadStatus_Engine.NONE,
  tc: OffloadStatus_Engine.TC,
  dpdk: OffloadStatus_Engine.DPDK,
  doca: OffloadStatus_Engine.DOCA,
  userspace: OffloadStatus_Engine.USERSPACE,
};

const kinds: Readonly<Record<OffloadRow['kind'], OffloadRow_Kind>> = {
  port: OffloadRow_Kind.PORT,
  attachment: OffloadRow_Kind.ATTACHMENT,
  chain: OffloadRow_Kind.CHAIN,
};
const kindOrder = ['port', 'attachment', 'chain'] as const;

const verdicts: Readonly<Record<OffloadRow['verdict'], OffloadRow_Verdict>> = {
  unknown: OffloadRow_Verdict.UNKNOWN,
  software: OffloadRow_Verdict.SOFTWARE,
  hardware: OffloadRow_Verdict.HARDWARE,
  partial: OffloadRow_Verdict.PARTIAL,
};

interface Selection {
  /** The same text only for those who want the same rows. */
  readonly topic: string;
  readonly isWanted: (row: OffloadRow) => boolean;
}

/** Which rows; a selector that selects no kind is taken as one that was left out: all kinds. */
function readSelector(selector: OffloadSelector | undefined): Selection {
  const { ports = false, attachments = false, chains = false } = selector ?? {};
  const isAll = !(ports || attachments || chains);
  const wanted = { port: ports || isAll, attachment: attachments || isAll, chain: chains || isAll };
  const names = readNames(selector?.names ?? []);
  return {
    topic: JSON.stringify([wanted, [...names].sort()]),
    isWanted: ({ kind, name }) => wanted[kind] && (names.size === 0 || names.has(name)),
  };
}

export function encodeOffloadRow(row: OffloadRow): MessageInitShape<typeof OffloadRowSchema> {
  const { key, kind, name, verdict, reason, message } = row;
  return { key, kind: kinds[kind], name, interface: row.interface, verdict: verdicts[verdict], reason, message };
}

const versionOf = ({ verdict, reason, message, ...row }: OffloadRow): string =>
  `${verdict};${reason};${row.interface};${message}`;

function encodeChanges({
  answer,
  changed,
  removed,
}: RowChanges<OffloadRow, RowAnswer<OffloadRow>>): readonly WatchOffloadResponse[] {
  return portions(sortRows(changed, kindOrder)).map((part, index) =>
    create(WatchOffloadResponseSchema, {
      rows: part.map(encodeOffloadRow),
      removed: index === 0 ? [...removed] : [],
      problems: [...answer.problems],
    }),
  );
}

/** The service over what the agent can say of offload. Role of all its methods: viewer. */
export function offloadService({ offload, clock }: OffloadServiceParts): ServiceEntry<typeof OffloadService> {
  const shared = new SharedRows({ clock, versionOf, encode: encodeChanges });
  return {
    service: OffloadService,
    handlers: {
      getOffloadStatus() {
        const { engine, isConfigured, settings, notes } = offload.status();
        return {
          status: { engine: engines[engine], isConfigured, settings: encodeMap(settings), notes: [...notes] },
        };
      },
      listOffload({ selector }) {
        const rows = offload.rows().filter(readSelector(selector).isWanted);
        return { rows: sortRows(rows, kindOrder).map(encodeOffloadRow), problems: [...offload.problems()] };
      },
      async *watchOffload({ selector, interval }, { signal }) {
        const { topic, isWanted } = readSelector(selector);
        const intervalMs = readInterval(interval, intervalBounds);
        const read = () => Promise.resolve({ rows: offload.rows().filter(isWanted), problems: offload.problems() });
        yield* shared.watch(topic, read, intervalMs, signal);
      },
    },
  };
}
