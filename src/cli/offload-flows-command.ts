/** `dpuctl offload flows`: the largest flows in software, why each is there, and what can be done. */

import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { formatSpan } from '../attach/age-text.js';
import {
  ListSoftwareFlowsResponseSchema,
  OffloadService,
  type ListSoftwareFlowsResponse,
  type SoftwareFlow,
} from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { safeText } from '../lib/text.js';
import { exitNotReady, type CommandContext } from './command-context.js';
import { wallMsOf } from './decode.js';
import { count, lapse, names, sentence } from './offload-words.js';
import { isForPeople, printMessage } from './output.js';
import { formatTable } from './table.js';

export interface OffloadFlowsOptions {
  readonly ports: readonly string[];
  readonly reasons: readonly string[];
  readonly countMax: number;
  /** Names the OpenFlow rules of the first flows. */
  readonly hasRules: boolean;
  /** A dump that is older is not good enough, where a newer one may be made. */
  readonly isFresh: boolean;
  /** The person has said how long an answer may take. */
  readonly isTimed: boolean;
}

export const offloadFlowsCountDefault = 20;

/** A dump may take ovs-vswitchd a minute, which is how long the agent waits for it; and a little for the way. */
const freshDeadlineMs = 75_000;
/** Of a match or of actions. */
const textLengthMax = 1_200;
const ruleLengthMax = 600;

const heading = ['#', 'PACKETS', 'BYTES', 'IDLE', 'TIER', 'REASON', 'IN', 'OUT', 'SEEN BY'];

function cells(flow: SoftwareFlow, index: number): readonly string[] {
  const { packets, bytes, idle, tier, reason, inPort, outPorts, evidence } = flow;
  return [
    String(index + 1),
    count(packets),
    count(bytes),
    lapse(idle),
    safeText(tier, 32),
    safeText(reason, 64),
    inPort === '' ? '-' : safeText(inPort, 64),
    outPorts.length === 0 ? '-' : names(outPorts, 4),
    safeText(evidence, 200),
  ];
}

/** What has no place in the table. */
function detailLines(flow: SoftwareFlow, index: number, isWide: boolean): readonly string[] {
  const { ufid, match, actions, rules, rulesProblem } = flow;
  const lines = [
    ...(isWide && ufid !== '' ? [`ufid     ${safeText(ufid, 80)}`] : []),
    ...(isWide ? [`match    ${safeText(match, textLengthMax)}`, `actions  ${safeText(actions, textLengthMax)}`] : []),
    ...rules.map((rule) => `rule     ${safeText(rule, ruleLengthMax)}`),
    ...(rulesProblem === '' ? [] : [`rule     not known: ${sentence(rulesProblem)}`]),
  ];
  return lines.map((line, at) => (at === 0 ? `${String(index + 1).padStart(3)}  ${line}` : `     ${line}`));
}

/** Each reason once, in the order in which it comes first. */
function remedyLines(flows: readonly SoftwareFlow[]): readonly string[] {
  const first = new Map<string, SoftwareFlow>();
  for (const flow of flows) if (!first.has(flow.reason)) first.set(flow.reason, flow);
  return [...first.values()].flatMap(({ reason, meaning, remedy }) => [
    `${safeText(reason, 64)}: ${sentence(meaning)}`,
    `  remedy   ${sentence(remedy)}`,
  ]);
}

function ageLine({ readAt, mainThread }: ListSoftwareFlowsResponse, nowWallMs: number): string {
  const wallMs = wallMsOf(readAt);
  if (wallMs === undefined) return 'The flows were not dumped yet.';
  const cost = mainThread === undefined ? '' : `, which took ${lapse(mainThread)} of the main thread at most`;
  return `Dumped ${formatSpan(nowWallMs - wallMs)} ago${cost}.`;
}

const block = (lines: readonly string[]): string => (lines.length === 0 ? '' : `\n${lines.join('\n')}\n`);

/** The flows as text. */
export function formatSoftwareFlows(answer: ListSoftwareFlowsResponse, isWide: boolean, nowWallMs: number): string {
  const { flows, problems, readAt } = answer;
  const none =
    readAt === undefined ? '' : '\nIt has no such flow in software; control traffic and warm-up are left out.\n';
  return [
    `${ageLine(answer, nowWallMs)}\n`,
    problems.map((problem) => `! ${sentence(problem)}\n`).join(''),
    flows.length === 0 ? none : `\n${formatTable([heading, ...flows.map(cells)])}`,
    block(flows.flatMap((flow, index) => detailLines(flow, index, isWide))),
    block(remedyLines(flows)),
  ].join('');
}

/** 0 when there was a dump to look at. */
export async function offloadFlows(context: CommandContext, options: OffloadFlowsOptions): Promise<number> {
  const { connection, signal, clock, format } = context;
  const { ports, reasons, countMax, hasRules, isFresh, isTimed } = options;
  const request = {
    ports: [...ports],
    reasons: [...reasons],
    countMax,
    withRules: hasRules,
    ...(isFresh ? { ageMax: durationFromMs(0) } : {}),
  };
  const deadline = isFresh && !isTimed ? { deadlineMs: freshDeadlineMs } : {};
  const answer = await connection.service(OffloadService).listSoftwareFlows(request, { signal, ...deadline });
  if (isForPeople(context)) context.print(formatSoftwareFlows(answer, format === 'wide', clock.wallMs()));
  else await printMessage(context, ListSoftwareFlowsResponseSchema, answer);
  return answer.readAt === undefined ? exitNotReady : 0;
}
