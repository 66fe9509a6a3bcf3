/** OffloadService: engine and settings, and what is known of each object, once or at an interval. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { OffloadEngine, OffloadRow, OffloadSource } from '../../agent/api-view.js';
import {
  OffloadRow_Kind,
  type OffloadRowSchema,
  OffloadRow_Verdict,
  type OffloadSelector,
  OffloadService,
  OffloadStatus_Engine,
  type WatchOffloadRequest,
  type WatchOffloadResponseSchema,
} from '../../gen/proto/dpu/agent/v1/offload_pb.js';
import type { Clock } from '../../lib/clock.js';
import { encodeMap } from '../encode/common.js';
import type { ServiceEntry } from '../grpc/service.js';
import { ChangedRows, portions, sortRows } from './changed-rows.js';
import { readInterval, readNames, ticks, type IntervalBounds } from './pace.js';

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

/** Which rows; a selector that selects no kind is taken as one that was left out: all kinds. */
function readSelector(selector: OffloadSelector | undefined): (row: OffloadRow) => boolean {
  const { ports = false, attachments = false, chains = false } = selector ?? {};
  const isAll = !(ports || attachments || chains);
  const wanted = { port: ports || isAll, attachment: attachments || isAll, chain: chains || isAll };
  const names = readNames(selector?.names ?? []);
  return ({ kind, name }) => wanted[kind] && (names.size === 0 || names.has(name));
}

export function encodeOffloadRow(row: OffloadRow): MessageInitShape<typeof OffloadRowSchema> {
  const { key, kind, name, verdict, reason, message } = row;
  return { key, kind: kinds[kind], name, interface: row.interface, verdict: verdicts[verdict], reason, message };
}

const versionOf = ({ verdict, reason, message, ...row }: OffloadRow): string =>
  `${verdict};${reason};${row.interface};${message}`;

/** The service over what the agent can say of offload. Role of all its methods: viewer. */
export function offloadService({ offload, clock }: OffloadServiceParts): ServiceEntry<typeof OffloadService> {
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
        const rows = offload.rows().filter(readSelector(selector));
        return { rows: sortRows(rows, kindOrder).map(encodeOffloadRow), problems: [...offload.problems()] };
      },
      watchOffload: (request, { signal }) => watchOffload(offload, clock, request, signal),
    },
  };
}

/** The first message comes in any case; all rows may take several. */
async function* watchOffload(
  offload: OffloadSource,
  clock: Clock,
  { selector, interval }: WatchOffloadRequest,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof WatchOffloadResponseSchema>, void, undefined> {
  const isWanted = readSelector(selector);
  const intervalMs = readInterval(interval, intervalBounds);
  const rows = new ChangedRows<OffloadRow>(versionOf);
  let toldProblems: string | undefined;
  for await (const _tick of ticks(clock, intervalMs, signal)) {
    const { changed, removed } = rows.next(offload.rows().filter(isWanted));
    const problems = offload.problems();
    const problemText = JSON.stringify(problems);
    if (changed.length + removed.length === 0 && problemText === toldProblems) continue;
    toldProblems = problemText;
    for (const [index, part] of portions(sortRows(changed, kindOrder)).entries()) {
      yield { rows: part.map(encodeOffloadRow), removed: index === 0 ? [...removed] : [], problems: [...problems] };
    }
  }
}
