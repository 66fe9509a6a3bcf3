/** The status of hardware offload for a person: what is in effect, what waits for a restart, what is wrong, what it cost. Pure. */

import type { Duration } from '@bufbuild/protobuf/wkt';
import { formatSpan } from '../attach/age-text.js';
import type { HugePages } from '../gen/proto/dpu/agent/v1/node_pb.js';
import {
  OffloadSetting_Verdict,
  type ConnectionTable,
  type FlowReasonShare,
  type FlowTally,
  type OffloadDatapath,
  type OffloadFinding,
  type OffloadInsertion,
  type OffloadMeasurement,
  type OffloadSetting,
  type OffloadStatus,
  type OffloadSupervision,
  type RestartAdvice,
} from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { safeText } from '../lib/text.js';
import { wallMsOf } from './decode.js';
import { count, engineWords, lapse, partOf, percent, sentence, settingWords } from './offload-words.js';
import { formatTable } from './table.js';

export interface OffloadStatusView {
  readonly status: OffloadStatus;
  /** More columns, and no bound. */
  readonly isWide: boolean;
  /** Every check by its name. */
  readonly hasChecks: boolean;
  readonly nowWallMs: number;
}

const findingsShownMax = 20;
const valueLengthMax = 60;

const value = (text: string | undefined, absent: string): string =>
  text === undefined ? absent : safeText(text, valueLengthMax);

/** Whether it is in effect, in a word: `yes`, `no`, `unknown`. */
export const inEffectWord = ({ isInEffect }: Pick<OffloadStatus, 'isInEffect'>): string =>
  isInEffect === undefined ? 'unknown' : isInEffect ? 'yes' : 'no';

function headLines(status: OffloadStatus): readonly string[] {
  const { engine, engineBasis, isConfigured, inEffectBasis, waiting, notes } = status;
  const basis = (text: string): string => (text === '' ? '' : `: ${sentence(text)}`);
  return [
    `engine      ${engineWords[engine] ?? 'unknown'}${basis(engineBasis.join('; '))}`,
    `configured  ${isConfigured ? 'yes: hw-offload is true in the database' : 'no: hw-offload is not true in the database'}`,
    `in effect   ${inEffectWord(status)}${basis(inEffectBasis)}`,
    ...(waiting === '' ? [] : [`waiting     nothing is judged yet: ${sentence(waiting)}`]),
    ...notes.map((note) => `! ${sentence(note)}`),
  ];
}

function settingRows(settings: readonly OffloadSetting[], isWide: boolean): readonly (readonly string[])[] {
  const heading = ['SETTING', 'DECLARED', 'STORED', 'IN EFFECT', 'VERDICT'];
  return [
    isWide ? [...heading, 'NEEDS', 'MESSAGE'] : heading,
    ...settings.map(({ key, declared, stored, effective, verdict, unmet, message }) => {
      const row = [
        safeText(key, 64),
        value(declared, '-'),
        value(stored, '-'),
        value(effective, '?'),
        settingWords[verdict] ?? 'unknown',
      ];
      return isWide ? [...row, sentence(unmet.join(', ')), sentence(message)] : row;
    }),
  ];
}

/** Settings that are not as they should be say why, where neither the table nor a finding does. */
function settingLines({ settings, findings }: OffloadSupervision): readonly string[] {
  const found = new Set(findings.filter(({ subjectKind }) => subjectKind === 'setting').map(({ subject }) => subject));
  const quiet = [OffloadSetting_Verdict.IN_EFFECT, OffloadSetting_Verdict.UNKNOWN];
  const open = settings.filter(
    ({ key, declared, verdict }) => declared !== undefined && !quiet.includes(verdict) && !found.has(key),
  );
  return open.map(({ message }) => `  ${sentence(message)}`);
}

function restartLines({ summary, steps, costs }: RestartAdvice): readonly string[] {
  return [
    `RESTART REQUIRED: ${sentence(summary)}`,
    ...steps.map((step, index) => `  ${index + 1}. ${sentence(step)}`),
    ...costs.map((cost) => `  cost: ${sentence(cost)}`),
  ];
}

function findingLines({ reason, subjectKind, subject, message, evidence, remedy }: OffloadFinding): readonly string[] {
  const where = subject === '' ? '' : ` ${safeText(subjectKind, 32)} ${safeText(subject, 256)}`;
  const seen = Object.entries(evidence).map(([name, text]) => `${safeText(name, 64)}=${safeText(text, 200)}`);
  return [
    `! ${safeText(reason, 64)}${where}: ${sentence(message)}`,
    ...(seen.length === 0 ? [] : [`    seen     ${seen.join(' ')}`]),
    `    remedy   ${sentence(remedy)}`,
  ];
}

