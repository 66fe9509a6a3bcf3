/** Asks the sandbox's agent what a person, a probe and Prometheus would ask it, by the ways that they would take. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { eventually } from './lab/daemon.js';
import type { Sandbox } from './sandbox.js';

const runFile = promisify(execFile);

/** What a program that may fail printed. */
async function outputOf(
  file: string,
  args: readonly string[],
): Promise<{ readonly isOk: boolean; readonly text: string }> {
  try {
    const { stdout } = await runFile(file, args, { maxBuffer: 16 * 2 ** 20 });
    return { isOk: true, text: stdout };
  } catch (error) {
    const { stdout = '', stderr = String(error) } = error as { readonly stdout?: string; readonly stderr?: string };
    return { isOk: false, text: `${stdout}${stderr}` };
  }
}

/** Prints the status of the answer, a line break, and its body. */
const fetchScript = `
const answer = await fetch(process.argv[1]);
process.stdout.write(answer.status + '\\n' + (await answer.text()));
`;

/** How the agent's HTTP is reached from outside its network: the words that come before a command. */
export function insideNetwork(sandbox: Sandbox): readonly string[] {
  return sandbox.isReal ? ['ip', 'netns', 'exec', sandbox.layout.dpuNamespace] : [];
}

/** @throws Error when the agent does not say where it listens */
export function httpUrl(sandbox: Sandbox, path: string): string {
  const { httpAddress } = sandbox.agent;
  if (httpAddress === undefined) throw new Error(`the agent does not listen for HTTP:\n${sandbox.agent.log}`);
  return `http://${httpAddress}${path}`;
}

async function get(sandbox: Sandbox, path: string): Promise<{ readonly code: number; readonly body: string }> {
  const command = [process.execPath, '--input-type=module', '-e', fetchScript, httpUrl(sandbox, path)];
  const [file = '', ...args] = [...insideNetwork(sandbox), ...command];
  const { isOk, text } = await outputOf(file, args);
  if (!isOk) throw new Error(`no answer to GET ${path}: ${text}`);
  const end = text.indexOf('\n');
  return { code: Number(text.slice(0, end)), body: text.slice(end + 1) };
}

/** A line of the text format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
const sampleLine =
  /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\["\\n])*",?)*\})? [-+.0-9eEInfNa]+( \d+)?$/;

/** How many samples there are. @throws Error when a line is none and no comment either */
export function countSamples(text: string): number {
  let count = 0;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (!sampleLine.test(line)) throw new Error(`this is no sample: ${line.slice(0, 200)}`);
    count += 1;
  }
  return count;
}

/**
 * Waits until `dpuctl status` and `/readyz` say ready, and reads the metrics; returns one line about it.
 * @throws Error when one of them does not answer as it should
 */
export async function checkApi(sandbox: Sandbox, dpuctlFile: string): Promise<string> {
  const address = `unix:${sandbox.agent.socket}`;
  let last = '';
  const isReady = async (): Promise<boolean> => {
    const { isOk, text } = await outputOf(process.execPath, [dpuctlFile, 'status', '--address', address]);
    last = text;
    return isOk && text.startsWith('READY');
  };
  try {
    await eventually(isReady, 'dpuctl says ready');
    await eventually(async () => {
      const { code, body } = await get(sandbox, '/readyz');
      last = `${code} ${body}`;
      return code === 200;
    }, '/readyz says ready');
  } catch (cause) {
    throw new Error(`the agent's API does not say ready: ${last}`, { cause });
  }
  const { code, body } = await get(sandbox, '/metrics');
  const count = code === 200 ? countSamples(body) : 0;
  if (count === 0) throw new Error(`no metrics: status ${code}`);
  return `API: dpuctl status ready, /readyz 200, /metrics ${count} samples\n`;
}
