/**
 * From the settings to the flows of one object: is it in hardware, and if not, why. Made of what the agent tells, each rung by
 * itself, for none of them hides another: an object may be seen in hardware though nobody can tell what is in effect. Claims no
 * more than the agent does. Pure; `dpuctl offload why` prints it.
 */

import {
  OffloadRow_Verdict,
  type FlowReasonShare,
  type OffloadRow,
  type OffloadStatus,
} from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { isAllExpected } from '../offload/expected-reasons.js';
import { flowReasons, isApart } from '../offload/flow-reasons.js';
import { verdictOf } from '../offload/ratio-window.js';
import { flowsRung, measuredRung, portRung } from './offload-object-rungs.js';
import {
  rung,
  type OffloadLadderInput,
  type OffloadRung,
  type OffloadRungState,
  type OffloadSubject,
} from './offload-rung.js';
import { configuredRung, engineRung, inEffectRung } from './offload-setting-rungs.js';
import { count, partOf, percent, sentence } from './offload-words.js';

export interface OffloadLadder {
  readonly subject: OffloadSubject;
  readonly verdict: 'hardware' | 'partial' | 'software' | 'unknown';
  /** What is in software is there by design or by configuration. */
  readonly isExpected: boolean;
  readonly rungs: readonly OffloadRung[];
  /** The verdict in one sentence. */
  readonly sentence: string;
}

/** The verdict, and how much of it. */
interface Judged {
  readonly verdict: OffloadLadder['verdict'];
  readonly share: number | undefined;
  /** What it rests on, one sentence. */
  readonly message: string;
  readonly isExpected: boolean;
  /** Why flows are in software, the most packets first; without what is left out of every share. */
  readonly reasons: readonly FlowReasonShare[];
}

const verdicts: Readonly<Partial<Record<OffloadRow_Verdict, Judged['verdict']>>> = {
  [OffloadRow_Verdict.HARDWARE]: 'hardware',
  [OffloadRow_Verdict.PARTIAL]: 'partial',
  [OffloadRow_Verdict.SOFTWARE]: 'software',
};

const countedReason = ({ isExpected, tally }: FlowReasonShare) => ({ isExpected, flows: Number(tally?.flows ?? 0n) });

function judgedRow({ verdict, message, measured }: OffloadRow): Judged {
  const { reasons = [], hardwareShare, softwareFlows } = measured ?? {};
  const flows = softwareFlows === undefined ? undefined : Number(softwareFlows.flows);
  return {
    verdict: verdicts[verdict] ?? 'unknown',
    share: hardwareShare,
    message: sentence(message),
    isExpected: isAllExpected(reasons.map(countedReason), flows),
    reasons,
  };
}

/** Control traffic and warm-up, which are left out of every share. */
const apart: ReadonlySet<string> = new Set(flowReasons.filter(isApart));

/** Packets in both places, and where they were counted. */
interface NodePackets {
  readonly hardware: bigint;
  readonly all: bigint;
  readonly source: string;
}

/** By the counters of all ports; where nobody counts, by the flows of the newest dump, if of each its place is known. */
function nodePackets(
  supervision: OffloadStatus['supervision'],
  reasons: readonly FlowReasonShare[],
): NodePackets | undefined {
  const { hardwarePackets = 0n, softwarePackets = 0n, tiers = [] } = supervision ?? {};
  const counted = hardwarePackets + softwarePackets;
  if (counted > 0n) return { hardware: hardwarePackets, all: counted, source: 'data packets since the agent looks' };
  const packetsIn = (name: string): bigint => tiers.find(({ tier }) => tier === name)?.tally?.packets ?? 0n;
  const hardware = packetsIn('hw');
  const all = reasons.reduce((sum, { tally }) => sum + (tally?.packets ?? 0n), hardware);
  if (all === 0n || packetsIn('unknown') > 0n) return undefined;
  return { hardware, all, source: 'packets of the flows of the newest dump, since each was made' };
}

/** Of the node as a whole. */
function judgedNode({ supervision }: OffloadStatus): Judged {
  const reasons = (supervision?.reasons ?? []).filter(({ reason }) => !apart.has(reason));
  const packets = nodePackets(supervision, reasons);
  const share = packets === undefined ? undefined : partOf(packets.hardware, packets.all);
  const unseen = 'No data packets were counted, and no flows seen that tell.';
  return {
    verdict: share === undefined ? 'unknown' : verdictOf(share),
    share,
    message:
      packets === undefined ? unseen : `Hardware carried ${percent(share)} of ${count(packets.all)} ${packets.source}.`,
    isExpected: reasons.every(({ isExpected }) => isExpected) && reasons.length > 0,
    reasons,
  };
}

