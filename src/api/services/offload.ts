/**
 * OffloadService: engine and settings, what is known of each object, once or at an interval, and the largest flows in
 * software. Asking costs ovs-vswitchd nothing by itself: how often it is asked is the supervisor's plan, whoever asks here.
 */

import { create } from '@bufbuild/protobuf';
import type { OffloadRow, OffloadSource } from '../../agent/api-view.js';
import {
  type OffloadSelector,
  OffloadService,
  type WatchOffloadResponse,
  WatchOffloadResponseSchema,
} from '../../gen/proto/dpu/agent/v1/offload_pb.js';
import type { Clock } from '../../lib/clock.js';
import { encodeOffloadRow, encodeOffloadStatus, encodeSoftwareFlows } from '../encode/offload.js';
import type { ServiceEntry } from '../grpc/service.js';
import { portions, sortRows } from './changed-rows.js';
import { readInterval, readNames, type IntervalBounds } from './pace.js';
import { SharedRows, type RowAnswer, type RowChanges } from './shared-rows.js';
import { readSoftwareFlowsRequest } from './software-flows.js';

export interface OffloadServiceParts {
  readonly offload: OffloadSource;
  readonly clock: Clock;
}

const intervalBounds: IntervalBounds = { minMs: 1_000, maxMs: 3_600_000, defaultMs: 10_000 };

/** A row with all of its reasons has up to 2 kB, so that a message stays below the 4 MiB that clients accept. */
const rowsInMessageMax = 1_000;

const kindOrder = ['port', 'attachment', 'chain'] as const;

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

/** Everything that a row says but its key: the numbers too, so that a share that moves is told. */
function versionOf({ verdict, reason, message, measured, ports = [], ...row }: OffloadRow): string {
  const known = JSON.stringify([measured ?? null, ports]);
  return `${verdict};${reason};${row.interface};${message};${known}`;
}

function encodeChanges({
  answer,
  changed,
  removed,
}: RowChanges<OffloadRow, RowAnswer<OffloadRow>>): readonly WatchOffloadResponse[] {
  return portions(sortRows(changed, kindOrder), rowsInMessageMax).map((part, index) =>
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
        return { status: encodeOffloadStatus(offload.status()) };
      },
      listOffload({ selector }) {
        const rows = offload.rows().filter(readSelector(selector).isWanted);
        return { rows: sortRows(rows, kindOrder).map(encodeOffloadRow), problems: [...offload.problems()] };
      },
      async *watchOffload({ selector, interval }, { signal }) {
        const { topic, isWanted } = readSelector(selector);
        const intervalMs = readInterval(interval, intervalBounds);
        const read = () => Promise.resolve({ rows: offload.rows().filter(isWanted), problems: offload.problems() });
        // For as long as somebody looks, flows are looked at more often.
        const release = offload.watch();
        try {
          yield* shared.watch(topic, read, intervalMs, signal);
        } finally {
          release();
        }
      },
      async listSoftwareFlows(request, { signal }) {
        return encodeSoftwareFlows(await offload.softwareFlows(readSoftwareFlowsRequest(request), signal));
      },
    },
  };
}
