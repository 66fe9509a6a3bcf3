/** The journal in the words of `dpu/agent/v1/journal.proto`. Pure. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { JournalEntry } from '../../agent/journal.js';
import {
  JournalEntry_Kind,
  JournalEntry_Outcome,
  type JournalEntrySchema,
} from '../../gen/proto/dpu/agent/v1/journal_pb.js';
import { optional, timestamp } from './common.js';

const kinds: Readonly<Record<JournalEntry['kind'], JournalEntry_Kind>> = {
  change: JournalEntry_Kind.CHANGE,
  audit: JournalEntry_Kind.AUDIT,
  event: JournalEntry_Kind.EVENT,
};

const outcomes: Readonly<Record<JournalEntry['outcome'], JournalEntry_Outcome>> = {
  applied: JournalEntry_Outcome.APPLIED,
  conflict: JournalEntry_Outcome.CONFLICT,
  refused: JournalEntry_Outcome.REFUSED,
  unknown: JournalEntry_Outcome.UNKNOWN,
};

export function encodeJournalEntry(entry: JournalEntry): MessageInitShape<typeof JournalEntrySchema> {
  const { sequence, wallMs, kind, actor, summary, details, outcome, message, tookMs } = entry;
  return {
    sequence: BigInt(sequence),
    time: timestamp(wallMs),
    kind: kinds[kind],
    actor,
    summary,
    details: [...details],
    outcome: outcomes[outcome],
    ...optional('message', message),
    durationSeconds: tookMs / 1_000,
  };
}
