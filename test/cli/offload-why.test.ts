import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { offloadService } from '../../src/api/services/offload.js';
import { ObjectKind } from '../../src/gen/proto/dpu/agent/v1/common_pb.js';
import { TopologyService } from '../../src/gen/proto/dpu/agent/v1/topology_pb.js';
import { systemClock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import {
  FakeOffload,
  flowOf,
  measuredOf,
  offloadRow,
  overviewOf,
  softwareFlows,
  supervisionOf,
} from '../fakes/offload-world.js';
import { served, TestServer } from './grpc-server.js';
import { runLine } from './run-line.js';

let source: FakeOffload;
let server: TestServer;
let devices: readonly string[] | undefined;

beforeEach(async () => {
  source = FakeOffload.rich();
  devices = ['p0', 'pf0vf3', 'pf0vf4', 'pf0vf5'];
  const { service, handlers } = offloadService({ offload: source, clock: systemClock });
  server = await TestServer.start(
    served(service, handlers),
    served(TopologyService, {
      getTopology: () => {
        if (devices === undefined) throw new AgentError('NOT_CONNECTED', 'nobody looks');
        return { objects: devices.map((name) => ({ ref: { kind: ObjectKind.REPRESENTOR, name } })) };
      },
    }),
  );
});

afterEach(() => server[Symbol.asyncDispose]());

const why = (...args: readonly string[]) => runLine(server, ['offload', 'why', ...args]);

interface Told {
  readonly code: number;
  readonly objects: readonly {
    readonly kind: string;
    readonly name: string;
    readonly network: string;
    readonly verdict: string;
    readonly isExpected: boolean;
    readonly sentence: string;
    readonly rungs: readonly { name: string; state: string; seen: string; details: string[]; remedy: string }[];
  }[];
}

async function told(...args: readonly string[]): Promise<Told> {
  const { code, out } = await why(...args, '-o', 'json');
  return { code, ...(JSON.parse(out) as Omit<Told, 'code'>) };
}

const only = ({ objects: [first, ...rest] }: Told) => {
  if (first === undefined || rest.length > 0) throw new Error('there is not exactly one object');
  return first;
};

async function rungOf(name: string, ...args: readonly string[]) {
  const found = only(await told(...args)).rungs.find((rung) => rung.name === name);
  if (found === undefined) throw new Error(`there is no rung ${name}`);
  return found;
}

describe('dpuctl offload why', () => {
  it('goes from the settings to the flows of a pod, and ends with the verdict', async () => {
    expect(await why('pod', 'shop/db-0')).toEqual({
      code: 3,
      out: `\
pod shop/db-0, network default
  ✓ engine         doca: doca_initialized is true.
  ✓ configured?    hw-offload is true in the database
  ✓ in effect?     yes: dpif/offload/show says so.
      hw-offload-ct-size needs a restart of ovs-vswitchd, in a maintenance window.
  ✗ port           OffloadPortLeftOut pf0vf4: Offload is in effect, and no offload provider has pf0vf4.
      remedy   Have its owner add the port anew.
  ✓ measured?      by the counters of its port: 10k packets in 10 s
      the flows were dumped 10 s ago
      The last dump was too late.
      its packets include those of chain/edge
  ✗ share          software, 2.0 % in hardware: A sentence.
  ✗ why not        of its software packets most are ct_ipv6_disabled
      ct_ipv6_disabled: 9.7k packets, 58 flows. Connection tracking of IPv6 is not offloaded while hw-offload-ct-ipv6-enabled is not true.
      ct_new (expected): 100 packets, 2 flows. First packets of a tracked connection (ct_state +new); the connection is offloaded once it is established.
      remedy   Set \`other_config:hw-offload-ct-ipv6-enabled=true\` and restart ovs-vswitchd in a maintenance window.
  ! largest flows  the 2 largest in software, by packets
      9k packets, ct_ipv6_disabled (ct of IPv6): pf0vf4 → p0
        in_port(pf0vf4),eth_type(0x86dd)
        rule table=10, priority=50, actions=ct(table=11)
      100 packets, ct_new (ct of IPv6): pf0vf4 → p0
        in_port(pf0vf4),eth_type(0x86dd)

Pod shop/db-0 is in software: A sentence. First of what can be mended: ct_ipv6_disabled.
`,
    });
    expect(source.questions).toEqual([
      { ports: new Set(['pf0vf4']), reasons: new Set(), countMax: 3, ageMsMax: Infinity, withRules: true },
    ]);
  });

  it('is 0 for what is in hardware, whose rules nobody asks for', async () => {
    source.overview = overviewOf({ supervision: supervisionOf({ findings: [], clear: ['ports-have-a-provider'] }) });
    const answer = await told('port', 'pf0vf3');
    expect(answer.code).toBe(0);
    expect(only(answer)).toMatchObject({
      kind: 'port',
      verdict: 'hardware',
      isExpected: false,
      sentence: 'Port pf0vf3 is in hardware: A sentence.',
    });
    const port = only(answer).rungs.find(({ name }) => name === 'port');
    expect(port).toMatchObject({
      state: 'ok',
      seen: 'pf0vf3: found as representor or uplink; with an offload provider',
    });
    expect(source.questions[0]?.withRules).toBe(false);
  });

  it('takes a name without its kind: of a pod, a port, a chain', async () => {
    expect(only(await told('shop/web-0'))).toMatchObject({ kind: 'pod', name: 'shop/web-0', network: 'default' });
    expect(only(await told('pf0vf5'))).toMatchObject({ kind: 'port' });
    expect(only(await told('edge'))).toMatchObject({ kind: 'chain' });
    expect(only(await told('pods', 'shop/web-0'))).toMatchObject({ kind: 'pod' });
  });

  it('says of what nobody measured that it is not known, and never more', async () => {
    const answer = await told('port', 'pf0vf5');
    expect(answer.code).toBe(3);
    expect(only(answer)).toMatchObject({
      verdict: 'unknown',
      sentence: 'It is not known whether port pf0vf5 is in hardware: A sentence.',
    });
    const states = Object.fromEntries(only(answer).rungs.map(({ name, state }) => [name, state]));
    expect(states).toMatchObject({ measured: 'unknown', share: 'unknown', whyNot: 'unknown', flows: 'unknown' });
    expect(await rungOf('measured', 'pf0vf5')).toMatchObject({ remedy: expect.stringContaining('--fresh') as string });
  });

  it('is 0 where everything in software is expected, and all of it was seen', async () => {
    const tally = (flows: number) => ({ flows, packets: flows, bytes: flows });
    const expected = (flows: number) =>
      offloadRow('port', 'pf0vf3', 'software', {
        measured: measuredOf({
          source: 'flows',
          hardwareShare: 0,
          flows: { hardware: tally(0), software: tally(flows), apart: tally(0) },
          reasons: [{ reason: 'internal_port', ...tally(7) }],
        }),
      });
    source.objects = [expected(7)];
    const answer = await told('pf0vf3');
    expect(answer.code).toBe(0);
    expect(only(answer)).toMatchObject({
      isExpected: true,
      sentence: 'Port pf0vf3 is in software: A sentence. All of its flows in software are there as expected.',
    });
    source.objects = [expected(8)];
    expect(await told('pf0vf3')).toMatchObject({ code: 3, objects: [{ isExpected: false }] });
  });

  it('has each network of a pod, or the one that is asked for', async () => {
    const reasons = [{ reason: 'other', flows: 2, packets: 100, bytes: 1 }] as const;
    const blue = { key: 'attachment/shop/web-0/shop/blue', measured: measuredOf({ reasons }) };
    source.objects = [...source.objects, offloadRow('attachment', 'shop/web-0', 'partial', blue)];
    const both = await told('pod', 'shop/web-0');
    expect(both.objects.map(({ network, verdict }) => [network, verdict])).toEqual([
      ['default', 'hardware'],
      ['shop/blue', 'partial'],
    ]);
    expect(both.code).toBe(3);
    expect(only(await told('pod', 'shop/web-0', '--network', 'default')).network).toBe('default');
    await expect(why('pod', 'shop/web-0', '--network', 'shop/red')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      remedy: 'There are: default, shop/blue.',
    });
  });

  it.each([
    [['pod'], 'USAGE', 'the name of the pod is missing'],
    [['bridge', 'br0'], 'USAGE', 'KIND is one of pod, port, chain'],
    [['pod', 'web-0'], 'USAGE', 'is not NAMESPACE/NAME'],
    [['port', 'pf0vf3', '--network', 'default'], 'USAGE', '--network is of a pod'],
    [['port', 'pf0vf'], 'NOT_FOUND', 'there is no port "pf0vf"'],
    [['shop/web-1'], 'NOT_FOUND', 'there is no pod "shop/web-1"'],
    [['nobody'], 'NOT_FOUND', 'there is no port or chain "nobody"'],
  ])('refuses %j', async (args, code, message) => {
    await expect(why(...args)).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
  });

  it('leaves out fields of a match that match anything', async () => {
    const flow = flowOf({ match: 'skb_mark(0/0),recirc_id(0),in_port(a),eth(src=0/0)', rules: undefined });
    source.flows = { ...softwareFlows, flows: [flow] };
    expect((await rungOf('flows', 'pf0vf4')).details[1]).toBe('  recirc_id(0),in_port(a),eth(src=0/0)');
  });

  it('asks which is meant of a name that is a port and a chain', async () => {
    source.objects = [offloadRow('port', 'edge'), offloadRow('chain', 'edge')];
    await expect(why('edge')).rejects.toMatchObject({ code: 'USAGE' });
    expect(only(await told('chain', 'edge'))).toMatchObject({ kind: 'chain' });
  });
});

