/** `dpuctl doctor`: looks at everything that the agent needs, with or without it. Changes nothing. */

import type { CommandContext } from './command-context.js';
import { exitNotReady } from './command-context.js';
import { doctorChecks } from './doctor-checks.js';
import type { CheckResult, DoctorFacts } from './doctor-facts.js';
import { isForPeople, printData } from './output.js';
import { formatTable } from './table.js';

type Named = CheckResult & { readonly name: string };

const words: Readonly<Record<CheckResult['outcome'], string>> = { pass: 'pass', fail: 'FAIL', untestable: 'n/a' };

/** The results as a table, then what can be done about each failure, then one line in sum. */
export function formatResults(results: readonly Named[]): string {
  const rows = results.map(({ name, outcome, message }) => [words[outcome], name, message]);
  const failed = results.filter(({ outcome }) => outcome === 'fail');
  const remedies = failed.map(({ name, remedy }) => `  ${name}: ${remedy ?? ''}\n`);
  const count = (outcome: CheckResult['outcome']): number =>
    results.filter((entry) => entry.outcome === outcome).length;
  const advice = remedies.length === 0 ? '' : `\nWhat to do:\n${remedies.join('')}`;
  const sum = `\n${count('pass')} passed, ${count('fail')} failed, ${count('untestable')} not testable\n`;
  return formatTable([['', 'CHECK', 'WHAT WAS SEEN'], ...rows]) + advice + sum;
}

/** Judges the facts and prints what came of it; 3 when a check has failed. */
export async function doctor(context: CommandContext, facts: DoctorFacts): Promise<number> {
  const results = doctorChecks.map(({ name, run }): Named => ({ name, ...run(facts) }));
  if (isForPeople(context)) {
    context.print(formatResults(results));
  } else {
    const plain = results.map(({ name, outcome, message, remedy = '' }) => ({ name, outcome, message, remedy }));
    await printData(context, { checks: plain });
  }
  return results.some(({ outcome }) => outcome === 'fail') ? exitNotReady : 0;
}
