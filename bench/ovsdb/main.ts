/** The OVSDB bench: `npm run bench -- ovsdb [case ...] [--quick]`. Figures of one machine: trust ratios, not digits. */
import { availableParallelism, loadavg } from 'node:os';
import process from 'node:process';
import { addPort, type Effort, sync, transactions, updates } from './cases.js';
import { printSection, type Section } from '../table.js';

const cases: Readonly<Record<string, (effort: Effort) => Promise<Section>>> = {
  'sync-1k': (effort) => sync(1000, effort),
  'sync-10k': (effort) => sync(10_000, effort),
  'sync-50k': (effort) => sync(50_000, { ...effort, rounds: Math.min(3, effort.rounds) }),
  transactions,
  updates,
  'add-port': (effort) => addPort(10, effort),
  'add-port-500': (effort) => addPort(500, effort),
};

const args = process.argv.slice(2);
const effort: Effort = args.includes('--quick') ? { rounds: 1, count: 2000 } : { rounds: 5, count: 8000 };
const names = args.filter((name) => !name.startsWith('--'));
for (const name of names.length > 0 ? names : Object.keys(cases)) {
  const run = cases[name];
  if (run === undefined) {
    process.stderr.write(`no such case: ${name}; there are ${Object.keys(cases).join(', ')}\n`);
    process.exitCode = 64;
    break;
  }
  printSection(await run(effort));
  // The server, the peers and whatever else runs share the processors: a busy machine shows in every ratio.
  process.stdout.write(`  load ${loadavg()[0]?.toFixed(1) ?? '?'} on ${availableParallelism()} processors\n`);
}
