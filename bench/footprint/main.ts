/**
 * What the agent costs while nothing happens: `npm run bench -- footprint [case ...] [--quick]`. The program is the bundle with
 * the heap flags of the image, the devices are real ones of a network namespace. Needs root.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { HostFunctions } from '../../src/sandbox/lab/host-functions.js';
import { functionOf } from '../attach/bench-pods.js';
import { eachCase, options } from '../suite.js';
import { cases } from './cases.js';
// Only what is imported is compiled with the bench.
import type {} from './inside.js';

const insideFile = fileURLToPath(new URL('./inside.js', import.meta.url));

/** Both ends of every cable are on, as on a host whose functions are in use. */
function switchOn(namespace: string): void {
  const listed = execFileSync('ip', ['-n', namespace, '-o', 'link'], { encoding: 'utf8' });
  const names = [...listed.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name]) => name ?? '');
  const input = names.map((name) => `link set ${name} up\n`).join('');
  execFileSync('ip', ['-n', namespace, '-batch', '-'], { input });
}

async function runCase(name: string, functionCount: number): Promise<number> {
  const numbers = Array.from({ length: functionCount }, (_unused, index) => functionOf(index + 1));
  await using functions = await HostFunctions.make(numbers, 'bench');
  for (const name of ['dpu', 'host']) switchOn(functions.namespaces.name(name));
  const command = ['netns', 'exec', functions.dpu, process.execPath, '--enable-source-maps', insideFile, name];
  const child = spawn('ip', [...command, ...options], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

if (process.getuid?.() !== 0) process.stdout.write('footprint: needs root for network namespaces\n');
else {
  await eachCase(cases, async ({ functionCount }, name) => {
    process.exitCode = (await runCase(name, functionCount)) || process.exitCode;
  });
}
