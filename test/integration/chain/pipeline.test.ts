import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultCookieTag, switchMetadata } from '../../../src/chain/chain-id.js';
import { formatBundleFile, ofctlCommand } from '../../../src/chain/describe-flows.js';
import { isLearned, planFlows } from '../../../src/chain/plan-flows.js';
import type { ChainIntent } from '../../../src/model/chain.js';
import type { Flow, ObservedFlow } from '../../../src/model/flow.js';
import { formatFlow } from '../../../src/model/flow-text.js';
import {
  access,
  chainIntent,
  chainPort,
  chainSwitch,
  flowsOf,
  idsOf,
  sfcPort,
  tagged,
  validate,
  worldIndex,
} from '../../fakes/chain-world.js';
import { OvsLab, runTool } from '../lab/ovs.js';

/** Ports of br-sfc with the OpenFlow numbers that they ask for. */
const numbers = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 } as const;
type PortName = keyof typeof numbers;
const names = Object.keys(numbers) as PortName[];

const mac = (station: number): string => `02:00:00:00:00:0${station}`;
const everyone = 'ff:ff:ff:ff:ff:ff';

function chainsOf(chains: readonly ChainIntent[], without: readonly PortName[] = []) {
  const ports = names.filter((name) => !without.includes(name)).map((name) => sfcPort(name, numbers[name]));
  const known = new Map(chains.map((chain) => [chain.name, chain]));
  return validate(chains, worldIndex({ ports }), without.length > 0 ? known : new Map());
}

let lab: OvsLab;
/** What the switch holds according to the agent's own plans; the tests compare it with what ovs-ofctl reads back. */
let installed: readonly ObservedFlow[] = [];

beforeAll(async () => {
  lab = await OvsLab.start({ vswitchd: true });
  const ports = names.flatMap((name) => [
    ...['--', 'add-port', 'br-sfc', name],
    ...['--', 'set', 'Interface', name, `ofport_request=${numbers[name]}`],
    ...[`options:tx_pcap=${join(lab.dir, `${name}.pcap`)}`],
  ]);
  await lab.vsctl('add-br', 'br-sfc', '--', 'set', 'bridge', 'br-sfc', 'fail_mode=secure', ...ports);
  await lab.appctl('time/stop');
});

afterAll(async () => lab.stop());

beforeEach(async () => {
  await lab.ofctl('del-flows', 'br-sfc');
  installed = [];
});

async function dump(...selector: readonly string[]): Promise<readonly string[]> {
  const args = ['-O', 'OpenFlow15', '--no-stats', '--no-names', 'dump-flows', 'br-sfc', ...selector];
  const text = await lab.ofctl(...args);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('cookie='));
}

/** Learned flows as ovs-ofctl prints them. */
const learned = (table: number): Promise<readonly string[]> => dump(`table=${table},cookie=${ownRange}`);
const ownRange = `0x${defaultCookieTag.toString(16)}000000000000/0xffff000000000000`;

/** Plans against what is installed, and lets ovs-ofctl carry the plan out as one bundle. */
async function bring(chains: readonly ChainIntent[], without: readonly PortName[] = []): Promise<void> {
  const verdict = chainsOf(chains, without);
  expect(verdict.refusals).toEqual([]);
  const desired = flowsOf(verdict);
  const plan = planFlows(desired, new Map([['br-sfc', installed]]));
  const file = join(lab.dir, 'flows.txt');
  await writeFile(file, formatBundleFile(plan, 'br-sfc'));
  await lab.ofctl('-O', 'OpenFlow15', '--bundle', 'add-flows', 'br-sfc', file);
  const flows = [...(desired.flows.get('br-sfc')?.values() ?? [])].map(({ flow }) => flow);
  installed = flows.map((flow: Flow) => ({ ...flow, packets: 0n, bytes: 0n }));
}

interface Sending {
  readonly to?: string;
  readonly vlan?: number;
}

async function send(port: PortName, from: number, { to = everyone, vlan }: Sending = {}): Promise<void> {
  const ip = 'eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)';
  const body = vlan === undefined ? ip : `eth_type(0x8100),vlan(vid=${vlan},pcp=0),encap(${ip})`;
  await lab.appctl('netdev-dummy/receive', port, `in_port(1),eth(src=${mac(from)},dst=${to}),${body}`);
}

/** How many frames each port has sent. */
async function counts(): Promise<Readonly<Record<PortName, number>>> {
  const text = await lab.ofctl('-O', 'OpenFlow15', '--no-names', 'dump-ports', 'br-sfc');
  const sent = names.map((name) => {
    const found = new RegExp(`port\\s+${numbers[name]}: rx[^\\n]*\\n\\s+tx pkts=(\\d+)`).exec(text);
    return [name, Number(found?.[1])] as const;
  });
  return Object.fromEntries(sent) as Record<PortName, number>;
}

