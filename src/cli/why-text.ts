/** A ladder for a person: a line for each rung, and below the first broken one its cause, remedy and command. */

import type { Diagnosis, Explanation, Ladder, Rung } from '../attach/ladder.js';
import { rungTitles } from '../attach/ladder.js';
import { safeText } from '../lib/text.js';

const titleWidth = Math.max(...Object.values(rungTitles).map((title) => title.length));

const marks = { ok: '✓', broken: '✗', unknown: '?', skipped: '-' } as const;

/** What is only waited for is no alarm. */
function markOf({ state, diagnosis }: Rung): string {
  return state === 'broken' && diagnosis?.isWaiting === true ? '…' : marks[state];
}

function diagnosisLines({ reason, cause, remedy, command }: Diagnosis, hasCause: boolean): readonly string[] {
  return [
    ...(hasCause ? [] : [`      ${safeText(cause, 1_000)}`]),
    ...(reason === undefined ? [] : [`      reason   ${reason}`]),
    `      remedy   ${remedy}`,
    `      command  $ ${command}`,
  ];
}

function rungLines(rung: Rung): readonly string[] {
  const { name, seen, age, diagnosis } = rung;
  const isCause = seen === '' && diagnosis !== undefined;
  const text = isCause ? safeText(diagnosis.cause, 1_000) : seen;
  const when = age === undefined ? '' : ` (${age})`;
  const line = `  ${markOf(rung)} ${rungTitles[name].padEnd(titleWidth)}  ${text}${when}`;
  return diagnosis === undefined ? [line] : [line, ...diagnosisLines(diagnosis, isCause)];
}

function headOf({ nadKey, verdict, rungs }: Ladder): string {
  const broken = rungs.find(({ state }) => state === 'broken');
  const place = broken === undefined ? '' : ` at ${rungTitles[broken.name]}`;
  const words = verdict === 'nothing' ? 'NOTHING TO ATTACH' : `${verdict.toUpperCase()}${place}`;
  return nadKey === undefined ? words : `network ${safeText(nadKey, 512)}: ${words}`;
}

function ladderLines(ladder: Ladder): readonly string[] {
  const climbed = ladder.rungs.filter(({ state }) => state !== 'skipped');
  const left = ladder.rungs.filter(({ state }) => state === 'skipped').map(({ name }) => rungTitles[name]);
  return [
    headOf(ladder),
    ...climbed.flatMap(rungLines),
    ...(left.length === 0 ? [] : [`  - not looked at: ${left.join(', ')}`]),
    ...ladder.notes.map((note) => `  ! ${note}`),
  ];
}

/** All ladders of a pod. */
export function formatExplanation(explanation: Explanation): string {
  const { namespace, name, ladders, notes } = explanation;
  const blocks = ladders.map((ladder) => ladderLines(ladder).join('\n'));
  const head = `pod ${namespace}/${name}\n${notes.map((note) => `! ${note}\n`).join('')}`;
  return `${head}\n${blocks.join('\n\n')}\n`;
}
