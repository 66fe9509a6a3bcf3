/** The agent on a machine, installed by the project's own script as an administrator would, and looked at by systemd's tools. */

import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../lab/daemon.js';
import { projectRoot, type Machine } from './machine.js';

const run = promisify(execFile);
export const service = 'dpu-node-agent.service';
export const configFile = '/etc/dpu-node-agent/config.yaml';

/** Two bridges with a pair of patch ports, and a chain between two internal ports: nothing of it needs hardware. */
export const config = `
representors: { finder: simulated }
bridges:
  - name: br-sfc
    datapathType: netdev
    failMode: secure
    ports:
      - { kind: internal, name: svc0, interfaceExternalIds: { role: left } }
      - { kind: internal, name: svc1, interfaceExternalIds: { role: right } }
      - { kind: patch, name: patch-sfc-hbn, peer: { bridge: br-hbn, port: patch-hbn-sfc } }
  - name: br-hbn
    datapathType: netdev
    failMode: secure
    ports:
      - { kind: patch, name: patch-hbn-sfc, peer: { bridge: br-sfc, port: patch-sfc-hbn } }
chains:
  - name: wire
    switches:
      - ports:
          - { kind: labels, labels: { role: left } }
          - { kind: labels, labels: { role: right } }
`;

/** Puts bundle, units and configuration on the machine; starts nothing. */
export async function install(machine: Machine): Promise<void> {
  const bundle = mkdtempSync(join(tmpdir(), 'dpu-bundle-'));
  try {
    await run(process.execPath, [join(projectRoot, 'scripts/bundle.mjs'), '--out', bundle]);
    cpSync(bundle, machine.path('/srv/agent/dist-bundle'), { recursive: true });
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
  cpSync(join(projectRoot, 'systemd'), machine.path('/srv/agent/systemd'), { recursive: true });
  machine.write('/srv/agent/docs/install-systemd.md', readFileSync(join(projectRoot, 'docs/install-systemd.md')));
  await machine.run('sh', '/srv/agent/systemd/install.sh');
  machine.write(configFile, config);
}

/** Lines that override the unit until the next call; none takes the override away. */
export async function override(machine: Machine, ...lines: readonly string[]): Promise<void> {
  const file = '/run/systemd/system/dpu-node-agent.service.d/test.conf';
  rmSync(machine.path(file), { force: true });
  if (lines.length > 0) machine.write(file, `${lines.join('\n')}\n`);
  await machine.run('systemctl', 'daemon-reload');
}

export async function stateOf(machine: Machine): Promise<string> {
  return (await machine.tryRun('systemctl', 'is-active', service)).stdout.trim();
}

/** The process of the service; waits while there is none. */
export async function mainPid(machine: Machine): Promise<number> {
  let pid = 0;
  await eventually(async () => {
    pid = Number((await machine.show(service, 'MainPID'))['MainPID']);
    return pid > 1;
  }, 'the service has a process');
  return pid;
}

/** Waits until the service, in this life of it, has told what it waits for. */
export async function waitsForDatabase(machine: Machine): Promise<void> {
  await says(machine, 'API listens');
  const told = async (): Promise<string> => (await machine.show(service, 'StatusText'))['StatusText'] ?? '';
  await eventually(async () => (await told()).includes('database cannot be used'), 'it says what it waits for');
}

export async function restarts(machine: Machine): Promise<number> {
  return Number((await machine.show(service, 'NRestarts'))['NRestarts']);
}

/** Waits for the state; fails with what systemd and the log say. */
export async function reaches(machine: Machine, state: string, waitMs = 20_000): Promise<void> {
  try {
    await eventually(async () => (await stateOf(machine)) === state, `the service is ${state}`, waitMs);
  } catch (error) {
    const { stdout } = await machine.tryRun('systemctl', 'status', '--no-pager', '--full', '--lines=40', service);
    throw new Error(stdout, { cause: error });
  }
}

/** `systemctl start` that does not wait. */
export async function begin(machine: Machine): Promise<void> {
  await machine.run('systemctl', 'reset-failed', service).catch(() => undefined);
  await machine.run('systemctl', 'start', '--no-block', service);
}

/** The service's present life, by which its log is found. */
export async function lifeOf(machine: Machine): Promise<string> {
  return (await machine.show(service, 'InvocationID'))['InvocationID'] ?? '';
}

/** What the service's processes wrote in one of its lives, the present one unless given, and what systemd said of them. */
export async function logOf(machine: Machine, life?: string): Promise<string> {
  const id = life ?? (await lifeOf(machine));
  const fields = [`_SYSTEMD_INVOCATION_ID=${id}`, '+', `INVOCATION_ID=${id}`];
  return machine.run('journalctl', '--output=cat', '--no-pager', ...fields);
}

/** Waits until the log of the life has the words. */
export async function says(machine: Machine, words: string | RegExp, life?: string): Promise<void> {
  const isSaid = (line: string): boolean => (typeof words === 'string' ? line.includes(words) : words.test(line));
  await eventually(async () => (await logOf(machine, life)).split('\n').some(isSaid), `the log has ${String(words)}`);
}

/** The flows of the chain, without what counts time. */
export interface CountedFlow {
  readonly rule: string;
  readonly seconds: number;
  readonly packets: number;
}

export async function chainFlows(machine: Machine): Promise<readonly CountedFlow[]> {
  const text = await machine.run('ovs-ofctl', '--protocols=OpenFlow15', 'dump-flows', 'br-sfc');
  const lines = text.split('\n').filter((line) => line.includes('cookie=0x5cda'));
  return lines.map((line) => ({
    rule: line.trim().replace(/ (?:duration|n_packets|n_bytes|idle_age)=[^ ]*/g, ''),
    seconds: Number(/duration=([\d.]+)s/.exec(line)?.[1]),
    packets: Number(/n_packets=(\d+)/.exec(line)?.[1]),
  }));
}

/** A line that overrides the unit: Node.js opens its inspector, for `evaluateInside`. */
export const inspected = 'Environment=NODE_OPTIONS=--inspect=127.0.0.1:9229';

/** Runs JavaScript inside the agent, which is `inspected`; the agent has begun it or is about to, and need not have ended it. */
export async function evaluateInside(machine: Machine, code: string): Promise<void> {
  const client = `
    const [target] = await (await fetch('http://127.0.0.1:9229/json')).json();
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    const said = (name) => new Promise((resolve, reject) => { socket['on' + name] = resolve; socket.onerror = reject; });
    await said('open');
    const expression = 'setImmediate(() => {' + process.argv[1] + '}); 0';
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
    // The answer comes before the code begins, which may never end.
    const { result } = JSON.parse((await said('message')).data);
    process.exit(result?.result?.value === 0 ? 0 : 1);`;
  await eventually(
    async () => {
      const flags = ['--experimental-websocket', '--input-type=module', '--eval', client];
      return (await machine.tryRun('node', ...flags, code)).code === 0;
    },
    'the inspector answers',
    10_000,
  );
}