const judgedStates: Readonly<Record<Judged['verdict'], OffloadRungState>> = {
  hardware: 'ok',
  partial: 'broken',
  software: 'broken',
  unknown: 'unknown',
};

const stateOf = ({ verdict, isExpected }: Judged): OffloadRungState =>
  isExpected && verdict !== 'unknown' ? 'ok' : judgedStates[verdict];

function shareRung(judged: Judged): OffloadRung {
  const { verdict, share, message } = judged;
  const isSaid = share === undefined || message.includes(percent(share));
  const part = isSaid ? '' : `, ${percent(share)} in hardware`;
  return rung('share', stateOf(judged), `${verdict}${part}: ${message}`);
}

function reasonLine({ reason, tally, isExpected, meaning }: FlowReasonShare): string {
  const expected = isExpected ? ' (expected)' : '';
  const flows = tally?.flows ?? 0n;
  const much = `${count(tally?.packets)} packets, ${count(flows)} flow${flows === 1n ? '' : 's'}`;
  return `${sentence(reason)}${expected}: ${much}. ${sentence(meaning)}`;
}

function whyNotRung(judged: Judged, statusReason: string): OffloadRung {
  const { verdict, reasons } = judged;
  const details = reasons.map(reasonLine);
  const first = reasons.find(({ isExpected }) => !isExpected);
  if (reasons.length === 0) {
    if (verdict === 'hardware') return rung('whyNot', 'ok', 'nothing was seen in software');
    const seen = verdict === 'unknown' ? 'no flow of it was seen in software' : `${statusReason}; no flow tells more`;
    return rung('whyNot', 'unknown', seen);
  }
  const seen = `of its software packets most are ${sentence(reasons[0]?.reason ?? '')}`;
  if (first === undefined) return rung('whyNot', 'ok', `${seen}, and every reason is expected`, { details });
  const state = verdict === 'hardware' || verdict === 'unknown' ? 'advisory' : 'broken';
  return rung('whyNot', state, seen, { details, remedy: sentence(first.remedy) });
}

/** How the object is called in a sentence. */
export function subjectText({ kind, name, network }: OffloadSubject): string {
  if (kind === 'node') return 'the traffic of this node';
  const shown = `${kind} ${sentence(name)}`;
  return network === '' || network === 'default' ? shown : `${shown} network ${sentence(network)}`;
}

const places: Readonly<Record<OffloadLadder['verdict'], string>> = {
  hardware: 'in hardware',
  partial: 'partly in hardware',
  software: 'in software',
  unknown: '',
};

/** One sentence; of what is not proven it says so. */
function verdictSentence(subject: OffloadSubject, { verdict, isExpected, message, reasons }: Judged): string {
  const text = subjectText(subject);
  const what = `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
  if (verdict === 'unknown') return `It is not known whether ${text} is in hardware: ${message}`;
  const said = `${what} is ${places[verdict]}: ${message}`;
  const worst = reasons.find((entry) => !entry.isExpected)?.reason;
  if (verdict === 'hardware') return said;
  if (isExpected) return `${said} All of its flows in software are there as expected.`;
  return worst === undefined ? said : `${said} First of what can be mended: ${sentence(worst)}.`;
}

/** The ladder of one object, or of the node. */
export function offloadLadder(input: OffloadLadderInput): OffloadLadder {
  const { subject, status, row } = input;
  const judged = row === undefined ? judgedNode(status) : judgedRow(row);
  const isWell = judged.verdict === 'hardware';
  return {
    subject,
    verdict: judged.verdict,
    isExpected: judged.isExpected && !isWell && judged.verdict !== 'unknown',
    rungs: [
      engineRung(input),
      configuredRung(input),
      inEffectRung(input),
      ...(row === undefined ? [] : [portRung(row, input)]),
      measuredRung(input),
      shareRung(judged),
      whyNotRung(judged, sentence(row?.reason ?? '')),
      flowsRung(input),
    ],
    sentence: verdictSentence(subject, judged),
  };
}
