/** A ladder for a person: a line for each rung, and below the first broken one its cause, remedy and command. Pure. */

import { formatSpan } from '../attach/age-text.js';
import {
  Ladder_Verdict,
  Rung_State,
  type Diagnosis,
  type Ladder,
  type PodExplanation,
  type Rung,
} from '../gen/proto/dpu/agent/v1/explain_pb.js';
import { safeText } from '../lib/text.js';
import { wallMsOf } from './decode.js';

const marks: Readonly<Partial<Record<Rung_State, string>>> = {
  [Rung_State.UNSPECIFIED]: '?',
  [Rung_State.OK]: '✓',
  [Rung_State.BROKEN]: '✗',
  [Rung_State.UNKNOWN]: '?',
  [Rung_State.SKIPPED]: '-',
  [Rung_State.ADVISORY]: '!',
};

const verdicts: Readonly<Partial<Record<Ladder_Verdict, string>>> = {
  [Ladder_Verdict.UNSPECIFIED]: 'UNKNOWN',
  [Ladder_Verdict.READY]: 'READY',
  [Ladder_Verdict.WAITING]: 'WAITING',
  [Ladder_Verdict.FAILED]: 'FAILED',
  [Ladder_Verdict.NOTHING]: 'NOTHING TO ATTACH',
  [Ladder_Verdict.UNKNOWN]: 'UNKNOWN',
};

/** What is only waited for is no alarm. */
function markOf({ state, diagnosis }: Rung): string {
  return state === Rung_State.BROKEN && diagnosis?.isWaiting === true ? '…' : (marks[state] ?? '?');
}

function ageOf({ at, isSince }: Rung, nowWallMs: number): string {
  const wallMs = wallMsOf(at);
  if (wallMs === undefined) return '';
  const span = formatSpan(nowWallMs - wallMs);
  return isSince ? ` (for ${span})` : ` (${span} ago)`;
}

function diagnosisLines({ reason, cause, remedy, command }: Diagnosis, hasCause: boolean): readonly string[] {
  return [
    ...(hasCause ? [] : [`      ${safeText(cause, 1_000)}`]),
    ...(reason === '' ? [] : [`      reason   ${safeText(reason, 64)}`]),
    `      remedy   ${safeText(remedy, 1_000)}`,
    ...(command === '' ? [] : [`      command  $ ${safeText(command, 2_000)}`]),
  ];
}

function rungLines(rung: Rung, titleWidth: number, nowWallMs: number): readonly string[] {
  const { title, seen, diagnosis } = rung;
  const isCause = seen === '' && diagnosis !== undefined;
  const text = safeText(isCause ? diagnosis.cause : seen, 1_000);
  const line = `  ${markOf(rung)} ${safeText(title, 40).padEnd(titleWidth)}  ${text}${ageOf(rung, nowWallMs)}`;
  return diagnosis === undefined ? [line] : [line, ...diagnosisLines(diagnosis, isCause)];
}

function headOf({ network, verdict, rungs }: Ladder): string {
  const broken = rungs.find(({ state }) => state === Rung_State.BROKEN);
  const hasPlace = broken !== undefined && verdict !== Ladder_Verdict.NOTHING;
  const words = `${verdicts[verdict] ?? 'UNKNOWN'}${hasPlace ? ` at ${safeText(broken.title, 40)}` : ''}`;
  return network === '' ? words : `network ${safeText(network, 512)}: ${words}`;
}

function ladderLines(ladder: Ladder, nowWallMs: number): readonly string[] {
  const { rungs, notes } = ladder;
  const width = Math.max(0, ...rungs.map(({ title }) => safeText(title, 40).length));
  const climbed = rungs.filter(({ state }) => state !== Rung_State.SKIPPED);
  const left = rungs.filter(({ state }) => state === Rung_State.SKIPPED).map(({ title }) => safeText(title, 40));
  return [
    headOf(ladder),
    ...climbed.flatMap((rung) => rungLines(rung, width, nowWallMs)),
    ...(left.length === 0 ? [] : [`  - not looked at: ${left.join(', ')}`]),
    ...notes.map((note) => `  ! ${safeText(note, 1_000)}`),
  ];
}

/** Rungs that stand for themselves, as those of a port or chain. */
export function formatRungs(rungs: readonly Rung[], nowWallMs: number): readonly string[] {
  const width = Math.max(0, ...rungs.map(({ title }) => safeText(title, 40).length));
  return rungs.flatMap((rung) => rungLines(rung, width, nowWallMs));
}

/** All ladders of a pod. */
export function formatExplanation(explanation: PodExplanation, nowWallMs: number): string {
  const { namespace, name, ladders, notes } = explanation;
  const blocks = ladders.map((ladder) => ladderLines(ladder, nowWallMs).join('\n'));
  const told = notes.map((note) => `! ${safeText(note, 1_000)}\n`).join('');
  return `pod ${safeText(namespace, 63)}/${safeText(name, 253)}\n${told}\n${blocks.join('\n\n')}\n`;
}
