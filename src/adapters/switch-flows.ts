/**
 * One dump of the flows of all datapaths, added up while it streams by. The command makes the daemon walk all flows, whatever is
 * asked of them; a filter by type makes the answer shorter, not the walk.
 */

import { AgentError } from '../lib/errors.js';
import { systemClock } from '../lib/clock.js';
import { FlowSummary } from '../offload/flow-summary.js';
import type { TierContext } from '../offload/flow-tier.js';
import type { FlowsReading } from '../offload/readings.js';
import type { SoftwareContext } from '../offload/software-reason.js';
import { FlowDumpParser } from '../unixctl/index.js';
import { readDatapathNames } from './datapath-names.js';
import { absentWhy, nextTurn, refusalOf, type SwitchAsker } from './switch-asker.js';

export type FlowFacts = Pick<FlowsReading, 'scope' | 'summaries' | 'unknownLines'>;
export type FlowContext = (datapath: string) => SoftwareContext & TierContext;

/** A flow takes some hundredths of a ms, on a slow core ten times that: what answers others is not to wait for a whole portion, ms. */
const turnMsMax = 5;

const command = 'dpctl/dump-flows';

/**
 * Everything that the CPU carries out: flows that are nowhere in hardware, and those that are only marked there
 * (flow_passes_type_filter of dpctl.c, where the first alone leaves the second out).
 */
const softwareTypes = 'type=non-offloaded,partially-offloaded';

/**
 * @throws AgentError also UNIXCTL_REFUSED when a datapath cannot be dumped: half of the flows are none
 */
export async function readFlowFacts(
  asker: SwitchAsker,
  scope: FlowsReading['scope'],
  context: FlowContext,
): Promise<FlowFacts> {
  if (!asker.has(command)) throw new AgentError('UNIXCTL_REFUSED', absentWhy(command));
  const names = await readDatapathNames(asker);
  if (names.kind === 'unknown') throw new AgentError('UNIXCTL_REFUSED', names.why);
  const contexts = names.value.map((datapath) => ({ datapath, context: context(datapath) }));
  try {
    return await dumpAll(asker, scope, contexts);
  } catch (error) {
    // A release that does not know the types is asked for everything, and the reading says so.
    if (scope === 'all' || !/\btypes?\b/i.test(refusalOf(error))) throw error;
    return dumpAll(asker, 'all', contexts);
  }
}

interface Dumped {
  readonly datapath: string;
  readonly context: SoftwareContext & TierContext;
}

async function dumpAll(
  asker: SwitchAsker,
  scope: FlowsReading['scope'],
  contexts: readonly Dumped[],
): Promise<FlowFacts> {
  const summaries: { datapath: string; summary: FlowSummary }[] = [];
  let unknownLines = 0;
  for (const { datapath, context } of contexts) {
    const summary = new FlowSummary({ context });
    unknownLines += await dumpOne(asker, scope, datapath, summary);
    summaries.push({ datapath, summary });
  }
  return { scope, summaries, unknownLines };
}

/** How many lines were no flow. The name comes before the type: dpctl reads its arguments from the end. */
async function dumpOne(
  asker: SwitchAsker,
  scope: FlowsReading['scope'],
  datapath: string,
  summary: FlowSummary,
): Promise<number> {
  const parser = new FlowDumpParser();
  const args = ['-m', '--names', datapath, ...(scope === 'software' ? [softwareTypes] : [])];
  for await (const lines of asker.batches(command, args)) {
    let sinceMs = systemClock.nowMs();
    for (const line of lines) {
      if (systemClock.nowMs() - sinceMs > turnMsMax) {
        await nextTurn();
        sinceMs = systemClock.nowMs();
      }
      const flow = parser.push(line);
      if (flow !== undefined) summary.add(flow);
    }
  }
  return parser.counts.unknown.count;
}
