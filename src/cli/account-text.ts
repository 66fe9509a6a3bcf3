/** What is known of one object as text: conditions with their evidence, findings with their remedy, the changes that name it. */

import type { ObjectAccount } from '../gen/proto/dpu/agent/v1/explain_pb.js';
import { safeText } from '../lib/text.js';
import { formatObject, type Condition, type Finding } from '../model/condition.js';
import { reasons } from '../model/reasons.js';
import { decodeCondition, decodeFinding, decodeJournalEntry, decodeRef } from './decode.js';
import { formatJournalEntry } from './status-text.js';
import { formatRungs } from './why-text.js';

const stateMarks = { ready: '✓', waiting: '…', failed: '✗' } as const;

/** A condition with what its reason means and what it rests on. */
export function conditionLines({ object, state, reason, message, evidence }: Condition): readonly string[] {
  const seen = Object.entries(evidence).map(([key, value]) => `${safeText(key, 64)}=${safeText(value, 200)}`);
  return [
    `  ${stateMarks[state]} ${formatObject(object)}: ${reason}: ${safeText(message, 600)}`,
    ...(reason === 'Ready' || !Object.hasOwn(reasons, reason) ? [] : [`      ${reasons[reason]}`]),
    ...(seen.length === 0 ? [] : [`      ${seen.join(' ')}`]),
  ];
}

export function findingLines({ reason, message, remedy, claimants }: Finding): readonly string[] {
  const who = claimants.map((claimant) => safeText(claimant, 200)).join(', ');
  return [
    `  ! ${reason}: ${safeText(message, 600)}${who === '' ? '' : ` [${who}]`}`,
    `      remedy   ${safeText(remedy, 600)}`,
  ];
}

/** The account as text. */
export function formatAccount(account: ObjectAccount, nowWallMs: number): string {
  const { object, conditions, findings, journal, command, notes, rungs } = account;
  const { kind, name } = decodeRef(object);
  const lines = [
    `${kind} ${safeText(name)}`,
    ...notes.map((note) => `  · ${safeText(note, 600)}`),
    ...conditions.map(decodeCondition).flatMap(conditionLines),
    ...findings.map(decodeFinding).flatMap(findingLines),
    ...(command === '' ? [] : [`      command  $ ${safeText(command, 2_000)}`]),
    ...formatRungs(rungs, nowWallMs),
  ];
  const changes = journal.map((entry) => formatJournalEntry(decodeJournalEntry(entry)));
  return `${lines.join('\n')}\n${changes.length === 0 ? '' : `\nLast changes:\n${changes.join('')}`}`;
}
