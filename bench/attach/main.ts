/**
 * Benchmarks of attaching the host cluster's pods: `npm run bench -- attach [case ...] [--quick]`. Makes the cables that
 * stand for functions and runs each case inside the DPU's namespace, so that nothing has to be tunnelled. Needs root.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { HostFunctions } from '../../src/sandbox/lab/host-functions.js';
import { eachCase, options } from '../suite.js';
import { functionOf } from './bench-pods.js';
import { cases } from './cases.js';
// Only what is imported is compiled with the bench.
import type {} from './inside.js';
import type {} from './probe.js';

const insideFile = fileURLToPath(new URL('./inside.js', import.meta.url));

async function runCase(name: string, functionCount: number): Promise<number> {
  const numbers = Array.from({ length: functionCount }, (_unused, index) => functionOf(index + 1));
  await using functions = await HostFunctions.make(numbers, 'bench');
  const command = ['netns', 'exec', functions.dpu, process.execPath, '--enable-source-maps', insideFile, name];
  const child = spawn('ip', [...command, ...options], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

if (process.getuid?.() !== 0) process.stdout.write('attach: needs root for network namespaces\n');
else {
  await eachCase(cases, async ({ functionCount }, name) => {
    process.exitCode = (await runCase(name, functionCount)) || process.exitCode;
  });
}
