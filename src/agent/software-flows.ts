/** Picks the software flows that somebody asked for out of the newest dump, and names their OpenFlow rules where wanted. */

import { toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { TopFlow } from '../offload/flow-summary.js';
import type { ExplainedFlow, FlowRules, ReadingCost } from '../offload/readings.js';
import type { SoftwareFlowsAnswer, SoftwareFlowsQuestion } from './api-view.js';
import type { SwitchInspector } from './offload-ports.js';

/** Flows whose rules are asked for at most: each takes ovs-vswitchd's main thread a moment. */
const rulesMax = 16;

/** The newest dump, as far as it is told. */
export interface DumpedFlows {
  readonly wallMs: number;
  readonly cost: ReadingCost;
  readonly top: readonly TopFlow[];
}

function isAskedFor({ ports, reasons }: SoftwareFlowsQuestion, { inPort, outPorts, reason }: TopFlow): boolean {
  if (reasons.size > 0 && !reasons.has(reason)) return false;
  return ports.size === 0 || (inPort !== undefined && ports.has(inPort)) || outPorts.some((port) => ports.has(port));
}

/** @param problems why there is no dump, or no newer one */
export async function answerSoftwareFlows(
  question: SoftwareFlowsQuestion,
  dump: DumpedFlows | undefined,
  problems: readonly string[],
  inspector: Pick<SwitchInspector, 'readRules'>,
  signal: AbortSignal,
): Promise<SoftwareFlowsAnswer> {
  if (dump === undefined) return { wallMs: undefined, cost: undefined, flows: [], problems };
  const { wallMs, cost, top } = dump;
  const picked = top.filter((flow) => isAskedFor(question, flow)).slice(0, question.countMax);
  if (!question.withRules) {
    return { wallMs, cost, flows: picked.map((flow) => ({ ...flow, rules: undefined })), problems };
  }
  const ufids = picked.flatMap(({ ufid }) => (ufid === undefined ? [] : [ufid])).slice(0, rulesMax);
  const { rules, problem } = await readRules(inspector, ufids, signal);
  const flows = picked.map((flow): ExplainedFlow => ({ ...flow, rules: rules.get(flow.ufid ?? '') }));
  return { wallMs, cost, flows, problems: problem === undefined ? problems : [...problems, problem] };
}

async function readRules(
  inspector: Pick<SwitchInspector, 'readRules'>,
  ufids: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly rules: ReadonlyMap<string, FlowRules['rules']>; readonly problem: string | undefined }> {
  if (ufids.length === 0) return { rules: new Map(), problem: undefined };
  try {
    const found = await inspector.readRules(ufids, signal);
    return { rules: new Map(found.map(({ ufid, rules }) => [ufid, rules])), problem: undefined };
  } catch (error) {
    // The flows are worth telling without their rules.
    return { rules: new Map(), problem: `The rules are not known: ${safeText(toError(error).message, 300)}.` };
  }
}
