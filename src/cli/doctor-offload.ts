/**
 * What `dpuctl doctor` takes from the agent's supervisor of offload. It sees what is in effect, where the database alone has
 * what is stored: what it has found comes before what doctor concludes for itself. Pure.
 */

import type { OffloadSupervision } from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { safeText } from '../lib/text.js';
import { offloadChecks } from '../offload/run-checks.js';
import { fail, judge, pass, untestable, type Check, type CheckResult, type DoctorFacts } from './doctor-facts.js';

/** Undefined where no agent answers, nobody supervises, or nothing is judged yet. */
function supervisionOf({ offload }: DoctorFacts): OffloadSupervision | undefined {
  return offload.kind === 'known' && offload.value.waiting === '' ? offload.value.supervision : undefined;
}

/** Every finding of the supervisor, the first in full. @param noAgent what is said where no agent answers */
export function offloadFindings({ offload }: DoctorFacts, noAgent: string): CheckResult {
  return judge(
    offload,
    ({ supervision, waiting }) => {
      if (waiting !== '') return untestable(`nothing is judged yet: ${safeText(waiting, 300)}`);
      if (supervision === undefined) return untestable('nobody supervises offload (offload.mode)');
      const { findings, clear, notTestable } = supervision;
      const [first] = findings;
      if (first === undefined) return pass(`${clear.length} checks clear, ${notTestable.length} could not be made`);
      const more = findings.length > 1 ? ` (and ${findings.length - 1} more: dpuctl offload status)` : '';
      return fail(`${safeText(first.reason, 64)}: ${safeText(first.message, 400)}${more}`, safeText(first.remedy, 400));
    },
    noAgent,
  );
}

/**
 * A check that the supervisor makes too: what it has found counts, and where it has found nothing, doctor's own failure does
 * not. Without a supervisor doctor looks for itself.
 * @param names of the supervisor's checks
 */
export function agentFirst(names: readonly string[], own: Check['run']): Check['run'] {
  const reasons = new Set<string>(
    offloadChecks.filter(({ name }) => names.includes(name)).flatMap((check) => check.reasons),
  );
  return (facts) => {
    const said = supervisionOf(facts);
    const found = said?.findings.find(({ reason }) => reasons.has(reason));
    if (found !== undefined) return fail(safeText(found.message, 400), safeText(found.remedy, 400));
    const result = own(facts);
    const isClear = said !== undefined && names.every((name) => said.clear.includes(name));
    return result.outcome === 'fail' && isClear ? pass(`the agent's checks are clear: ${names.join(', ')}`) : result;
  };
}
