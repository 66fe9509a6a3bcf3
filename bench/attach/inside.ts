/** One case, in a process of its own inside the network namespace of the DPU: `node inside.js CASE [--quick]`. */
import { availableParallelism, loadavg } from 'node:os';
import process from 'node:process';
import { printSection } from '../table.js';
import { cases } from './cases.js';
import { fullEffort, quickEffort } from './effort.js';

const [name = '', ...options] = process.argv.slice(2);
const run = cases[name]?.run;
if (run === undefined) throw new Error(`no such case: ${name}`);
printSection(await run(options.includes('--quick') ? quickEffort : fullEffort));
// The switch, the cluster, the agent and whatever else runs share the processors: a busy machine shows in every quantile.
process.stdout.write(`  load ${loadavg()[0]?.toFixed(1) ?? '?'} on ${availableParallelism()} processors\n`);
