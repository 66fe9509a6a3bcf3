/** What is measured, side by side on one switch: our client, the raw bytes, and ovs-ofctl with its start. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { flowContentKey, flowKey, formatFlow, OpenFlowClient } from '../../src/openflow/index.js';
import type { Flow, FlowMod } from '../../src/openflow/index.js';
import { OvsLab } from '../../test/integration/lab/ovs.js';
import { bundleBytes, RawSession } from './raw.js';
import { atMost, median, ms } from '../table.js';
import type { Line, Section } from '../table.js';

const table = 1;

/** Flows of a patch panel: a port, an address, a rewritten address and an output. */
function patchFlow(index: number): Flow & FlowMod {
  return {
    command: 'add',
    table,
    priority: 100,
    cookie: 0x5c00_0000_0000_0000n | BigInt(index),
    idleTimeout: 0,
    hardTimeout: 0,
    flags: 0,
    importance: 0,
    match: [
      { field: 'in_port', value: 1 },
      { field: 'eth_type', value: 0x0800 },
      { field: 'ip_dst', value: 0x0a00_0000 + index },
    ],
    instructions: {
      apply: [
        { kind: 'set_field', field: 'eth_dst', value: 0x0200_0000_0001n },
        { kind: 'output', port: 2 },
      ],
    },
  };
}

class Stage implements AsyncDisposable {
  readonly lab: OvsLab;
  readonly client: OpenFlowClient;
  readonly raw: RawSession;

  private constructor(lab: OvsLab, client: OpenFlowClient, raw: RawSession) {
    this.lab = lab;
    this.client = client;
    this.raw = raw;
  }

  static async set(): Promise<Stage> {
    const lab = await OvsLab.start({ vswitchd: true });
    await lab.vsctl('add-br', 'br0', '--', 'set', 'bridge', 'br0', 'fail-mode=secure');
    const path = `${lab.runDir}/br0.mgmt`;
    const client = new OpenFlowClient({ endpoint: { kind: 'unix', path }, random: () => 0 });
    client.start();
    await client.ready();
    return new Stage(lab, client, await RawSession.open(path));
  }

  /** ovs-ofctl, whose output goes nowhere: its own time is what counts. */
  ofctl(...args: readonly string[]): Promise<string> {
    return this.lab.ofctl('-O', 'OpenFlow15', '--no-names', ...args);
  }

