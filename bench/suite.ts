/** The frame of a bench: `npm run bench -- SUITE [case ...] [--quick]`. */
import { availableParallelism, loadavg } from 'node:os';
import process from 'node:process';
import { printSection, type Section } from './table.js';

export type Cases<Effort> = Readonly<Record<string, (effort: Effort) => Promise<Section>>>;

const words = process.argv.slice(2);
export const options = words.filter((word) => word.startsWith('--'));
const names = words.filter((word) => !word.startsWith('--'));

/** Runs the cases that the command line names, one after another; all of them when it names none. */
export async function eachCase<Case>(
  cases: Readonly<Record<string, Case>>,
  run: (one: Case, name: string) => Promise<void>,
): Promise<void> {
  for (const name of names.length > 0 ? names : Object.keys(cases)) {
    const one = cases[name];
    if (one === undefined) {
      process.stderr.write(`no such case: ${name}; there are ${Object.keys(cases).join(', ')}\n`);
      process.exitCode = 64;
      return;
    }
    await run(one, name);
  }
}

export function effortOf<Effort>(efforts: { readonly quick: Effort; readonly full: Effort }): Effort {
  return options.includes('--quick') ? efforts.quick : efforts.full;
}

/** Figures of one machine, and how busy it was: trust ratios, not digits. */
export function report(section: Section): void {
  printSection(section);
  // What is measured, its peers and whatever else runs share the processors: a busy machine shows in every figure.
  process.stdout.write(`  load ${loadavg()[0]?.toFixed(1) ?? '?'} on ${availableParallelism()} processors\n`);
}

export async function runSuite<Effort>(
  cases: Cases<Effort>,
  efforts: { readonly quick: Effort; readonly full: Effort },
): Promise<void> {
  await eachCase(cases, async (run) => report(await run(effortOf(efforts))));
}