/** The ports that a frame leaves by, with how often. */
async function outputsOf(act: () => Promise<void>): Promise<readonly string[]> {
  const before = await counts();
  await act();
  const after = await counts();
  return names.flatMap((name) => Array.from({ length: after[name] - before[name] }, () => name));
}

/** Datapath flows as text, without the counters. */
async function datapath(): Promise<readonly string[]> {
  const text = await lab.appctl('dpctl/dump-flows');
  const flows = text.split('\n').filter((line) => line.includes('actions:'));
  return flows.map((line) => line.replace(/packets:\d+, bytes:\d+, used:[^,]+, (?:flags:[^,]+, )?/, '')).sort();
}

const crossed = chainIntent('wire', [chainSwitch('a', 'b')]);
const lan = chainIntent('lan', [chainSwitch('c', 'd', 'e', 'f')]);

describe('the flows as text', () => {
  it('are read back by ovs-ofctl letter by letter', async () => {
    const rich = chainIntent(
      'rich',
      [
        chainSwitch('a', 'b', chainPort('c', { vlan: tagged(100), pinnedMacs: [mac(9)] }), chainPort('d')),
        chainSwitch(chainPort('e', { vlan: access(7) }), 'f'),
      ],
      { macMove: 'refuse', ageingSeconds: 60 },
    );
    await bring([rich]);
    expect([...(await dump())].sort()).toEqual(installed.map(formatFlow).sort());
  });

  it('are taken back by the commands that a plan shows', async () => {
    await bring([crossed, lan]);
    const plan = planFlows(flowsOf(chainsOf([])), new Map([['br-sfc', installed]]));
    for (const command of plan.changes.map(ofctlCommand)) {
      const [, ...args] = command.split(' ').map((word) => word.replaceAll("'", ''));
      await lab.ofctl(...args);
    }
    expect(await dump()).toEqual([]);
  });
});

describe('a cross-connect', () => {
  it('passes every frame to the other port by one look-up in table 0', async () => {
    await bring([crossed]);
    expect(await outputsOf(() => send('a', 1))).toEqual(['b']);
    expect(await outputsOf(() => send('b', 2, { to: mac(1), vlan: 12 }))).toEqual(['a']);
    const trace = await lab.appctl('ofproto/trace', 'br-sfc', `in_port=1,dl_src=${mac(1)}`);
    expect(trace.match(/^ ?\d+\. /gm)).toEqual([' 0. ']);
    // Which number the datapath gave to port b differs from run to run.
    expect(trace).toMatch(/Datapath actions: \d+$/m);
  });

  it('drops what comes while the other port is away, and has no flow that names it', async () => {
    await bring([crossed]);
    await bring([crossed], ['b']);
    expect(await outputsOf(() => send('a', 1))).toEqual([]);
    expect((await dump()).join('\n')).not.toMatch(/in_port=2|output:2/);
    await bring([crossed]);
    expect(await outputsOf(() => send('a', 1))).toEqual(['b']);
  });

  it('takes the tag off and puts it on where one side is tagged', async () => {
    await bring([chainIntent('vlan', [chainSwitch(chainPort('a', { vlan: tagged(100) }), 'b')])]);
    expect(await outputsOf(() => send('a', 1, { vlan: 100 }))).toEqual(['b']);
    expect(await outputsOf(() => send('a', 1, { vlan: 101 }))).toEqual([]);
    expect(await outputsOf(() => send('a', 1))).toEqual([]);
    expect(await outputsOf(() => send('b', 2))).toEqual(['a']);
    await vi.waitFor(async () => {
      await send('a', 1, { vlan: 100 });
      await send('b', 2);
      const flows = (await datapath()).join('\n');
      expect(flows).toContain('actions:pop_vlan,');
      expect(flows).toContain('actions:push_vlan(vid=100,pcp=0),');
    });
    // tcpdump prints the tag of what left by port a: the last frame.
    const sent = await runTool(lab.env, 'tcpdump', ['-e', '-n', '-r', join(lab.dir, 'a.pcap')]);
    expect(sent.trim().split('\n').at(-1)).toContain('vlan 100');
  });

  it('shares an uplink with another chain by VLAN, and keeps the two apart', async () => {
    await bring([
      chainIntent('ten', [chainSwitch(chainPort('a', { vlan: tagged(10) }), 'b')]),
      chainIntent('twenty', [chainSwitch(chainPort('a', { vlan: tagged(20) }), 'c')]),
    ]);
    expect(await outputsOf(() => send('a', 1, { vlan: 10 }))).toEqual(['b']);
    expect(await outputsOf(() => send('a', 1, { vlan: 20 }))).toEqual(['c']);
    expect(await outputsOf(() => send('a', 1, { vlan: 30 }))).toEqual([]);
  });
});

