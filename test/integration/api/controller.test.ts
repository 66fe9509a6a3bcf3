/**
 * A controller in a process of its own, which knows the proto files alone, steers two agents, each with an Open vSwitch of its
 * own. What became of it is told by ovs-vsctl and ovs-ofctl.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { Rig } from '../agent/rig.js';
import { Daemon, eventually } from '../lab/daemon.js';
import { PublishedClient, refusalOf, type Fields } from './published-client.js';
import { addressesOf, flowsOf, Folder, wordsOf } from './stage.js';

const controllerFile = join(import.meta.dirname, '..', '..', 'reference-controller', 'controller.mjs');

const edgePort = (name: string): Fields => ({
  name,
  kind: 'PORT_KIND_INTERNAL',
  interfaceExternalIds: { 'dpf-id': `ns/fw/${name}` },
});
const service = (name: string): Fields => ({ kind: 'CHAIN_PORT_KIND_SERVICE', dpfId: `ns/fw/${name}` });

/** A bridge with three ports, a port on the configuration's bridge, a function of the host, and a chain between two ports. */
const bundle = (from: string, to: string): Fields => ({
  bridges: [
    {
      name: 'br-edge',
      mode: 'BRIDGE_MODE_OWN',
      failMode: 'FAIL_MODE_SECURE',
      ports: ['e0', 'e1', 'e2'].map(edgePort),
    },
  ],
  ports: [{ bridge: 'br-int', name: 'tap0', kind: 'PORT_KIND_INTERNAL', vlan: { tag: 7 } }],
  chains: [{ name: 'wire', bridge: 'br-edge', switches: [{ ports: [service(from), service(to)] }] }],
  attachments: [
    { name: 'web', representor: { pf: 0, vf: 3 }, bridge: 'br-int', ifaceId: 'web-0', mac: '02:00:00:00:00:03' },
  ],
});

const config = { bridges: [{ name: 'br-int', failMode: 'secure' }] };

interface Step {
  readonly step: string;
  readonly generation?: string;
  readonly error?: string;
}