describe('the rungs of the settings', () => {
  it.each([
    ['userspace', 'broken'],
    ['none', 'unknown'],
    ['unknown', 'unknown'],
    ['tc', 'ok'],
  ] as const)('tell of engine %s that it is %s', async (engine, state) => {
    source.overview = overviewOf({ engine });
    expect((await rungOf('engine', 'pf0vf5')).state).toBe(state);
  });

  it('know the latch: what the database no longer says may be in effect', async () => {
    source.overview = overviewOf({ isConfigured: false });
    expect(await rungOf('configured', 'pf0vf5')).toMatchObject({ state: 'advisory' });
    source.overview = overviewOf({ isConfigured: false, isInEffect: false });
    expect(await rungOf('configured', 'pf0vf5')).toMatchObject({ state: 'broken' });
    expect(await rungOf('inEffect', 'pf0vf5')).toMatchObject({ state: 'broken', remedy: '' });
    source.overview = overviewOf({ isInEffect: false });
    expect(await rungOf('inEffect', 'pf0vf5')).toMatchObject({ state: 'broken', remedy: 'See dpuctl offload status.' });
  });

  it.each([
    ['doca', 'in a maintenance window, not live'],
    ['userspace', 'this engine has no hardware'],
    ['tc', 'it applies live the first time'],
  ] as const)('propose for engine %s nothing that harms or does not help', async (engine, words) => {
    source.overview = overviewOf({ engine, isConfigured: false, isInEffect: false });
    expect((await rungOf('configured', 'pf0vf5')).remedy).toContain(words);
  });

  it('leave open what is not known, and what is not judged yet', async () => {
    source.overview = overviewOf({ isInEffect: undefined, inEffectBasis: 'it started before the agent looked' });
    expect(await rungOf('inEffect', 'pf0vf5')).toMatchObject({
      state: 'unknown',
      seen: 'not known: it started before the agent looked',
    });
    source.overview = overviewOf({ waiting: 'the platform configures the card' });
    expect((await rungOf('inEffect', 'pf0vf5')).state).toBe('unknown');
  });
});

