/** `dpuctl watch journal` and `watch intents`: a line for each change, through restarts of the agent. */

import { toJson, type JsonValue } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { IntentService, type IntentStatus, IntentStatusSchema } from '../gen/proto/dpu/agent/v1/intent_pb.js';
import {
  type JournalEntry,
  JournalEntry_OutcomeSchema,
  JournalEntrySchema,
  JournalService,
  type WatchEntriesResponse,
} from '../gen/proto/dpu/agent/v1/journal_pb.js';
import { delay } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import { wordOf } from '../words/enum-words.js';
import type { CommandContext } from './command-context.js';
import { follow } from './follow.js';
import { formatIntentStatus } from './intent-text.js';
import { listIntents } from './list-intents.js';
import { isForPeople, itemPrinter, toPlain } from './output.js';

export interface WatchJournalOptions {
  /** How many of the entries that are there come first. */
  readonly tail: number;
}

/** `08:12:44 applied controller fleet-1: apply generation 3`, with the differences below. */
export function formatEntry({ time, summary, details, outcome, message, actor }: JournalEntry): string {
  const at = time === undefined ? '--:--:--' : new Date(timestampMs(time)).toISOString().slice(11, 19);
  const word = wordOf(JournalEntry_OutcomeSchema, outcome) ?? 'unknown';
  const why = message === '' ? '' : `: ${safeText(message, 1_000)}`;
  const lines = details.map((detail) => `           ${safeText(detail, 1_000)}\n`);
  return `${at} ${word} ${safeText(actor)}: ${safeText(summary, 400)}${why}\n${lines.join('')}`;
}

/** Where a reader of the journal is. */
interface JournalPlace {
  instanceId: string;
  sequence: bigint;
  tail: number;
}

/** Numbers of another instance mean nothing: after a restart everything that the new one has is new. */
async function* journalFrom(
  context: CommandContext,
  place: JournalPlace,
  signal: AbortSignal,
): AsyncIterable<WatchEntriesResponse> {
  const journal = context.connection.service(JournalService);
  if (place.instanceId !== '') {
    const { instanceId } = await journal.listEntries({ pageSize: 1 }, { signal });
    if (instanceId !== place.instanceId) {
      context.warn('dpuctl: the agent was started anew\n');
      Object.assign(place, { instanceId, sequence: 0n, tail: 1_000 });
    }
  }
  yield* journal.watchEntries({ afterSequence: place.sequence, tail: place.tail }, { signal });
}

/** Prints the newest entries, then each new one. */
export async function watchJournal(context: CommandContext, { tail }: WatchJournalOptions): Promise<number> {
  const place: JournalPlace = { instanceId: '', sequence: 0n, tail };
  const printItem = await itemPrinter(context);
  await follow(context, {
    open: (signal) => journalFrom(context, place, signal),
    take: ({ entries, missedCount, instanceId }) => {
      place.instanceId = instanceId;
      if (missedCount > 0n) context.warn(`dpuctl: ${missedCount} entries were dropped before they could be sent\n`);
      for (const entry of entries) {
        if (isForPeople(context)) context.print(formatEntry(entry));
        else printItem(toPlain(JournalEntrySchema, entry));
        place.sequence = entry.sequence;
      }
      return false;
    },
  });
  return 0;
}

/** Prints what becomes of the bundles of owners. */
class IntentLog {
  readonly #context: CommandContext;
  readonly #printItem: (item: JsonValue) => void;
  readonly #prints = new Map<string, string>();

  constructor(context: CommandContext, printItem: (item: JsonValue) => void) {
    this.#context = context;
    this.#printItem = printItem;
  }

  get owners(): readonly string[] {
    return [...this.#prints.keys()];
  }

  /** What is as it was is not printed. */
  put(status: IntentStatus): void {
    const before = this.#prints.get(status.owner);
    const print = printOf(status);
    if (before === print) return;
    this.#prints.set(status.owner, print);
    if (isForPeople(this.#context)) this.#context.print(`${this.#time().slice(11, 19)} ${formatIntentStatus(status)}`);
    else this.#item(before === undefined ? 'present' : 'changed', status.owner, status);
  }

  remove(owner: string): void {
    this.#prints.delete(owner);
    if (isForPeople(this.#context)) this.#context.print(`owner ${safeText(owner)} has no bundle any more\n`);
    else this.#item('removed', owner, undefined);
  }

  #time(): string {
    return new Date(this.#context.clock.wallMs()).toISOString();
  }

  #item(event: string, owner: string, status: IntentStatus | undefined): void {
    const plain = status === undefined ? null : toPlain(IntentStatusSchema, status);
    this.#printItem({ time: this.#time(), event, owner, status: plain });
  }
}

/** Owners come and go seldom; nothing tells of them but the list. */
const listIntervalMs = 2_000;

async function watchOwner(context: CommandContext, log: IntentLog, owner: string): Promise<void> {
  await follow(context, {
    open: (signal) => context.connection.service(IntentService).watchStatus({ owner }, { signal }),
    take: ({ status }) => {
      if (status !== undefined) log.put(status);
      return false;
    },
  });
}

/** What a change of a status is told by: everything but when it was seen. */
const printOf = (status: IntentStatus): string =>
  JSON.stringify(toJson(IntentStatusSchema, { ...status, observedAt: undefined }));

async function* statuses(context: CommandContext, signal: AbortSignal): AsyncIterable<readonly IntentStatus[]> {
  for (;;) {
    const intents = await listIntents(context.connection, signal);
    yield intents.flatMap(({ status }) => (status === undefined ? [] : [status]));
    await delay(context.clock, listIntervalMs, signal);
  }
}

async function watchOwners(context: CommandContext, log: IntentLog): Promise<void> {
  await follow(context, {
    open: (signal) => statuses(context, signal),
    take: (list) => {
      const gone = log.owners.filter((owner) => list.every((status) => status.owner !== owner));
      for (const owner of gone) log.remove(owner);
      for (const status of list) log.put(status);
      return false;
    },
  });
}

/** Prints the status of one owner's bundle, or of all, now and whenever it differs. Makes no controller present. */
export async function watchIntents(context: CommandContext, owner: string | undefined): Promise<number> {
  const log = new IntentLog(context, await itemPrinter(context));
  if (owner === undefined) await watchOwners(context, log);
  else await watchOwner(context, log, owner);
  return 0;
}