function datapathRows(datapaths: readonly OffloadDatapath[]): readonly (readonly string[])[] {
  return [
    ['DATAPATH', 'FLOWS', 'LIMIT NOW', 'CONFIGURED', 'OFFLOADED BY OVS', 'REVALIDATION'],
    ...datapaths.map(({ name, flows, flowLimit, flowLimitConfigured, offloadedByOvs, dumpDuration }) => [
      safeText(name, 64),
      String(flows),
      String(flowLimit),
      String(flowLimitConfigured),
      String(offloadedByOvs),
      lapse(dumpDuration),
    ]),
  ];
}

const tallyCells = (tally: FlowTally | undefined): readonly string[] => [
  count(tally?.flows),
  count(tally?.packets),
  count(tally?.bytes),
];

function tierRows({ tiers }: OffloadSupervision): readonly (readonly string[])[] {
  const some = tiers.filter(({ tally }) => (tally?.flows ?? 0n) > 0n);
  return [
    ['TIER', 'FLOWS', 'PACKETS', 'BYTES'],
    ...some.map(({ tier, tally }) => [safeText(tier, 32), ...tallyCells(tally)]),
  ];
}

function reasonRows(reasons: readonly FlowReasonShare[], isWide: boolean): readonly (readonly string[])[] {
  const heading = ['REASON', 'FLOWS', 'PACKETS', 'BYTES', 'EXPECTED', 'MEANING'];
  return [
    isWide ? [...heading, 'REMEDY'] : heading,
    ...reasons.map(({ reason, tally, isExpected, meaning, remedy }) => {
      const row = [safeText(reason, 64), ...tallyCells(tally), isExpected ? 'yes' : 'no', sentence(meaning)];
      return isWide ? [...row, sentence(remedy)] : row;
    }),
  ];
}

function measurementRows(list: readonly OffloadMeasurement[], nowWallMs: number): readonly (readonly string[])[] {
  return [
    ['MEASUREMENT', 'AGE', 'TOOK', 'MAIN THREAD', 'IN ALL', 'READINGS', 'FAILED', 'PROBLEM'],
    ...list.map(({ name, readAt, took, mainThread, mainThreadTotal, readings, failures, problem }) => {
      const wallMs = wallMsOf(readAt);
      const age = wallMs === undefined ? 'never' : formatSpan(nowWallMs - wallMs);
      const times = [lapse(took), lapse(mainThread), lapse(mainThreadTotal)];
      return [safeText(name, 32), age, ...times, String(readings), String(failures), sentence(problem)];
    }),
  ];
}

/** Of how many data packets hardware carried which share; undefined where none were counted. */
export function packetsText({
  hardwarePackets,
  softwarePackets,
}: Pick<OffloadSupervision, 'hardwarePackets' | 'softwarePackets'>): string | undefined {
  const share = partOf(hardwarePackets, hardwarePackets + softwarePackets);
  if (share === undefined) return undefined;
  return `${percent(share)} of ${count(hardwarePackets + softwarePackets)} data packets in hardware`;
}

/** `2 MiB`, `1 GiB`: sizes of pages are powers of two. */
function pageSize(bytes: bigint): string {
  const mib = Number(bytes) / 2 ** 20;
  if (mib < 1) return `${Number(bytes) / 2 ** 10} KiB`;
  return mib < 1_024 ? `${mib} MiB` : `${mib / 1_024} GiB`;
}

const hugePagesLine = ({ sizeBytes, total, free }: HugePages): string =>
  `huge pages    ${total} of ${pageSize(sizeBytes)}, ${free} free`;

function connectionsLine({ table: name, count: used, limit }: ConnectionTable): string {
  const fill = partOf(used, limit);
  return `connections   ${safeText(name, 64)}: ${used} of ${limit}${fill === undefined ? '' : ` (${percent(fill)})`}`;
}

function insertionLine(insertion: OffloadInsertion): string {
  const { inserted, enqueued, connectionsBoth, connectionsOne, latencyMean, latencyDeviation } = insertion;
  return [
    `insertion     ${inserted} flows handed over, ${enqueued} wait`,
    ...(connectionsBoth === undefined ? [] : [`connections in both directions ${connectionsBoth}`]),
    ...(connectionsOne === undefined ? [] : [`in one direction ${connectionsOne}`]),
    // Of no insertion there is no time.
    ...(latencyMean === undefined || microseconds(latencyMean) === 0
      ? []
      : [`an insertion takes ${fine(latencyMean)} on average`]),
    ...(latencyDeviation === undefined || microseconds(latencyDeviation) === 0
      ? []
      : [`with a deviation of ${fine(latencyDeviation)}`]),
  ].join(', ');
}

