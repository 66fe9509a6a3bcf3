/** `npm run sandbox`: the virtual DPU for a person, live, or once with three breakages and their repair. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatStatus } from '../cli/status-text.js';
import { AgentError, toError } from '../lib/errors.js';
import { checkApi, httpUrl, insideNetwork } from './api-check.js';
import { breakAndWatch, faults } from './faults.js';
import { thiefName } from './host-cluster.js';
import { eventually } from './lab/daemon.js';
import { helpText, parseOptions, type SandboxOptions } from './options.js';
import { Sandbox } from './sandbox.js';

const print = (text: string): void => void process.stdout.write(text);
const runFile = promisify(execFile);
const mainFile = fileURLToPath(new URL('../main.js', import.meta.url));
const dpuctlFile = fileURLToPath(new URL('../cli/dpuctl.js', import.meta.url));
/** How often the live table is looked at, ms. */
const refreshMs = 250;

function describeGround(isReal: boolean): string {
  if (isReal)
    return 'real: Open vSwitch (userspace datapath), namespaces, packets; simulated: the eSwitch (veth pairs), the host cluster\n';
  return (
    'real: Open vSwitch with its dummy datapath, the agent; simulated: devices (files), eSwitch, host cluster\n' +
    'lost without root: network namespaces, real packets, link events. Run as root to have them.\n'
  );
}

async function bringUp(sandbox: Sandbox): Promise<void> {
  const startMs = performance.now();
  const startWallMs = Date.now();
  await sandbox.start();
  await sandbox.agent.ready(startWallMs);
  const upMs = performance.now() - startMs;
  await sandbox.runPods();
  const podsMs = performance.now() - startMs - upMs;
  const status = await sandbox.agent.ready(Date.now());
  print(`up in ${Math.round(upMs)} ms, ${sandbox.pods.length} pods attached in ${Math.round(podsMs)} ms\n\n`);
  print(`${formatStatus(status)}\n`);
  await eventually(() => sandbox.doesPing(), 'a packet of the first pod reaches the fabric');
  if (sandbox.isReal) print('ping from pod web-0 through br-int, br-sfc and br-hbn to the fabric: answered\n\n');
  print(await explainThief(sandbox));
}

/** What `dpuctl why` says of the pod whose function is another's. */
async function explainThief(sandbox: Sandbox): Promise<string> {
  const args = ['why', 'pod', `default/${thiefName}`, '--run-dir', sandbox.agent.runDir];
  const ask = async (): Promise<string | undefined> => {
    const { stdout } = await runFile(process.execPath, [dpuctlFile, ...args]).catch(
      // A broken rung is told by the exit status.
      (error: unknown) => error as { readonly stdout: string },
    );
    return stdout.includes('RepresentorClaimedTwice') ? stdout : undefined;
  };
  const text = await eventually(ask, 'dpuctl explains the pod whose function is held by another');
  return `dpuctl ${args.slice(0, 3).join(' ')}\n${text}\n`;
}

/** The demonstration; true when everything was repaired. */
async function runOnce(sandbox: Sandbox): Promise<boolean> {
  await bringUp(sandbox);
  print(`${await checkApi(sandbox, dpuctlFile)}\n`);
  let repairedCount = 0;
  for (const fault of faults) {
    print(`break: ${fault.title}\n`);
    const repair = await breakAndWatch(sandbox, fault);
    if (repair.isRepaired) repairedCount += 1;
    const word = repair.isRepaired ? 'repaired' : 'NOT REPAIRED';
    print(`  ${word} after ${repair.tookMs.toFixed(0)} ms: ${repair.message}\n`);
  }
  const status = await sandbox.agent.status();
  if (status !== undefined) print(`\n${formatStatus(status, 10)}`);
  if (repairedCount < faults.length) print(`\nThe agent's log:\n${sandbox.agent.log}\n`);
  print(`\n${repairedCount} of ${faults.length} repaired\n`);
  return repairedCount === faults.length;
}

function hints(sandbox: Sandbox): string {
  const db = `ovs-vsctl --db=unix:${sandbox.lab.socket}`;
  const kubectl = `kubectl --kubeconfig ${sandbox.kubeconfig}`;
  const dpuctl = `npx dpuctl --address unix:${sandbox.agent.socket}`;
  const inside = insideNetwork(sandbox)
    .map((word) => `${word} `)
    .join('');
  return [
    '',
    'Break something in another terminal; it is repaired while you look:',
    `  ${db} del-port p0`,
    'Ask there, or have a pod detached:',
    `  ${kubectl} get pods`,
    `  ${kubectl} delete pod web-1`,
    `  ${dpuctl} status`,
    `  ${dpuctl} why pod default/${thiefName}`,
    // Only in its own network the kernel tells the agent who calls; without a name one may read, and no more.
    `  ${inside}${dpuctl} trace pods-to-fabric`,
    ...(sandbox.agent.httpAddress === undefined ? [] : [`  ${inside}curl -s ${httpUrl(sandbox, '/metrics')}`]),
    'Ctrl-C ends the sandbox.',
    '',
  ].join('\n');
}

/** Shows the table until the signal; on a terminal it is redrawn in place, elsewhere printed when it changes. */
async function runLive(sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  await bringUp(sandbox);
  let shown = '';
  while (!signal.aborted) {
    const status = await sandbox.agent.status();
    const text = status === undefined ? '' : `${formatStatus(status, 8)}${hints(sandbox)}`;
    if (text !== shown) print(process.stdout.isTTY ? `\u001b[H\u001b[2J${text}` : `${text}\n`);
    shown = text;
    await sleep(refreshMs, undefined, { signal }).catch(() => undefined);
  }
}

async function run(options: SandboxOptions): Promise<number> {
  const isRoot = process.getuid?.() === 0;
  const sandbox = new Sandbox({ options, isReal: isRoot && !options.isDummy, mainFile });
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => abort.abort());
  // Whoever read the output has gone (`| head`): that is Ctrl-C in other words, and nothing may stay behind.
  process.stdout.on('error', () => abort.abort());
  const ended = new Promise<number>((resolve) => abort.signal.addEventListener('abort', () => resolve(130)));
  print(describeGround(sandbox.isReal));
  try {
    if (options.isOnce) return await Promise.race([ended, runOnce(sandbox).then((isGood) => (isGood ? 0 : 1))]);
    await Promise.race([ended, runLive(sandbox, abort.signal)]);
    return 0;
  } finally {
    await sandbox.stop();
  }
}

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (!options.isHelp) return await run(options);
    print(helpText);
    return 0;
  } catch (error) {
    const remedy = error instanceof AgentError && error.remedy !== undefined ? `\n  ${error.remedy}` : '';
    process.stderr.write(`sandbox: ${toError(error).message}${remedy}\n`);
    return error instanceof AgentError && error.code === 'USAGE' ? 2 : 1;
  }
}

// Everything is closed by now, but a demonstration that was interrupted may still be waiting for its next look.
process.exit(await main());
