import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../../src/agent/status.js';
import { call, type CallResult } from '../agent/call.js';
import { dpuctlFile, mainFile } from '../agent/build.js';
import { agentSays, Rig } from '../agent/rig.js';
import { eventually } from '../lab/daemon.js';

const service = (dpfId: string) => ({ kind: 'service', dpfId });
const config = {
  bridges: [
    {
      name: 'br-sfc',
      failMode: 'secure',
      ports: [
        { kind: 'uplink', name: 'p0', uplink: 0 },
        { kind: 'uplink', name: 'p1', uplink: 1 },
        { kind: 'representor', representor: { pf: 0, vf: 1 } },
        ...[2, 3, 4].map((vf) => ({ kind: 'representor', representor: { pf: 0, vf } })),
      ],
    },
    { name: 'br-hbn', failMode: 'secure', ports: [] },
  ],
  chains: [
    {
      name: 'p0-fw-hbn',
      mtu: 1500,
      tenant: 'red',
      switches: [
        { name: 'outer', ports: [{ kind: 'uplink', uplink: 0 }, service('dpf/firewall-0/outer_if')] },
        { name: 'inner', ports: [service('dpf/firewall-0/inner_if'), { kind: 'patch', bridge: 'br-hbn' }] },
      ],
    },
    {
      name: 'hosts',
      switches: [
        {
          name: 'lan',
          ports: [
            { kind: 'uplink', uplink: 1 },
            { kind: 'representor', name: 'web', representor: { pf: 0, vf: 1 } },
            { kind: 'representor', name: 'db', representor: { pf: 0, vf: 2 }, pinnedMacs: ['02:00:00:00:00:02'] },
          ],
        },
      ],
    },
    {
      name: 'vlan',
      switches: [
        {
          ports: [
            { kind: 'representor', name: 'trunk', representor: { pf: 0, vf: 3 }, vlan: { kind: 'tagged', tag: 100 } },
            { kind: 'representor', name: 'plain', representor: { pf: 0, vf: 4 } },
          ],
        },
      ],
    },
  ],
};

/** What a trace says apart from the look-ups, which hold numbers that differ from run to run. */
interface TraceJson {
  readonly fate: string;
  readonly hops: readonly {
    readonly bridge: string;
    readonly switch: string;
    readonly service: string;
    readonly death: string;
    readonly exits: readonly { readonly name: string; readonly entersBridge: string; readonly service: string }[];
  }[];
}

/** Counters of 64 bits are texts in the JSON form of protobuf. */
interface CountersJson {
  readonly packets: string;
}

interface PictureJson {
  readonly chain: {
    readonly chain: {
      readonly switches: readonly { readonly ports: readonly { readonly key: string; readonly interface: string }[] }[];
    };
  };
  readonly looks: readonly {
    readonly ports: readonly { readonly key: string; readonly received: CountersJson; readonly sent: CountersJson }[];
  }[];
}

