/** `dpuctl apply`, `diff` and `delete intents`: one owner's bundle handed in, compared, and taken back. */

import { equals } from '@bufbuild/protobuf';
import {
  type ApplyResponse,
  ApplyResponseSchema,
  type Bundle,
  BundleSchema,
  DeleteResponseSchema,
  type Intent,
  IntentService,
  type IntentStatus,
  IntentStatus_Phase,
  IntentStatusSchema,
} from '../gen/proto/dpu/agent/v1/intent_pb.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { parseBundle, readBundleText } from './bundle-file.js';
import { type CommandContext, exitNotReady } from './command-context.js';
import { follow } from './follow.js';
import { formatIntentStatus, formatPhase, formatPlan } from './intent-text.js';
import { isForPeople, printMessage } from './output.js';

/** Who wants what a person applies by hand. */
export const ownerDefault = 'dpuctl';
export const waitMsDefault = 60_000;

export interface ApplyOptions {
  /** A path, or `-` for standard input. */
  readonly file: string;
  readonly owner: string;
  /** Undefined: the one in force where the content is the same, else the next. */
  readonly generation: bigint | undefined;
  readonly isDryRun: boolean;
  /** How long to wait for the bundle to be ready, ms; undefined: not at all. */
  readonly waitMs: number | undefined;
}

export type DiffOptions = Pick<ApplyOptions, 'file' | 'owner' | 'generation'>;

async function intentOf({ connection, signal }: CommandContext, owner: string): Promise<Intent | undefined> {
  try {
    return (await connection.service(IntentService).get({ owner }, { signal })).intent;
  } catch (error) {
    if (error instanceof AgentError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** The generation in force where the content is the same, else the one after it. */
function nextGeneration(held: Intent | undefined, bundle: Bundle): bigint {
  if (held === undefined) return 1n;
  const isSame = held.bundle !== undefined && equals(BundleSchema, held.bundle, bundle);
  return isSame ? held.generation : held.generation + 1n;
}

interface Draft {
  readonly owner: string;
  readonly generation: bigint;
  readonly bundle: Bundle;
}

async function draftOf(context: CommandContext, options: DiffOptions): Promise<Draft> {
  const { owner, file } = options;
  const bundle = parseBundle(readBundleText(file), file === '-' ? 'standard input' : file);
  const generation = options.generation ?? nextGeneration(await intentOf(context, owner), bundle);
  return { owner, generation, bundle };
}

function sendDraft(context: CommandContext, draft: Draft, isDryRun: boolean): Promise<ApplyResponse> {
  const { connection, signal } = context;
  return connection.service(IntentService).apply({ ...draft, isDryRun }, { signal });
}

/** Whether the answer to a dry run says that something would be different. */
function wouldChange({ plan, isRepeated }: ApplyResponse): boolean {
  return !isRepeated || (plan !== undefined && plan.changes.length + plan.flowChanges.length > 0);
}

function planText({ owner, generation }: Draft, answer: ApplyResponse): string {
  const text = answer.plan === undefined ? '' : formatPlan(answer.plan);
  const who = `owner ${safeText(owner)}, generation ${generation}`;
  if (text !== '') return `${who} changes:\n${text}`;
  return answer.isRepeated ? `${who} is in force; nothing changes\n` : `${who}: the switch stays as it is\n`;
}

/** Prints what the bundle would change; 3 when something would. */
export async function diff(context: CommandContext, options: DiffOptions): Promise<number> {
  const draft = await draftOf(context, options);
  const answer = await sendDraft(context, draft, true);
  if (isForPeople(context)) context.print(planText(draft, answer));
  else await printMessage(context, ApplyResponseSchema, answer);
  return wouldChange(answer) ? exitNotReady : 0;
}

/** Hands the bundle in; prints what changes. */
export async function apply(context: CommandContext, options: ApplyOptions): Promise<number> {
  const draft = await draftOf(context, options);
  const preview = await sendDraft(context, draft, true);
  if (isForPeople(context)) context.print(planText(draft, preview));
  if (options.isDryRun) {
    if (!isForPeople(context)) await printMessage(context, ApplyResponseSchema, preview);
    return 0;
  }
  const answer = await sendDraft(context, draft, false);
  if (options.waitMs !== undefined) return waitReady(context, draft, options.waitMs);
  if (!isForPeople(context)) await printMessage(context, ApplyResponseSchema, answer);
  else if (answer.status !== undefined) context.print(`${formatPhase(answer.status)}\n`);
  return 0;
}

const isSettled = ({ phase }: IntentStatus): boolean =>
  phase === IntentStatus_Phase.READY || phase === IntentStatus_Phase.DEGRADED;

/** Follows the bundle until it is ready or degraded, or the time is over. 0: ready, 3: not. */
async function waitReady(context: CommandContext, draft: Draft, waitMs: number): Promise<number> {
  const { connection, clock } = context;
  const time = new AbortController();
  const timer = clock.after(waitMs, () => time.abort());
  const signal = AbortSignal.any([context.signal, time.signal]);
  const { owner } = draft;
  let last: IntentStatus | undefined;
  let told = '';
  try {
    await follow(
      { ...context, signal },
      {
        open: (ended) => connection.service(IntentService).watchStatus({ owner }, { signal: ended }),
        take: ({ status }) => {
          if (status === undefined || status.generation < draft.generation) return false;
          last = status;
          const line = `${formatPhase(status)}\n`;
          if (isForPeople(context) && line !== told && !isSettled(status)) context.print(line);
          told = line;
          return isSettled(status);
        },
      },
    );
  } finally {
    timer.cancel();
  }
  return showOutcome(context, draft, last, waitMs);
}

async function showOutcome(
  context: CommandContext,
  draft: Draft,
  last: IntentStatus | undefined,
  waitMs: number,
): Promise<number> {
  if (last === undefined) {
    const who = `owner ${safeText(draft.owner)}, generation ${draft.generation}`;
    throw new AgentError('DEADLINE_EXCEEDED', `nothing was heard of ${who} for ${waitMs / 1_000} s`, {
      remedy: 'It was accepted; dpuctl get intents shows what became of it.',
    });
  }
  if (isForPeople(context)) context.print(formatIntentStatus(last));
  else await printMessage(context, IntentStatusSchema, last);
  if (!isSettled(last)) context.warn(`dpuctl: not ready after ${waitMs / 1_000} s\n`);
  return last.generation === draft.generation && last.phase === IntentStatus_Phase.READY ? 0 : exitNotReady;
}

export interface DeleteOptions {
  readonly owner: string;
  /** Only if it is in force; undefined: any. */
  readonly generation: bigint | undefined;
}

/** Takes an owner's bundle back. */
export async function deleteIntents(context: CommandContext, { owner, generation }: DeleteOptions): Promise<number> {
  const { connection, signal } = context;
  const answer = await connection.service(IntentService).delete({ owner, generation: generation ?? 0n }, { signal });
  if (isForPeople(context)) {
    context.print(`owner ${safeText(owner)} wants nothing any more; what was made for it is removed after a while\n`);
  } else {
    await printMessage(context, DeleteResponseSchema, answer);
  }
  return 0;
}