describe('a learning switch', () => {
  it('floods the unknown and the multicast, never back, and sends the known to its port alone', async () => {
    await bring([lan]);
    expect(await outputsOf(() => send('c', 1, { to: mac(2) }))).toEqual(['d', 'e', 'f']);
    expect(await outputsOf(() => send('d', 2, { to: mac(1) }))).toEqual(['c']);
    expect(await outputsOf(() => send('c', 1, { to: mac(2) }))).toEqual(['d']);
    expect(await outputsOf(() => send('c', 1, { to: '01:00:5e:00:00:05' }))).toEqual(['d', 'e', 'f']);
    expect(await outputsOf(() => send('d', 2))).toEqual(['c', 'e', 'f']);
    // Behind the same port: the switch has no business with it.
    expect(await outputsOf(() => send('c', 3, { to: mac(1) }))).toEqual([]);
  });

  it('follows a station that moves', async () => {
    await bring([lan]);
    await send('c', 1);
    expect(await outputsOf(() => send('f', 2, { to: mac(1) }))).toEqual(['c']);
    await send('d', 1);
    expect(await outputsOf(() => send('f', 2, { to: mac(1) }))).toEqual(['d']);
    await send('c', 1);
    expect(await outputsOf(() => send('f', 2, { to: mac(1) }))).toEqual(['c']);
  });

  it('forgets a silent station after the ageing time, and not one that speaks', async () => {
    await bring([lan]);
    await send('c', 1);
    await send('d', 2);
    for (let minute = 0; minute < 7; minute += 1) {
      await lab.appctl('time/warp', '60000', '1000');
      await send('d', 2);
    }
    const stations = await learned(13);
    expect(stations).toHaveLength(1);
    expect(stations[0]).toContain(`dl_dst=${mac(2)}`);
    expect(await outputsOf(() => send('e', 3, { to: mac(1) }))).toEqual(['c', 'd', 'f']);
    expect(await outputsOf(() => send('e', 3, { to: mac(2) }))).toEqual(['d']);
  });

  it('learns no group address, and not without end', async () => {
    await bring([{ ...lan, stationCountMax: 3 }]);
    await lab.appctl(
      'netdev-dummy/receive',
      'c',
      `in_port(1),eth(src=01:00:00:00:00:01,dst=${mac(1)}),eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0.0.2,op=1,sha=01:00:00:00:00:01,tha=00:00:00:00:00:00)`,
    );
    expect(await learned(13)).toEqual([]);
    for (const station of [1, 2, 3, 4, 5]) await send('c', station);
    expect(await learned(13)).toHaveLength(3);
    // What is not learned is flooded, which costs and does not lose.
    expect(await outputsOf(() => send('d', 6, { to: mac(5) }))).toEqual(['c', 'e', 'f']);
  });

  it('knows a station in each VLAN by itself', async () => {
    await bring([lan]);
    await send('c', 1, { vlan: 10 });
    await send('d', 1, { vlan: 20 });
    expect(await outputsOf(() => send('e', 2, { to: mac(1), vlan: 10 }))).toEqual(['c']);
    expect(await outputsOf(() => send('e', 2, { to: mac(1), vlan: 20 }))).toEqual(['d']);
    expect(await outputsOf(() => send('e', 2, { to: mac(1) }))).toEqual(['c', 'd', 'f']);
  });

  it('keeps what was learned behind a port that vanished from leading anywhere', async () => {
    await bring([lan]);
    await send('c', 1);
    await bring([lan], ['c']);
    // The learned flow is still there, for the test did not plan against it; table 14 no longer knows the number.
    expect(await learned(13)).toHaveLength(1);
    expect(await outputsOf(() => send('e', 2, { to: mac(1) }))).toEqual(['d', 'f']);
  });

  it('says of its learned flows what the planner takes for learned', async () => {
    await bring([lan]);
    await send('c', 1);
    const desired = flowsOf(chainsOf([lan]));
    const identity = idsOf(chainsOf([lan])).chains.get('lan');
    expect(identity).toBeDefined();
    const metadata = switchMetadata(identity ?? { id: 0, generation: 0 }, 0);
    const flow: Flow = {
      table: 13,
      priority: 10,
      match: { metadata, vlan: { kind: 'vidBits', vid: 0 }, ethDst: { value: mac(1) } },
      actions: [{ kind: 'loadRegister', register: 'reg0', value: numbers.c }],
      cookie: installed[0]?.cookie ?? 0n,
      idleTimeout: 0,
      hardTimeout: 300,
    };
    expect(await learned(13)).toEqual([formatFlow(flow)]);
    expect(isLearned(flow, desired.scopes.get('br-sfc')?.get(metadata))).toBe(true);
  });

  it('translates VLANs between its ports, and floods with each port its own tag', async () => {
    await bring([
      chainIntent('mixed', [
        chainSwitch('c', chainPort('d', { vlan: tagged(10) }), chainPort('e', { vlan: tagged(20) })),
      ]),
    ]);
    // A datapath flow goes when a revalidator sees that learning has changed the tables; the next frame makes it anew.
    await vi.waitFor(async () => {
      await send('c', 1);
      const flows = (await datapath()).filter((flow) => flow.includes(`src=${mac(1)}`));
      expect(flows.join('\n')).toMatch(
        /actions:push_vlan\(vid=10,pcp=0\),\d+,pop_vlan,push_vlan\(vid=20,pcp=0\),\d+$/m,
      );
    });
    expect(await outputsOf(() => send('d', 2, { to: mac(1), vlan: 10 }))).toEqual(['c']);
    expect(await outputsOf(() => send('e', 3, { to: mac(2), vlan: 20 }))).toEqual(['d']);
    expect(await outputsOf(() => send('e', 3, { to: mac(2), vlan: 10 }))).toEqual([]);
  });
});