  async empty(): Promise<void> {
    await this.client.change({ command: 'delete', table });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    this.raw.close();
    await this.lab.stop();
  }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** One flow changed and confirmed. */
export async function single(rounds: number): Promise<Section> {
  await using stage = await Stage.set();
  const times: number[] = [];
  for (let index = 0; index < rounds * 200; index += 1) {
    times.push(await timed(() => stage.client.change(patchFlow(index % 100))));
  }
  const tool = await timed(() => stage.ofctl('add-flow', 'br0', 'actions=drop'));
  const value = median(times);
  return {
    title: 'One flow changed and confirmed by a barrier',
    lines: [
      { what: 'this client', value: ms(value), target: atMost(value, 0.5, 'at most 0.5 ms') },
      { what: 'ovs-ofctl add-flow', value: ms(tool) },
    ],
  };
}

interface Round {
  readonly [what: string]: number;
}

/** Installing and dumping `count` flows. */
export async function flows(count: number, rounds: number): Promise<Section> {
  await using stage = await Stage.set();
  const wanted = Array.from({ length: count }, (_, index) => patchFlow(index));
  const file = join(stage.lab.dir, 'flows.txt');
  await writeFile(file, wanted.map((flow) => `${formatFlow(flow)}\n`).join(''));
  const bytes = bundleBytes(wanted);
  const results: Round[] = [];
  for (let round = 0; round < rounds; round += 1) results.push(await oneRound(stage, wanted, bytes, file));
  const slow = round0(await slowRound(stage, wanted, file));
  const of = (what: string): number => median(results.map((result) => result[what] ?? Number.NaN));
  return { title: `${count} flows, median of ${rounds}`, lines: [...lines(of), ...slow] };
}

async function oneRound(stage: Stage, wanted: readonly FlowMod[], bytes: Uint8Array, file: string): Promise<Round> {
  await stage.empty();
  const install = await timed(() => stage.client.bundle(wanted, { deadlineMs: 60_000 }));
  await expectCount(stage, wanted.length);
  const dump = await timed(() => countFlows(stage));
  const rawDump = await stage.raw.dump(table);
  const toolDump = await timed(() => stage.ofctl('dump-flows', 'br0', `table=${table}`));
  await stage.empty();
  const rawInstall = await stage.raw.install(bytes);
  await stage.empty();
  const toolInstall = await timed(() => stage.ofctl('--bundle', 'add-flows', 'br0', file));
  const replace = await timed(() => replaceFlows(stage, wanted));
  return { install, dump, rawDump, toolDump, rawInstall, toolInstall, replace };
}

/** What takes ovs-ofctl so long that once is enough. */
async function slowRound(stage: Stage, wanted: readonly FlowMod[], file: string): Promise<Round> {
  if (wanted.length > 10_000) return {};
  const toolReplace = await timed(() => stage.ofctl('replace-flows', 'br0', file));
  await stage.empty();
  const toolSingly = await timed(() => stage.ofctl('add-flows', 'br0', file));
  await stage.empty();
  const singly = await timed(() => stage.client.changeAll(wanted));
  return { toolReplace, singly, toolSingly };
}

function round0(slow: Round): readonly Line[] {
  const names: readonly (readonly [string, string])[] = [
    ['toolReplace', 'nothing to replace: ovs-ofctl replace-flows'],
    ['singly', 'without a bundle: this client'],
    ['toolSingly', 'without a bundle: ovs-ofctl add-flows'],
  ];
  return names.flatMap(([key, what]) => (slow[key] === undefined ? [] : [{ what, value: ms(slow[key]) }]));
}

function lines(of: (what: string) => number): readonly Line[] {
  const install = of('install');
  const dump = of('dump');
  const factor = install / of('rawInstall');
  return [
    {
      what: 'install: this client',
      value: ms(install),
      target: atMost(install, of('toolInstall'), 'faster than ovs-ofctl with its start'),
    },
    { what: 'install: ovs-ofctl --bundle add-flows', value: ms(of('toolInstall')) },
    { what: 'install: raw bytes', value: ms(of('rawInstall')) },
    { what: 'install: client / raw', value: factor.toFixed(2), target: atMost(factor, 1.4, 'at most 1.4') },
    {
      what: 'dump: this client, every flow decoded',
      value: ms(dump),
      target: atMost(dump, of('toolDump'), 'faster than ovs-ofctl with its start'),
    },
    { what: 'dump: ovs-ofctl dump-flows', value: ms(of('toolDump')) },
    { what: 'dump: raw bytes', value: ms(of('rawDump')) },
    { what: 'nothing to replace: dump and compare', value: ms(of('replace')) },
  ];
}

async function countFlows(stage: Stage): Promise<number> {
  let count = 0;
  for await (const part of stage.client.dumpFlowParts({ table })) count += part.length;
  return count;
}

async function expectCount(stage: Stage, count: number): Promise<void> {
  const found = (await stage.client.aggregate({ table })).flows;
  if (found !== count) throw new Error(`${found} flows instead of ${count} are in the table`);
}

/** Reads what is there and changes what differs, as `ovs-ofctl replace-flows` does. */
async function replaceFlows(stage: Stage, wanted: readonly FlowMod[]): Promise<void> {
  const observed = new Map<string, string>();
  for await (const part of stage.client.dumpFlowParts({ table })) {
    for (const flow of part) observed.set(flowKey(flow), flowContentKey(flow));
  }
  const missing = wanted.filter((flow) => observed.get(flowKey(flow)) !== flowContentKey(flow));
  if (missing.length > 0) throw new Error(`${missing.length} flows differ from what was installed`);
}
