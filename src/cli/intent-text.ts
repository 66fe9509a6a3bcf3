/** Bundles, their plans and their status as text for a terminal. Pure. */

import {
  type ObjectRef,
  ConditionState,
  type ObjectKind,
  ObjectKindSchema,
} from '../gen/proto/dpu/agent/v1/common_pb.js';
import { type IntentPlan, type IntentStatus, IntentStatus_Phase } from '../gen/proto/dpu/agent/v1/intent_pb.js';
import { safeText } from '../lib/text.js';
import { wordOf } from '../words/enum-words.js';
import { formatTable } from './table.js';

// A newer agent may send numbers that this dpuctl has no word for.
const phaseWords: Readonly<Partial<Record<IntentStatus_Phase, string>>> = {
  [IntentStatus_Phase.UNSPECIFIED]: 'none',
  [IntentStatus_Phase.ACCEPTED]: 'accepted',
  [IntentStatus_Phase.APPLIED]: 'applied',
  [IntentStatus_Phase.READY]: 'ready',
  [IntentStatus_Phase.DEGRADED]: 'degraded',
};

const stateWords: Readonly<Partial<Record<ConditionState, string>>> = {
  [ConditionState.UNSPECIFIED]: 'unknown',
  [ConditionState.READY]: 'ready',
  [ConditionState.WAITING]: 'waiting',
  [ConditionState.FAILED]: 'failed',
};

/** How far a bundle has come, in one word. */
export function phaseWord(phase: IntentStatus_Phase): string {
  return phaseWords[phase] ?? 'unknown';
}

/** `PORT` → `port`, `CHAIN_PORT` → `chain port`. */
export function formatKind(kind: ObjectKind): string {
  return wordOf(ObjectKindSchema, kind)?.replaceAll('-', ' ') ?? 'object';
}

/** `port p0 on br-sfc`; safe to print. */
export function formatRef(ref: ObjectRef | undefined): string {
  if (ref === undefined) return 'something';
  const name = `${formatKind(ref.kind)} ${safeText(ref.name)}`;
  return ref.bridge === '' ? name : `${name} on ${safeText(ref.bridge)}`;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `    ${safeText(line, 2_000)}\n`).join('');
}

/** What a bundle would change: one line a change, with its differences and what it costs below. Empty: nothing. */
export function formatPlan({ changes, flowChanges, findings }: IntentPlan): string {
  const rows = changes.map(({ summary, differences, loss }) => {
    const cost = loss === '' ? '' : `    costs: ${safeText(loss, 400)}\n`;
    return `  ${safeText(summary, 400)}\n${indented(differences)}${cost}`;
  });
  const flows = flowChanges.length === 0 ? '' : `  flows\n${indented(flowChanges)}`;
  const told = findings.map(({ object, reason, message }) => {
    return `  finding: ${formatRef(object)}: ${safeText(reason)}: ${safeText(message, 1_000)}\n`;
  });
  return [...rows, flows, ...told].join('');
}

/** `owner fleet, generation 3: ready`. */
export function formatPhase({ owner, generation, phase }: IntentStatus): string {
  if (generation === 0n) return `owner ${safeText(owner)} has no bundle`;
  return `owner ${safeText(owner)}, generation ${generation}: ${phaseWord(phase)}`;
}

/** The phase, and below it the objects that are not ready, with the reason. */
export function formatIntentStatus(status: IntentStatus): string {
  const open = status.conditions.filter(({ state }) => state !== ConditionState.READY);
  const rows = open.map(({ object, state, reason, message }) => [
    `  ${stateWords[state] ?? 'unknown'}`,
    formatRef(object),
    safeText(reason),
    safeText(message, 1_000),
  ]);
  const findings = status.findings.map(({ object, reason, message, remedy }) => [
    '  finding',
    formatRef(object),
    safeText(reason),
    safeText(remedy === '' ? message : `${message} ${remedy}`, 1_500),
  ]);
  return `${formatPhase(status)}\n${formatTable([...rows, ...findings])}`;
}