/** Insertions take parts of a millisecond, which `durationMs` rounds away. */
const microseconds = ({ seconds, nanos }: Duration): number => Number(seconds) * 1e6 + nanos / 1_000;

/** `250 µs`, `35 ms`. */
function fine(duration: Duration): string {
  const time = microseconds(duration);
  return time < 1_000 ? `${Math.round(time)} µs` : lapse(duration);
}

function figureLines(supervision: OffloadSupervision): readonly string[] {
  const { representors, slowdown, flowsRefusal, hugePages, connectionTables, insertion } = supervision;
  const { expected, present = 0, stale = 0, down = 0 } = representors ?? {};
  const there = expected === undefined ? `${present}` : `${present} of ${expected} expected`;
  return [
    `packets       ${packetsText(supervision) ?? 'no port was counted'}, since the agent looks`,
    `representors  ${there}, ${stale} stale, ${down} down`,
    ...hugePages.filter(({ total }) => total > 0n).map(hugePagesLine),
    ...connectionTables.map(connectionsLine),
    ...(insertion === undefined ? [] : [insertionLine(insertion)]),
    ...(slowdown > 1 ? [`pace          questions wait ${slowdown.toFixed(1)} times as long as usual`] : []),
    ...(flowsRefusal === '' ? [] : [`flows         not dumped without being asked for: ${sentence(flowsRefusal)}`]),
  ];
}

function checkLines({ clear, notTestable }: OffloadSupervision, hasChecks: boolean): readonly string[] {
  const sum = `checks        ${clear.length} clear, ${notTestable.length} could not be made`;
  if (!hasChecks) return notTestable.length === 0 ? [sum] : [`${sum} (--checks lists them)`];
  return [
    sum,
    ...clear.map((name) => `  clear  ${safeText(name, 64)}`),
    ...notTestable.map(({ check, why }) => `  n/a    ${safeText(check, 64)}: ${sentence(why)}`),
  ];
}

const block = (lines: readonly string[]): string => (lines.length === 0 ? '' : `\n${lines.join('\n')}\n`);
const table = (rows: readonly (readonly string[])[]): string => (rows.length < 2 ? '' : `\n${formatTable(rows)}`);

function supervisionText(supervision: OffloadSupervision, view: OffloadStatusView): string {
  const { settings, restart, findings, datapaths, reasons, measurements } = supervision;
  const { isWide, nowWallMs } = view;
  const shown = isWide ? findings : findings.slice(0, findingsShownMax);
  const rest = findings.length - shown.length;
  return [
    table(settingRows(settings, isWide)),
    isWide ? '' : block(settingLines(supervision)),
    restart === undefined ? '' : block(restartLines(restart)),
    block([...shown.flatMap(findingLines), ...(rest > 0 ? [`… and ${rest} more: -o wide`] : [])]),
    table(datapathRows(datapaths)),
    table(tierRows(supervision)),
    table(reasonRows(reasons, isWide)),
    table(measurementRows(measurements, nowWallMs)),
    block([...figureLines(supervision), ...checkLines(supervision, view.hasChecks || isWide)]),
  ].join('');
}

/** Everything. */
export function formatOffloadStatus(view: OffloadStatusView): string {
  const { status } = view;
  const head = `${headLines(status).join('\n')}\n`;
  if (status.supervision === undefined) {
    return `${head}\nNobody supervises offload: offload.mode is off, or the agent has not looked yet.\n`;
  }
  return head + supervisionText(status.supervision, view);
}

/** One line for the status of the agent; undefined where offload is nobody's concern here. */
export function offloadSummary(status: OffloadStatus): string | undefined {
  const { engine, isConfigured, isInEffect, supervision, waiting } = status;
  const findingCount = supervision?.findings.length ?? 0;
  const isOpen = findingCount > 0 || supervision?.restart !== undefined;
  if (!isConfigured && isInEffect !== true && !isOpen) return undefined;
  const effect = { yes: 'in effect', no: 'NOT in effect', unknown: 'in effect or not is not known' }[
    inEffectWord(status) as 'yes' | 'no' | 'unknown'
  ];
  const parts = [
    `Offload ${engineWords[engine] ?? 'unknown'}`,
    waiting === '' ? effect : 'waiting for the platform',
    supervision === undefined ? undefined : packetsText(supervision),
    supervision?.restart === undefined ? undefined : 'restart required',
    findingCount === 0 ? undefined : `${findingCount} finding(s)`,
  ];
  return `${parts.filter((part) => part !== undefined).join(' · ')}${isOpen ? ': dpuctl offload status' : ''}\n`;
}
