/** Picks the software flows that somebody asked for out of the newest dump, and names their OpenFlow rules where wanted. */

import type { TopFlow } from '../offload/flow-summary.js';
import type { ExplainedFlow, ReadingCost } from '../offload/readings.js';
import type { SoftwareFlowsAnswer, SoftwareFlowsQuestion } from './api-view.js';
import type { RuleSearch } from './rule-search.js';

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
  search: Pick<RuleSearch, 'rulesOf'>,
  signal: AbortSignal,
): Promise<SoftwareFlowsAnswer> {
  if (dump === undefined) return { wallMs: undefined, cost: undefined, flows: [], problems };
  const { wallMs, cost, top } = dump;
  const picked = top.filter((flow) => isAskedFor(question, flow)).slice(0, question.countMax);
  if (!question.withRules) {
    return { wallMs, cost, flows: picked.map((flow) => ({ ...flow, rules: undefined })), problems };
  }
  const ufids = picked.flatMap(({ ufid }) => (ufid === undefined ? [] : [ufid]));
  const { rules, problem } = await search.rulesOf(ufids, signal);
  const flows = picked.map((flow): ExplainedFlow => ({ ...flow, rules: rules.get(flow.ufid ?? '') }));
  return { wallMs, cost, flows, problems: problem === undefined ? problems : [...problems, problem] };
}
