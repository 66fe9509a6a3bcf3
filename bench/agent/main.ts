/** The agent's bench: `npm run bench -- agent [case ...] [--quick]`. Figures of one machine: trust ratios, not digits. */
import { availableParallelism, loadavg } from 'node:os';
import process from 'node:process';
import { printSection, type Section } from '../table.js';
import { drift, type Effort } from './drift.js';

const cases: Readonly<Record<string, (effort: Effort) => Promise<Section>>> = Object.fromEntries(
  [10, 200, 1000].flatMap((count) => [
    [`drift-${count}-db`, (effort: Effort) => drift(count, false, effort)],
    [`drift-${count}`, (effort: Effort) => drift(count, true, effort)],
  ]),
);

const args = process.argv.slice(2);
const effort: Effort = args.includes('--quick')
  ? { changeCount: 23, commandCount: 13 }
  : { changeCount: 203, commandCount: 33 };
const names = args.filter((name) => !name.startsWith('--'));
for (const name of names.length > 0 ? names : Object.keys(cases)) {
  const run = cases[name];
  if (run === undefined) {
    process.stderr.write(`no such case: ${name}; there are ${Object.keys(cases).join(', ')}\n`);
    process.exitCode = 64;
    break;
  }
  printSection(await run(effort));
  // The server, vswitchd and whatever else runs share the processors: a busy machine shows in every quantile.
  process.stdout.write(`  load ${loadavg()[0]?.toFixed(1) ?? '?'} on ${availableParallelism()} processors\n`);
}