describe('the rung of the port', () => {
  it('is broken where there is none', async () => {
    source.objects = [offloadRow('attachment', 'shop/a', 'unknown', { reason: 'NotOnSwitch' })];
    expect((await rungOf('port', 'shop/a')).state).toBe('broken');
  });

  it('is not known of a device that is none of an eSwitch, or while nobody knows the devices', async () => {
    source.overview = overviewOf({ supervision: undefined });
    expect(await rungOf('port', 'pf0vf3')).toMatchObject({ state: 'ok' });
    source.objects = [offloadRow('port', 'veth0')];
    expect(await rungOf('port', 'veth0')).toMatchObject({
      state: 'unknown',
      seen: 'veth0; veth0: no representor and no uplink',
    });
    devices = undefined;
    expect((await rungOf('port', 'veth0')).seen).toBe('veth0; which devices are representors is not known');
  });

  it.each([
    ['tc', true, 'ok', 'pf0vf3: offload provider tc, as ovs-vswitchd says, eSwitch 5c'],
    ['tc', false, 'ok', 'pf0vf3: offload provider tc, by its type and device; ovs-vswitchd does not say, eSwitch 5c'],
    [undefined, true, 'broken', 'pf0vf3: no offload provider serves it, as ovs-vswitchd says, eSwitch 5c'],
  ] as const)('says of provider %s, told: %s, that it is %s', async (provider, isProviderTold, state, seen) => {
    const kind = provider === undefined ? 'other' : 'offloadable';
    source.overview = overviewOf({ supervision: undefined });
    source.objects = [
      offloadRow('port', 'pf0vf3', 'software', {
        ports: [{ name: 'pf0vf3', kind, provider, isProviderTold, eswitch: '5c' }],
      }),
    ];
    expect(await rungOf('port', 'pf0vf3')).toMatchObject({ state, seen });
  });

  it('proves nothing by patch ports, and describes each of several ports', async () => {
    const none = { provider: undefined, isProviderTold: false, eswitch: undefined };
    source.overview = overviewOf({ supervision: undefined });
    source.objects = [
      offloadRow('chain', 'edge', 'unknown', {
        interface: '',
        ports: [
          { name: 'patch-a', kind: 'patch', ...none },
          { name: 'tun0', kind: 'tunnel', ...none },
        ],
        measured: measuredOf({ ports: ['patch-a', 'tun0'] }),
      }),
    ];
    expect(await rungOf('port', 'edge')).toMatchObject({
      state: 'unknown',
      seen: 'patch-a, tun0',
      details: [
        'patch-a: a patch port, which is no port of the datapath: packets are seen at the ports beyond it',
        'tun0: a tunnel',
      ],
    });
  });

  it('has other findings about the port as advice', async () => {
    const [finding] = supervisionOf().findings;
    if (finding === undefined) throw new Error('the fake has one');
    const findings = [{ ...finding, reason: 'MtuRefused' as const, message: 'Its MTU was refused.' }];
    source.overview = overviewOf({ supervision: supervisionOf({ findings }) });
    expect(await rungOf('port', 'pf0vf4')).toMatchObject({
      state: 'advisory',
      details: ['MtuRefused pf0vf4: Its MTU was refused.'],
    });
  });
});

