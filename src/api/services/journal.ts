/** JournalService: entries by number, or each new one as it is written. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { JournalSource } from '../../agent/api-view.js';
import {
  JournalService,
  type ListEntriesRequest,
  type WatchEntriesRequest,
  type WatchEntriesResponseSchema,
} from '../../gen/proto/dpu/agent/v1/journal_pb.js';
import type { JournalEntry } from '../../agent/journal.js';
import type { Clock } from '../../lib/clock.js';
import { AgentError } from '../../lib/errors.js';
import { uint64 } from '../encode/common.js';
import { encodeJournalEntry } from '../encode/journal.js';
import type { ServiceEntry } from '../grpc/service.js';
import { RequestError } from '../request-error.js';
import { Waker } from './pace.js';

export interface JournalServiceParts {
  readonly journal: JournalSource;
  /** New with each start of the process: numbers of another instance mean nothing. */
  readonly instanceId: string;
  readonly clock: Clock;
}

const pageSizeMax = 1_000;
const pageSizeDefault = 100;
/** Entries in one message of a watch: an entry is some kilobytes at most. */
const batchSizeMax = 100;

function invalid(field: string, description: string): RequestError {
  return new RequestError('API_INVALID', `${field}: ${description}`, [{ field, description, reason: 'API_INVALID' }]);
}

/** Numbers count up from 1; one that no journal reaches is brought to the greatest that can be said. */
function toNumber(sequence: bigint): number {
  return Number(sequence > BigInt(Number.MAX_SAFE_INTEGER) ? BigInt(Number.MAX_SAFE_INTEGER) : sequence);
}

/** @throws AgentError API_EXPIRED for numbers of another instance: here they are those of other entries */
function requireInstance(asked: string, instanceId: string): void {
  if (asked === '' || asked === instanceId) return;
  throw new AgentError('API_EXPIRED', 'The numbers are of another instance: the agent was restarted.', {
    facts: { reason: 'OtherInstance' },
    remedy: 'Ask again without numbers and instance: it begins with the newest entries.',
  });
}

/** The service over the journal. Role of all its methods: viewer. */
export function journalService(parts: JournalServiceParts): ServiceEntry<typeof JournalService> {
  const { journal, instanceId } = parts;
  return {
    service: JournalService,
    handlers: {
      listEntries(request) {
        requireInstance(request.instanceId, instanceId);
        const bounds = journal.bounds();
        return {
          entries: listEntries(journal, request).map(encodeJournalEntry),
          instanceId,
          oldestSequence: uint64(bounds?.oldest ?? 0),
          newestSequence: uint64(bounds?.newest ?? 0),
        };
      },
      watchEntries: (request, { signal }) => watchEntries(parts, request, signal),
    },
  };
}

/** @throws RequestError API_INVALID */
function listEntries(journal: JournalSource, request: ListEntriesRequest): readonly JournalEntry[] {
  const { fromSequence, toSequence, pageSize } = request;
  if (pageSize > pageSizeMax)
    throw invalid('page_size', `allowed: 1 to ${pageSizeMax}; 0 stands for ${pageSizeDefault}`);
  if (toSequence !== 0n && fromSequence > toSequence) {
    throw invalid('to_sequence', 'allowed: 0, or not less than from_sequence');
  }
  const count = pageSize === 0 ? pageSizeDefault : pageSize;
  const newest = journal.bounds()?.newest ?? 0;
  const to = toSequence === 0n ? newest : Math.min(newest, toNumber(toSequence));
  const from = fromSequence === 0n ? to - count + 1 : toNumber(fromSequence);
  return journal.range(Math.max(1, from), to, count);
}

/**
 * The first message comes at once, if only to name the instance. Nothing is kept for a reader but the number that it has
 * reached: what the journal has dropped by then is counted, not sent.
 * @throws RequestError API_INVALID
 */
async function* watchEntries(
  { journal, instanceId, clock }: JournalServiceParts,
  { afterSequence, tail, instanceId: numbersOf }: WatchEntriesRequest,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof WatchEntriesResponseSchema>, void, undefined> {
  requireInstance(numbersOf, instanceId);
  if (tail > pageSizeMax) throw invalid('tail', `allowed: 0 to ${pageSizeMax}`);
  const newest = journal.bounds()?.newest ?? 0;
  if (afterSequence > BigInt(newest)) {
    throw invalid('after_sequence', `no entry has this number, the newest is ${newest}; was the agent restarted?`);
  }
  let reached = afterSequence === 0n ? newest - journal.tail(tail).length : toNumber(afterSequence);
  let isFirst = true;
  const waker = new Waker(signal, clock);
  const unsubscribe = journal.onEntry(waker.ring);
  try {
    while (!signal.aborted) {
      const kept = journal.bounds();
      const missed = kept === undefined ? 0 : Math.max(0, kept.oldest - 1 - reached);
      reached += missed;
      const entries = kept === undefined ? [] : journal.range(reached + 1, kept.newest, batchSizeMax);
      if (entries.length === 0 && missed === 0 && !isFirst) {
        await waker.next();
        continue;
      }
      isFirst = false;
      reached += entries.length;
      yield { entries: entries.map(encodeJournalEntry), missedCount: uint64(missed), instanceId };
    }
  } finally {
    unsubscribe();
    waker.close();
  }
}
