/** Benchmarks of service chains: `npm run bench -- chains [case ...] [--quick]`. */
import { availableParallelism, loadavg } from 'node:os';
import { printSection, type Section } from '../table.js';
import { lossCase } from './loss.js';
import { portCase } from './port.js';
import { restartCase } from './restart.js';

interface Effort {
  readonly portCount: number;
  readonly restartCount: number;
  readonly lossCount: number;
}

const cases: Readonly<Record<string, (effort: Effort) => Promise<Section>>> = {
  'port-50': ({ portCount }) => portCase(50, portCount),
  'restart-1': ({ restartCount }) => restartCase(1, restartCount),
  'restart-50': ({ restartCount }) => restartCase(50, restartCount),
  'restart-200': ({ restartCount }) => restartCase(200, restartCount),
  loss: ({ lossCount }) => lossCase(lossCount),
};

const args = process.argv.slice(2);
const effort: Effort = args.includes('--quick')
  ? { portCount: 30, restartCount: 3, lossCount: 1 }
  : { portCount: 300, restartCount: 15, lossCount: 5 };
const names = args.filter((name) => !name.startsWith('--'));
for (const name of names.length > 0 ? names : Object.keys(cases)) {
  const run = cases[name];
  if (run === undefined) {
    process.stderr.write(`no such case: ${name}; there are ${Object.keys(cases).join(', ')}\n`);
    process.exitCode = 64;
    break;
  }
  printSection(await run(effort));
  // The switch, the agent and whatever else runs share the processors: a busy machine shows in every quantile.
  process.stdout.write(`  load ${loadavg()[0]?.toFixed(1) ?? '?'} on ${availableParallelism()} processors\n`);
}
