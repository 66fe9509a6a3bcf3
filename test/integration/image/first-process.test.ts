/** The agent as process 1 of a PID namespace, which it is in a container: the kernel ends no such process by default. */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { output } from './base-images.js';

const run = promisify(execFile);
let dir = '';

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'first-process-'));
  await output(process.execPath, ['scripts/bundle.mjs', '--out', join(dir, 'programs')]);
});

afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

/**
 * Tells when the program first listens to SIGTERM, sends that signal to it there and then, and tells when the first large library
 * is loaded (grpc-js asks for its environment while it is evaluated).
 */
const witness = `
import { writeSync } from 'node:fs';
const told = new Set();
const tell = (what) => { if (!told.has(what)) writeSync(2, 'witness: ' + what + '\\n'); told.add(what); };
process.env = new Proxy(process.env, {
  get(target, name) {
    if (name === 'GRPC_NODE_VERBOSITY') tell('loads libraries');
    return target[name];
  },
});
const { once } = process;
process.once = function (name, listener) {
  once.call(this, name, listener);
  if (name !== 'SIGTERM') return this;
  tell('listens');
  process.kill(process.pid, 'SIGTERM');
  return this;
};`;

it('ends in order by a SIGTERM that comes while it is still loading', async () => {
  const preload = join(dir, 'witness.mjs');
  await writeFile(preload, witness);
  const config = join(dir, 'config.yaml');
  const places = { runDir: join(dir, 'run'), stateDir: join(dir, 'state') };
  for (const place of Object.values(places)) await mkdir(place);
  // JSON is YAML.
  await writeFile(config, JSON.stringify({ agent: places, api: { http: { mode: 'off' } } }));
  const program = [join(dir, 'programs/dpu-node-agent.mjs'), 'run', '--config', config];
  const asFirst = ['--pid', '--fork', '--mount-proc', '--kill-child'];
  // Nobody but the agent itself signals it: that it ends at all, and with 0, is what is tested.
  const { stdout, stderr } = await run('unshare', [...asFirst, process.execPath, '--import', preload, ...program], {
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  expect(stderr.match(/(?<=^witness: ).*$/gm)).toEqual(['listens', 'loads libraries']);
  expect(stdout).toContain('"agent ended"');
});
