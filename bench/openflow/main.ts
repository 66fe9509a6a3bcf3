/** The OpenFlow bench: `npm run bench -- openflow [case ...] [--quick]`. Figures of one machine: trust ratios, not digits. */
import { availableParallelism, loadavg } from 'node:os';
import process from 'node:process';
import { flows, single } from './cases.js';
import { printSection } from '../table.js';
import type { Section } from '../table.js';

const cases: Readonly<Record<string, (rounds: number) => Promise<Section>>> = {
  single,
  'flows-1k': (rounds) => flows(1000, rounds),
  'flows-10k': (rounds) => flows(10_000, rounds),
  'flows-100k': (rounds) => flows(100_000, Math.min(rounds, 3)),
};

const args = process.argv.slice(2);
const rounds = args.includes('--quick') ? 2 : 7;
const names = args.filter((name) => !name.startsWith('--'));
for (const name of names.length > 0 ? names : Object.keys(cases)) {
  const run = cases[name];
  if (run === undefined) {
    process.stderr.write(`no such case: ${name}; there are ${Object.keys(cases).join(', ')}\n`);
    process.exitCode = 64;
    break;
  }
  printSection(await run(rounds));
  // The switch and whatever else runs share the processors: a busy machine shows in every ratio.
  process.stdout.write(`  load ${loadavg()[0]?.toFixed(1) ?? '?'} on ${availableParallelism()} processors\n`);
}