describe('dpuctl offload why of the node', () => {
  it('counts the packets of all ports, and the reasons of all flows without control traffic', async () => {
    const answer = await told();
    expect(answer.code).toBe(0);
    const node = only(answer);
    expect(node).toMatchObject({
      kind: 'node',
      verdict: 'hardware',
      sentence:
        'The traffic of this node is in hardware: Hardware carried 99.0 % of 1M data packets since the agent looks.',
    });
    const whyNot = node.rungs.find(({ name }) => name === 'whyNot');
    expect(whyNot).toMatchObject({ state: 'advisory', seen: 'of its software packets most are ct_ipv6_disabled' });
    expect(whyNot?.details).toHaveLength(2);
    expect(source.questions[0]?.ports).toEqual(new Set());
    expect(node.rungs.find(({ name }) => name === 'measured')).toMatchObject({
      seen: 'flows of the newest dump: 1.1k hw, 100 pmd',
    });
  });

  it('goes by the flows of the newest dump where nobody counts, if of each its place is known', async () => {
    const packets = { hardware: 0, software: 0 };
    source.overview = overviewOf({ supervision: supervisionOf({ packets }) });
    expect(only(await told())).toMatchObject({
      verdict: 'hardware',
      sentence:
        'The traffic of this node is in hardware: Hardware carried 99.0 % of 1M packets of the flows of the newest dump, since each was made.',
    });
    const unknown = { flows: 1, packets: 1, bytes: 1 };
    const tiers = new Map([...supervisionOf().tiers, ['unknown', unknown] as const]);
    source.overview = overviewOf({ supervision: supervisionOf({ packets, tiers }) });
    expect(only(await told()).verdict).toBe('unknown');
  });

  it('is not known of a dump without flows', async () => {
    const none = { flows: 0, packets: 0, bytes: 0 };
    source.overview = overviewOf({ supervision: supervisionOf({ tiers: new Map([['hw', none]]) }) });
    expect(await rungOf('measured')).toMatchObject({ state: 'unknown', seen: 'the newest dump has no flow' });
  });

  it('does not know while nothing was counted, and has no port', async () => {
    source.overview = overviewOf({ supervision: undefined });
    source.flows = { ...softwareFlows, wallMs: undefined, flows: [], problems: ['nobody looks'] };
    const answer = await told();
    expect(answer.code).toBe(3);
    expect(only(answer).sentence).toBe(
      'It is not known whether the traffic of this node is in hardware: No data packets were counted, and no flows seen that tell.',
    );
    expect(only(answer).rungs.map(({ name }) => name)).not.toContain('port');
    expect((await rungOf('flows')).details).toEqual(['nobody looks']);
  });
});