describe('a learning switch that refuses moves', () => {
  const strict = { ...lan, macMove: 'refuse' as const, ageingSeconds: 60 };

  it('drops a station that speaks from another port, until it has been silent for the ageing time', async () => {
    await bring([strict]);
    await send('c', 1);
    expect(await outputsOf(() => send('d', 1))).toEqual([]);
    expect(await outputsOf(() => send('f', 2, { to: mac(1) }))).toEqual(['c']);
    expect(await outputsOf(() => send('c', 1))).toEqual(['d', 'e', 'f']);
    await lab.appctl('time/warp', '70000', '1000');
    expect(await outputsOf(() => send('d', 1))).toEqual(['c', 'e', 'f']);
    expect(await outputsOf(() => send('c', 1))).toEqual([]);
  });

  it('keeps the home of a station that goes on speaking', async () => {
    await bring([strict]);
    for (let round = 0; round < 5; round += 1) {
      await send('c', 1);
      await lab.appctl('time/warp', '20000', '1000');
    }
    expect(await outputsOf(() => send('d', 1))).toEqual([]);
  });

  it('lets a pinned station be where it is pinned and nowhere else, from the first frame', async () => {
    const pinned = chainIntent('pin', [chainSwitch(chainPort('c', { pinnedMacs: [mac(1)] }), 'd', 'e')]);
    await bring([pinned]);
    expect(await outputsOf(() => send('d', 1))).toEqual([]);
    expect(await outputsOf(() => send('d', 2, { to: mac(1) }))).toEqual(['c']);
    expect(await outputsOf(() => send('c', 1, { to: mac(2) }))).toEqual(['d']);
  });
});

describe('chains side by side', () => {
  it('never see a frame of one another, whatever it is addressed to', async () => {
    const [red, green] = [chainSwitch('a', 'b', 'c'), chainSwitch('d', 'e', 'f')];
    await bring([chainIntent('red', [red]), chainIntent('green', [green])]);
    for (const [port, station] of [
      ['a', 1],
      ['b', 2],
      ['d', 3],
      ['e', 4],
    ] as const)
      await send(port, station);
    for (const station of [1, 2, 3, 4, 5]) {
      const fromRed = await outputsOf(() => send('c', 6, { to: mac(station) }));
      const fromGreen = await outputsOf(() => send('f', 7, { to: mac(station) }));
      expect(fromRed.length).toBeGreaterThan(0);
      expect(fromGreen.length).toBeGreaterThan(0);
      expect(fromRed.filter((port) => !['a', 'b'].includes(port))).toEqual([]);
      expect(fromGreen.filter((port) => !['d', 'e'].includes(port))).toEqual([]);
    }
  });

  it('keep counting while another comes and goes, and go with their cookie', async () => {
    await bring([crossed]);
    await send('a', 1);
    await send('a', 1);
    // Counters reach the flow table when a revalidator has passed.
    await lab.appctl('revalidator/wait');
    await bring([crossed, lan]);
    await bring([crossed]);
    const flows = await lab.ofctl('-O', 'OpenFlow15', 'dump-flows', 'br-sfc', 'in_port=1');
    expect(flows).toContain('n_packets=2');
    expect(await dump()).toHaveLength(2);
  });

  it('leave the flows of others alone', async () => {
    await lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-sfc', 'cookie=0x99,table=0,priority=1,actions=normal');
    await bring([crossed, lan]);
    await bring([]);
    expect(await dump()).toEqual(['cookie=0x99, priority=1 actions=NORMAL']);
  });
});