describe('dpuctl and chains', () => {
  let rig: Rig;
  let agentDir: string;

  const dpuctl = (...args: readonly string[]): Promise<CallResult> =>
    call([process.execPath, dpuctlFile, ...args, '--run-dir', agentDir]);
  const trace = async (
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly result: TraceJson }> => {
    const { code, stdout, stderr } = await dpuctl('trace', ...args, '--json');
    if (stdout === '') throw new Error(stderr);
    return { code, result: JSON.parse(stdout) as TraceJson };
  };
  const send = (port: string, src: string, dst: string): Promise<string> =>
    rig.lab.appctl(
      'netdev-dummy/receive',
      port,
      `in_port(1),eth(src=${src},dst=${dst}),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)`,
    );

  const picture = async (name: string) => {
    const { stdout } = await dpuctl('chain', name, '--interval', '0', '--json');
    const { chain, looks } = JSON.parse(stdout) as PictureJson;
    const counted = new Map(looks.at(-1)?.ports.map((port) => [port.key, port]));
    const ports = chain.chain.switches.flatMap((entry) => entry.ports);
    return ports.map((port) => {
      const { received, sent } = counted.get(port.key) ?? {};
      return { interface: port.interface, received: Number(received?.packets), sent: Number(sent?.packets) };
    });
  };

  beforeAll(async () => {
    rig = await Rig.start({
      vswitchd: true,
      devices: ['p0', 'p1', 'rep0-1', 'rep0-2', 'rep0-3', 'rep0-4', 'fwout', 'fwin', 'hbn0'],
    });
    await rig.lab.vsctl('add-br', 'br-sfc', '--', 'add-br', 'br-hbn', '--', 'add-port', 'br-hbn', 'hbn0');
    for (const [name, id] of [
      ['fwout', 'outer_if'],
      ['fwin', 'inner_if'],
    ] as const) {
      await rig.lab.vsctl(
        'add-port',
        'br-sfc',
        name,
        '--',
        'set',
        'Interface',
        name,
        `external_ids:dpf-id=dpf/firewall-0/${id}`,
      );
    }
    const agent = await rig.agent({ ...config, bridges: config.bridges.map((bridge) => ({ ...bridge, adopt: true })) });
    const farOf = ({ chains }: Pick<AgentStatus, 'chains'>): string | undefined => {
      const ports = chains.flatMap(({ switches }) => switches).flatMap((entry) => entry.ports);
      return ports.find((port) => port.far?.bridge === 'br-hbn')?.far?.interface;
    };
    // The topology follows the status: a chain that is ready may be shown a moment longer as it was before.
    const isUp = (now: AgentStatus): boolean => now.chains.length === 3 && now.isReady && farOf(now) !== undefined;
    const status = await agentSays(agent, isUp, 'all is ready', 30_000);
    agentDir = `${rig.lab.dir}/agent`;
    const far = farOf(status) ?? '';
    const number = (await rig.lab.vsctl('get', 'Interface', far, 'ofport')).trim();
    await rig.lab.ofctl('add-flow', 'br-hbn', `in_port=${number},udp,tp_dst=53,actions=output:hbn0`);
  }, 60_000);
  afterAll(() => rig[Symbol.asyncDispose]());

  it('chains lists them with their condition and exits 0 when all are ready', async () => {
    const { code, stdout, stderr } = await dpuctl('chains');
    expect([code, stderr]).toEqual([0, '']);
    const rows = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
    expect(rows[1]).toEqual(['hosts', 'br-sfc', '1', '3', 'ready']);
    expect(rows[2]).toEqual(['p0-fw-hbn', 'br-sfc', '2', '4', 'ready']);
  });

  it('status shows each chain with its ports below it', async () => {
    const { stdout } = await dpuctl('status');
    expect(stdout).toMatch(/^hosts +chain .*ready\n {2}lan\/db +chain port +\d+ .*ready$/m);
  });

  it('chain counts what passes each port, both ways', async () => {
    const before = await picture('p0-fw-hbn');
    for (let sent = 0; sent < 5; sent += 1) await send('p0', '02:00:00:00:00:01', '02:00:00:00:00:02');
    const after = await picture('p0-fw-hbn');
    const grown = after.map((port, index) => [
      port.interface,
      port.received - (before[index]?.received ?? 0),
      port.sent - (before[index]?.sent ?? 0),
    ]);
    expect(grown).toEqual([
      ['p0', 5, 0],
      ['fwout', 0, 5],
      ['fwin', 0, 0],
      ['p_brsfc_to_brhbn', 0, 0],
    ]);
  });

  it('chain gives rates only when it looked twice', async () => {
    expect((await dpuctl('chain', 'p0-fw-hbn', '--interval', '0.05')).stdout).toMatch(
      /├─● p0 #\d+ {2}uplink 0 .* 0 p\/s/,
    );
    expect((await dpuctl('chain', 'p0-fw-hbn', '--interval', '0')).stdout).toMatch(/├─● p0 #\d+ {2}uplink 0 .*\? p\/s/);
  });

  it('chain counts the frames of its own VLAN on a port that is shared by VLANs', async () => {
    const ip = 'eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)';
    const addresses = 'eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)';
    const frame = (vid: number): string =>
      `in_port(1),${addresses},eth_type(0x8100),vlan(vid=${vid},pcp=0),encap(${ip})`;
    for (const vid of [100, 100, 200, 100]) await rig.lab.appctl('netdev-dummy/receive', 'rep0-3', frame(vid));
    const [trunk, plain] = await eventually(async () => {
      const ports = await picture('vlan');
      return ports[0]?.received === 3 ? ports : undefined;
    }, 'three frames of VLAN 100 are counted');
    expect(trunk?.sent).toBe(0);
    expect([plain?.received, plain?.sent]).toEqual([0, 3]);
  });

  it('trace puts the VLAN of the port on the packet, and tells that another one is nobody’s', async () => {
    expect((await trace('vlan')).result.hops[0]?.exits.map(({ name }) => name)).toEqual(['rep0-4']);
    const { stdout } = await dpuctl('trace', 'vlan', '--packet', 'vlan=200');
    expect(stdout).toContain('DIES at hop 1, switch 1 on br-sfc: it belongs to none of the VLANs');
  });

  it('chain counts the stations that a learning switch has learned', async () => {
    await send('rep0-1', '02:00:00:00:00:11', '02:00:00:00:00:02');
    const found = await eventually(async () => {
      const { stdout } = await dpuctl('chain', 'hosts', '--interval', '0');
      return stdout.includes('1 station(s) learned') ? stdout : undefined;
    }, 'the station is counted');
    expect(found).toContain('learning switch of 3 ports');
  });

  it('trace follows a packet through both hops, the service between them and the patch pair', async () => {
    const { code, result } = await trace('p0-fw-hbn', '--packet', '10.0.0.1,10.0.0.2,udp,dport=53');
    expect([code, result.fate]).toEqual([0, 'FATE_DELIVERED']);
    expect(result.hops.map((hop) => [hop.bridge, hop.switch, hop.service, hop.exits.map(({ name }) => name)])).toEqual([
      ['br-sfc', 'outer', '', ['fwout']],
      ['br-sfc', 'inner', 'dpf/firewall-0', ['p_brsfc_to_brhbn']],
      ['br-hbn', '', '', ['hbn0']],
    ]);
  });

  it('trace goes the way back too, from the port that is named', async () => {
    const { result } = await trace('p0-fw-hbn', '--from', 'p_brsfc_to_brhbn');
    expect(result.hops.map((hop) => [hop.switch, hop.exits.map(({ name }) => name)])).toEqual([
      ['inner', ['fwin']],
      ['outer', ['p0']],
    ]);
  });

  it('trace names the hop where a packet dies, and why, and exits 3', async () => {
    const { code, stdout } = await dpuctl('trace', 'p0-fw-hbn', '--packet', '10.0.0.1,10.0.0.2,udp,dport=54');
    expect(code).toBe(3);
    expect(stdout).toContain('3  br-hbn, in at p_brhbn_to_brsfc');
    expect(stdout).toContain('DIES at hop 3, br-hbn: no flow of br-hbn takes it.');
  });

  it('trace tells whose flow drops a packet', async () => {
    const pinned = await dpuctl('trace', 'hosts', '--from', 'web', '--packet', '02:00:00:00:00:02,02:00:00:00:00:07');
    expect(pinned.code).toBe(3);
    expect(pinned.stdout).toContain(
      'DIES at hop 1, switch lan on br-sfc: its sender is pinned to another port of the switch (table 10, admit).',
    );
    await rig.lab.ofctl('add-flow', 'br-sfc', 'cookie=0x77,priority=900,tcp,tp_dst=666,actions=drop');
    const foreign = await dpuctl('trace', 'p0-fw-hbn', '--packet', 'tcp,dport=666');
    await rig.lab.ofctl('del-flows', 'br-sfc', 'cookie=0x77/-1');
    expect(foreign.stdout).toContain("a flow that is not the agent's drops it (table 0, cookie 0x77)");
  });

  it('trace sees that nothing leaves by a port whose link is down', async () => {
    await rig.lab.ofctl('mod-port', 'br-sfc', 'fwout', 'down');
    const { code, stdout } = await dpuctl('trace', 'p0-fw-hbn');
    await rig.lab.ofctl('mod-port', 'br-sfc', 'fwout', 'up');
    expect(code).toBe(3);
    expect(stdout).toMatch(/DIES at hop 1, switch outer on br-sfc: it leaves by no port: #\d+: its link is down\./);
  });

  it('trace shows every port that an unknown receiver is flooded to', async () => {
    const { result } = await trace('hosts', '--packet', '02:00:00:00:00:21,02:00:00:00:00:99');
    expect(result.hops[0]?.exits.map(({ name }) => name).sort()).toEqual(['rep0-1', 'rep0-2']);
  });

  it.each([
    [['chain', 'nope'], 2, 'There are: hosts, p0-fw-hbn, vlan.'],
    [['trace', 'hosts', '--from', 'nope'], 2, 'rep0-1 = hosts/lan/web'],
    [['trace', 'hosts', '--packet', 'nonsense'], 2, 'dport=53'],
    [['chains', '--from', 'p0'], 2, '--from is an option of dpuctl trace'],
    [['trace', 'nope'], 2, 'dpuctl status lists what it knows'],
    [['trace', 'host'], 2, 'It knows: hosts.'],
  ])('%j exits %i and says what to do', async (args, code, remedy) => {
    const result = await dpuctl(...args);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(remedy);
  });

  it('plan of what is in force is empty, the patch ports that chains need included', async () => {
    const file = `${rig.lab.dir}/same.yaml`;
    await writeFile(file, rig.configText(config));
    const { code, stdout } = await call([process.execPath, mainFile, 'plan', '-c', file]);
    expect(stdout).toContain('0 flow change(s), 0 blocked.');
    expect(stdout).not.toContain('OrphanPending');
    expect(code).toBe(0);
  });

  it('plan shows the flows of a chain that is to go, with the command that removes them, and stores nothing', async () => {
    const { chains, ...rest } = config;
    const file = `${rig.lab.dir}/less.yaml`;
    await writeFile(file, rig.configText({ ...rest, chains: chains.slice(1) }));
    const plan = (): Promise<CallResult> => call([process.execPath, mainFile, 'plan', '-c', file]);
    const first = await plan();
    expect(first.code).toBe(3);
    expect(first.stdout).toMatch(/^- br-sfc: .*\n/m);
    expect(first.stdout).toMatch(/ {4}\$ ovs-ofctl -O OpenFlow15 (?:--strict )?del-flows br-sfc '/);
    expect((await plan()).stdout).toBe(first.stdout);
  });
});