/** The controller, its steps, and a line to its stdin for the next one. */
class Controller implements AsyncDisposable {
  readonly steps: Step[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor(planFile: string, addresses: readonly string[]) {
    this.#child = spawn(process.execPath, [controllerFile, planFile, ...addresses], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()));
    if (this.#child.stdout === null) throw new Error('no stdout');
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.steps.push(JSON.parse(line) as Step));
  }

  goOn(): void {
    this.#child.stdin?.write('\n');
  }

  async reached(step: string, generation?: string): Promise<void> {
    await eventually(
      () => {
        const wrong = this.steps.find((entry) => entry.step === 'failed' || entry.step === 'stream');
        if (wrong !== undefined) throw new Error(JSON.stringify(wrong));
        return this.steps.some((entry) => entry.step === step && entry.generation === generation);
      },
      `the controller says ${step} ${generation ?? ''}`,
      40_000,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

interface Steered {
  readonly rig: Rig;
  readonly agent: AgentProcess;
  readonly address: string;
}

async function steered(): Promise<Steered> {
  const rig = await Rig.start({ vswitchd: true, devices: ['rep0-3'] });
  const agent = await rig.agent(config);
  await agent.ready(0);
  return { rig, agent, address: (await addressesOf(agent)).unix };
}

/** Every change of flows from now on, as ovs-ofctl tells it. */
async function watchFlows({ rig }: Steered): Promise<Daemon> {
  const target = `${rig.lab.runDir}/br-edge.mgmt`;
  const monitor = new Daemon(['ovs-ofctl', '-O', 'OpenFlow15', 'monitor', target, 'watch:'], rig.lab.env);
  monitor.start();
  await eventually(() => monitor.output.includes('event=INITIAL'), 'the flows that are there');
  return monitor;
}

const eventsOf = (monitor: Daemon): readonly string[] => monitor.output.match(/event=(?!INITIAL)\w+/g) ?? [];

/** Which ports of br-edge are connected, by its flows: `e0>e1`. */
async function connectedPorts({ rig }: Steered): Promise<readonly string[]> {
  const flows = await flowsOf(rig.lab, 'br-edge');
  const pairs = flows.flatMap((flow) => {
    const [, from] = /in_port="?(e\d)"?/.exec(flow) ?? [];
    const [, to] = /output:"?(e\d)"?/.exec(flow) ?? [];
    return from === undefined || to === undefined ? [] : [`${from}>${to}`];
  });
  return pairs.sort();
}

describe('the reference controller', () => {
  let agents: readonly [Steered, Steered];
  let folder: Folder;
  beforeAll(async () => {
    folder = await Folder.make();
    agents = await Promise.all([steered(), steered()]);
  });
  afterAll(async () => {
    for (const { rig } of agents) await rig[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it('brings a bundle into force on both, changes a chain though one agent was killed, and leaves nothing', async () => {
    const planFile = join(folder.dir, 'plan.json');
    const bundles = [bundle('e0', 'e1'), bundle('e0', 'e2')];
    await writeFile(planFile, JSON.stringify({ owner: 'fleet', isStepped: true, bundles }));
    await using controller = new Controller(
      planFile,
      agents.map(({ address }) => address),
    );
    onTestFailed(() => {
      console.error(JSON.stringify(controller.steps), ...agents.map(({ agent }) => `\n${agent.log.slice(-6_000)}`));
    });
    await controller.reached('ready', '1');
    for (const { rig, address } of agents) {
      expect(await wordsOf(rig.lab, 'list-br')).toEqual(['br-edge', 'br-int']);
      expect(await wordsOf(rig.lab, 'list-ports', 'br-edge')).toEqual(['e0', 'e1', 'e2']);
      expect(await wordsOf(rig.lab, 'list-ports', 'br-int')).toEqual(['rep0-3', 'tap0']);
      expect((await rig.lab.vsctl('get', 'Port', 'tap0', 'tag')).trim()).toBe('7');
      expect((await rig.lab.vsctl('get', 'Interface', 'rep0-3', 'external_ids:iface-id')).trim()).toBe('web-0');
      expect((await rig.lab.vsctl('get', 'Bridge', 'br-edge', 'fail_mode')).trim()).toBe('secure');
      using client = new PublishedClient(address);
      const { intent } = await client.call<{ intent: Shown }>('IntentService/Get', { owner: 'fleet' });
      const byName = new Map(intent.status.conditions.map((entry) => [entry.object.name, entry]));
      expect([...byName.values()].map(({ state }) => state)).toEqual(
        intent.status.conditions.map(() => 'CONDITION_STATE_READY'),
      );
      // The evidence is that of the switch.
      const ofport = (await rig.lab.vsctl('get', 'Interface', 'tap0', 'ofport')).trim();
      expect(byName.get('tap0')?.evidence).toMatchObject({ ofport });
      expect(byName.has('br-edge') && byName.has('wire')).toBe(true);
      expect(intent).toMatchObject({
        owner: 'fleet',
        generation: '1',
        actor: expect.stringMatching(/^uid 0/) as string,
      });
    }
    for (const one of agents) expect(await connectedPorts(one)).toEqual(['e0>e1', 'e1>e0']);

    const [killed] = agents;
    const monitor = await watchFlows(killed);
    const transactions = await killed.rig.transactions();
    await killed.agent.kill();
    killed.agent.start();
    using client = new PublishedClient(killed.address);
    await eventually(async () => {
      const listed = client.call<{ intents: readonly Shown[] }>('IntentService/List', {}, 2_000);
      const { intents } = await listed.catch(() => ({ intents: [] }));
      return intents[0]?.generation === '1' && intents[0].status.phase === 'PHASE_READY';
    }, 'the intent is in force again');
    await killed.agent.ready(Date.now());
    expect(await killed.rig.transactions()).toEqual(transactions);
    expect(eventsOf(monitor)).toEqual([]);

    controller.goOn();
    await controller.reached('ready', '2');
    for (const one of agents) expect(await connectedPorts(one)).toEqual(['e0>e2', 'e2>e0']);
    await eventually(() => eventsOf(monitor).includes('event=ADDED'), 'the witness sees a change');
    await monitor.stop();

    controller.goOn();
    await controller.reached('deleted');
    for (const { rig, agent } of agents) {
      await eventually(async () => (await rig.lab.vsctl('list-br')).trim() === 'br-int', 'br-edge is gone');
      await eventually(async () => (await rig.lab.vsctl('list-ports', 'br-int')).trim() === '', 'its ports are gone');
      await agent.ready(Date.now());
    }
  });
});

interface Shown {
  readonly owner: string;
  readonly generation: string;
  readonly status: {
    readonly phase: string;
    readonly conditions: readonly {
      readonly object: { readonly name: string };
      readonly state: string;
      readonly evidence: Readonly<Record<string, string>>;
    }[];
  };
}

interface Answer {
  readonly isRepeated: boolean;
  readonly status: { readonly generation: string; readonly phase: string };
  readonly plan: { readonly changes: readonly { readonly summary: string }[]; readonly flowChanges: readonly string[] };
}

describe('an agent that owners steer', () => {
  let one: Steered;
  let client: PublishedClient;
  beforeAll(async () => {
    one = await steered();
    client = new PublishedClient(one.address);
  });
  afterAll(async () => {
    client.close();
    await one.rig[Symbol.asyncDispose]();
  });

  const apply = (owner: string, generation: number, more: Fields): Promise<Answer> =>
    client.call<Answer>('IntentService/Apply', { owner, generation, ...more });
  const phaseOf = async (owner: string): Promise<string> =>
    (await client.call<{ intent: Shown }>('IntentService/Get', { owner })).intent.status.phase;
  const ready = (owner: string): Promise<unknown> =>
    eventually(async () => (await phaseOf(owner)) === 'PHASE_READY', `${owner} is ready`);

  it('shows a dry run, and nothing was changed or stored by it', async () => {
    const before = [await one.rig.transactions(), await wordsOf(one.rig.lab, 'list-br')];
    const answer = await apply('dry', 1, { bundle: bundle('e0', 'e1'), isDryRun: true });
    const summaries = answer.plan.changes.map(({ summary }) => summary);
    expect(summaries).toEqual(expect.arrayContaining(['create bridge br-edge', 'create port tap0 on br-int']));
    // The agent looks again and again meanwhile.
    await one.agent.ready(Date.now());
    expect([await one.rig.transactions(), await wordsOf(one.rig.lab, 'list-br')]).toEqual(before);
    expect(await client.call('IntentService/List')).toMatchObject({ intents: [] });
    expect(await refusalOf(client.call('IntentService/Get', { owner: 'dry' }))).toMatchObject({
      code: status.NOT_FOUND,
    });
  });

  it('refuses what contradicts the configuration or another owner, names both, and changes nothing', async () => {
    await apply('first', 1, { bundle: { bridges: [{ name: 'br-x', failMode: 'FAIL_MODE_SECURE' }] } });
    await ready('first');
    const before = await one.rig.transactions();
    const other = await refusalOf(apply('second', 1, { bundle: { bridges: [{ name: 'br-x' }] } }));
    expect(other).toMatchObject({ code: status.ALREADY_EXISTS, reason: 'INTENT_CONFLICT' });
    expect(other.message).toMatch(/first/);
    expect(other.message + JSON.stringify(other)).toMatch(/second/);
    const file = await refusalOf(apply('second', 1, { bundle: { bridges: [{ name: 'br-int' }] } }));
    expect(file).toMatchObject({ code: status.ALREADY_EXISTS, reason: 'INTENT_CONFLICT' });
    expect(file.message).toMatch(/configuration/);
    expect(JSON.stringify(file)).toMatch(/second/);
    await one.agent.ready(Date.now());
    expect(await one.rig.transactions()).toEqual(before);
    const { intents } = await client.call<{ intents: readonly Shown[] }>('IntentService/List');
    expect(intents.map(({ owner }) => owner)).toEqual(['first']);
  });

  it('lets two owners stand side by side on one bridge, and undoes the one without touching the other', async () => {
    const port = (name: string): Fields => ({ ports: [{ bridge: 'br-int', name, kind: 'PORT_KIND_INTERNAL' }] });
    await apply('left', 1, { bundle: port('l0') });
    await apply('right', 1, { bundle: port('r0') });
    await Promise.all([ready('left'), ready('right')]);
    const row = (await one.rig.lab.vsctl('get', 'Port', 'r0', '_uuid')).trim();
    await client.call('IntentService/Delete', { owner: 'left' });
    await eventually(async () => !(await wordsOf(one.rig.lab, 'list-ports', 'br-int')).includes('l0'), 'l0 is gone');
    expect((await one.rig.lab.vsctl('get', 'Port', 'r0', '_uuid')).trim()).toBe(row);
    await ready('right');
    await client.call('IntentService/Delete', { owner: 'right' });
  });

  it('says what is wrong with a bundle by field, value and rule', async () => {
    const wrong = { ports: [{ bridge: 'br-int', name: 'v0', kind: 'PORT_KIND_INTERNAL', vlan: { tag: 5000 } }] };
    const refused = await refusalOf(apply('wrong', 1, { bundle: wrong }));
    expect(refused.code).toBe(status.INVALID_ARGUMENT);
    const description = '5000 is not allowed here; allowed: a whole number from 0 to 4095';
    expect(refused.violations).toEqual([{ field: 'ports[0].vlan.tag', description, reason: 'INTENT_INVALID' }]);
  });

  it('answers a repeated request as the first time, and refuses a replayed key or an old generation', async () => {
    const first = { bundle: { bridges: [{ name: 'br-k', failMode: 'FAIL_MODE_SECURE' }] }, idempotencyKey: 'key-1' };
    const changed = { bridges: [{ name: 'br-k', failMode: 'FAIL_MODE_STANDALONE' }] };
    expect(await apply('keys', 2, first)).toMatchObject({ isRepeated: false });
    await ready('keys');
    const before = await one.rig.transactions();
    expect(await apply('keys', 2, first)).toMatchObject({ isRepeated: true, status: { generation: '2' } });
    const replayed = await refusalOf(apply('keys', 3, { bundle: changed, idempotencyKey: 'key-1' }));
    expect(replayed).toMatchObject({ reason: 'INTENT_REPLAYED' });
    const old = await refusalOf(apply('keys', 1, { bundle: changed, idempotencyKey: 'key-2' }));
    expect(old).toMatchObject({ code: status.ABORTED, reason: 'INTENT_GENERATION' });
    const same = await refusalOf(apply('keys', 2, { bundle: changed, idempotencyKey: 'key-3' }));
    expect(same).toMatchObject({ code: status.ABORTED, reason: 'INTENT_GENERATION' });
    // The key is remembered beyond the end of the process.
    await one.agent.kill();
    one.agent.start();
    await one.agent.ready(Date.now());
    const again = await eventually(() => apply('keys', 2, first).catch(() => undefined), 'the agent answers');
    expect(again).toMatchObject({ isRepeated: true });
    expect(await one.rig.transactions()).toEqual(before);
    expect((await one.rig.lab.vsctl('get', 'Bridge', 'br-k', 'fail_mode')).trim()).toBe('secure');
  });
});
