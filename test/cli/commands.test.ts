import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { AgentExplainer } from '../../src/agent/explainer.js';
import { encodeCondition, encodeFinding } from '../../src/api/encode/common.js';
import { explainService } from '../../src/api/services/explain.js';
import { offloadService } from '../../src/api/services/offload.js';
import {
  ClusterState_State,
  ConditionState,
  LeaseState_State,
  ObjectKind,
  OvsdbState_State,
} from '../../src/gen/proto/dpu/agent/v1/common_pb.js';
import { IntentService, IntentStatus_Phase } from '../../src/gen/proto/dpu/agent/v1/intent_pb.js';
import { JournalEntry_Outcome, JournalService } from '../../src/gen/proto/dpu/agent/v1/journal_pb.js';
import { NodeService } from '../../src/gen/proto/dpu/agent/v1/node_pb.js';
import type { TopologyObjectSchema } from '../../src/gen/proto/dpu/agent/v1/topology_pb.js';
import { TopologyService } from '../../src/gen/proto/dpu/agent/v1/topology_pb.js';
import { systemClock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import type { Condition } from '../../src/model/condition.js';
import { factsOf } from '../attach/pod-facts.js';
import { chainView, portView, switchView } from '../chain/chain-shapes.js';
import { FakeOffload } from '../fakes/offload-world.js';
import { agentStatus } from './attach-shapes.js';
import { served, TestServer } from './grpc-server.js';
import { nowWallMs, runLine } from './run-line.js';

const seconds = (offset: number) => ({ seconds: BigInt(nowWallMs / 1_000 + offset) });

const linkDown: Condition = {
  object: { kind: 'port', name: 'p1', bridge: 'br-sfc' },
  state: 'failed',
  reason: 'LinkDown',
  message: 'The link of p1 is down.',
  evidence: { ofport: '7', link_state: 'down', mtu: '1500' },
};
const ready = (name: string): Condition => ({
  ...linkDown,
  object: { ...linkDown.object, name },
  state: 'ready',
  reason: 'Ready',
});

interface World {
  readonly conditions?: readonly Condition[];
  readonly hasAttach?: boolean;
}

/** An agent that has a few objects, as its services would tell of them. */
function services({ conditions = [ready('p0'), linkDown], hasAttach = true }: World = {}) {
  const finding = {
    reason: 'ForeignPort',
    object: { kind: 'port', name: 'p9' },
    message: 'A port of this name exists.',
    claimants: ['config'],
    remedy: 'Set adopt.',
  } as const;
  const attach = {
    observedAt: seconds(-3),
    mode: 'on',
    bridge: 'br-int',
    cluster: { state: ClusterState_State.SYNCED, server: 'https://host:6443' },
    nodeName: 'host-a',
    lease: { state: LeaseState_State.HELD, at: seconds(-5) },
    podCount: 3,
    counts: { Ready: 1 },
  };
  const chain = {
    bridge: 'br-sfc',
    switches: [
      {
        name: 'lan',
        index: 0,
        ports: ['a', 'b', 'd'].map((name, index) => ({
          key: `c/lan/${name}`,
          selector: `the ${name}`,
          wire: 'any',
          interface: name,
          ofport: index + 1,
        })),
      },
    ],
  };
  const attachment = { namespace: 'shop', pod: 'web-0', network: 'default', pf: 0, vf: 3, device: 'pf0vf3' };
  const objects: readonly MessageInitShape<typeof TopologyObjectSchema>[] = [
    {
      ref: { kind: ObjectKind.PORT, name: 'p1', bridge: 'br-sfc' },
      conditions: [encodeCondition(linkDown)],
      object: {
        case: 'port' as const,
        value: {
          isPresent: true,
          interfaces: [{ name: 'p1', type: 'system', ofport: 7, linkState: 'down', mtu: 1500 }],
        },
      },
    },
    {
      ref: { kind: ObjectKind.CHAIN, name: 'c', bridge: 'br-sfc' },
      conditions: [encodeCondition({ ...linkDown, object: { kind: 'chain', name: 'c', bridge: 'br-sfc' } })],
      object: { case: 'chain' as const, value: chain },
    },
    {
      ref: { kind: ObjectKind.ATTACHMENT, name: 'shop/web-0' },
      conditions: [{ state: ConditionState.READY, reason: 'Ready', message: '', evidence: { ofport: '7' } }],
      object: { case: 'attachment' as const, value: { ...attachment, since: seconds(-300) } },
    },
  ];
  let looks = 0;
  const explainer = new AgentExplainer({
    status: {
      current: () =>
        agentStatus({
          chains: [chainView(switchView(0, portView('p0', 1), portView('p1', 2)))],
          conditions: [linkDown],
        }),
      pods: () => [factsOf()],
      onChange: () => () => undefined,
    },
    journal: { tail: () => [] },
    flows: { count: () => Promise.reject(new AgentError('NOT_CONNECTED', 'nobody answers')) },
    tracer: { run: () => Promise.reject(new AgentError('NOT_CONNECTED', 'vswitchd is away')) },
    looker: { look: () => Promise.resolve({ wallMs: 0, bridges: new Map(), problems: [] }) },
    observedPort: () => undefined,
    clock: systemClock,
  });
  const { service, handlers } = explainService(explainer);
  return [
    served(NodeService, {
      getStatus: () => ({
        status: {
          observedAt: seconds(-2),
          freshSeconds: 60,
          isReady: conditions.every(({ state }) => state === 'ready'),
          ovsdb: { state: OvsdbState_State.SYNCED, endpoint: 'unix:/db.sock' },
          vswitchd: 'alive',
          repair: 'on',
          conditions: conditions.map(encodeCondition),
          findings: [encodeFinding(finding)],
          ...(hasAttach ? { attach } : {}),
        },
      }),
      getNode: () => ({
        node: {
          agent: { version: '1.2.3', startedAt: seconds(-7_200) },
          machine: { hostname: 'dpu-7', product: 'BlueField-3' },
          openVswitch: { version: '3.1.0', engine: 'doca' },
          uplinks: [
            { name: 'p0', hasCarrier: true, speedBps: 100_000_000_000n },
            { name: 'p1', hasCarrier: false },
          ],
        },
      }),
    }),
    served(JournalService, {
      listEntries: () => ({
        entries: [
          {
            sequence: 1n,
            time: { seconds: 0n },
            summary: 'create port p0',
            details: ['type: system'],
            actor: 'agent',
            outcome: JournalEntry_Outcome.APPLIED,
            durationSeconds: 0.012,
          },
        ],
      }),
    }),
    served(TopologyService, {
      getTopology: ({ kinds }) => ({
        resourceVersion: 'i/5',
        objects: objects.filter(({ ref }) => kinds.length === 0 || kinds.includes(ref?.kind ?? ObjectKind.UNSPECIFIED)),
      }),
    }),
    served(IntentService, {
      list: () => ({
        intents: [{ owner: 'fleet', generation: 4n, actor: 'uid 0', status: { phase: IntentStatus_Phase.DEGRADED } }],
      }),
      get: () => ({
        intent: { owner: 'fleet', generation: 4n, bundle: { bridges: [{ name: 'br-x', protocols: ['OpenFlow15'] }] } },
      }),
    }),
    served(service, {
      ...handlers,
      lookAtChain: () => {
        looks += 1;
        const counters = { packets: BigInt(looks * 100), bytes: BigInt(looks * 10_000) };
        return {
          observedAt: { seconds: BigInt(looks) },
          ports: [{ key: 'c/lan/a', received: counters, sent: {} }],
          switches: [{ index: 0, stationCount: 3 }],
        };
      },
    }),
  ];
}

const run = (server: TestServer, args: readonly string[], isColored = false) => runLine(server, args, { isColored });

describe('dpuctl status', () => {
  it('says on one screen who the agent is, what is wrong, and what changed', async () => {
    await using server = await TestServer.start(...services());
    expect(await run(server, ['status'])).toEqual({
      code: 3,
      out: `\
NOT READY · OVSDB in sync with unix:/db.sock · vswitchd alive
dpu-7 · BlueField-3 · agent 1.2.3, up 2 h · Open vSwitch 3.1.0 (doca) · p0 100 Gbit/s, p1 down

OBJECT  TYPE    OFPORT  LINK  MTU   STATE   REASON    MESSAGE
  p0    system  7       down  1500  ready
  p1    system  7       down  1500  failed  LinkDown  The link of p1 is down.

Pods of host-a · mode on · host cluster in sync with https://host:6443 · lease renewed 5 s ago
  3 pod(s), 1 network(s) to attach: 1 Ready
  statuses: 0 written, 0 in conflict, 0 failed · 0 change(s) pending

! ForeignPort: A port of this name exists.
    Set adopt.

Last changes:
1970-01-01T00:00:00.000Z  applied  create port p0  12.0 ms

As of 2 s ago.
`,
    });
  });

  it('of many objects counts those that are ready, and shows those that are not, the worst first', async () => {
    const waiting = { ...linkDown, state: 'waiting' as const, object: { ...linkDown.object, name: 'w' } };
    const many = Array.from({ length: 40 }, (_, index) => ready(`r${index}`));
    const failed = Array.from({ length: 20 }, (_, index) => ({
      ...linkDown,
      object: { ...linkDown.object, name: `f${index}` },
    }));
    await using server = await TestServer.start(...services({ conditions: [waiting, ...many, ...failed] }));
    const { out } = await run(server, ['status']);
    expect(out).toContain('ports: 20 failed, 1 waiting, 40 ready\n');
    expect(out).toContain('… and 9 more that are not ready: dpuctl status -o wide');
    expect(out).not.toContain('  r0 ');
    expect(out).not.toContain('  w ');
    expect(out.split('\n').length).toBeLessThan(40);
    expect((await run(server, ['status', '-o', 'wide'])).out).toContain('  r39 ');
  });

  it('is the proto JSON of the answer, whole, where data is wanted', async () => {
    await using server = await TestServer.start(...services());
    const { code, out } = await run(server, ['status', '-o', 'json']);
    expect([code, JSON.parse(out)]).toMatchObject([
      3,
      { status: { isReady: false, pendingCount: 0, vswitchd: 'alive' } },
    ]);
    expect((await run(server, ['status', '-o', 'yaml'])).out).toMatch(/^status:\n {2}observedAt: /);
  });

  it('colours states on a terminal, without moving a column', async () => {
    await using server = await TestServer.start(...services());
    const { out } = await run(server, ['status'], true);
    expect(out).toContain('\u001b[31mfailed\u001b[0m');
    // eslint-disable-next-line no-control-regex -- colours are what is taken away
    expect(out.replaceAll(/\u001b\[\d+m/g, '')).toBe((await run(server, ['status'])).out);
  });
});

describe('the line about offload in dpuctl status', () => {
  const { service, handlers } = offloadService({ offload: FakeOffload.rich(), clock: systemClock });

  it('says what is in effect, how much is in hardware, and what is open', async () => {
    await using server = await TestServer.start(...services(), served(service, handlers));
    const { out } = await run(server, ['status']);
    expect(out.split('\n')[2]).toBe(
      'Offload doca · in effect · 99.0 % of 1M data packets in hardware · restart required · 1 finding(s): dpuctl offload status',
    );
  });
});

describe('the line about offload where nobody wants it', () => {
  it('is left out', async () => {
    const source = new FakeOffload();
    source.overview = { ...source.overview, isConfigured: false, isInEffect: false };
    const { service, handlers } = offloadService({ offload: source, clock: systemClock });
    await using server = await TestServer.start(...services(), served(service, handlers));
    expect((await run(server, ['status'])).out).not.toContain('Offload');
  });
});

describe('dpuctl get', () => {
  it.each([
    ['ports', 3, /^PORT +BRIDGE +TYPE .*\np1 +br-sfc +system +7 +down +1500 +failed +LinkDown$/m],
    ['chains', 3, /^c +br-sfc +1 +3 +failed +LinkDown$/m],
    ['attachments', 0, /^shop\/web-0 +default +pf0vf3 +pf0vf3 +ready +5 min$/m],
    ['findings', 3, /^ForeignPort +port p9 +A port of this name exists\.$/m],
    ['intents', 3, /^fleet +4 +degraded/m],
    ['bridges', 0, /^There are no bridges\.$/m],
  ])('lists %s', async (kind, code, expected) => {
    await using server = await TestServer.start(...services());
    const ran = await run(server, ['get', kind]);
    expect(ran.out).toMatch(expected);
    expect(ran.code).toBe(code);
  });

  it('takes a pod for its networks, and names what may have been meant', async () => {
    await using server = await TestServer.start(...services());
    const { out } = await run(server, ['get', 'attachments', 'shop/web-0', '-o', 'json']);
    expect(JSON.parse(out)).toMatchObject({ resourceVersion: 'i/5', objects: [{ attachment: { pod: 'web-0' } }] });
    await expect(run(server, ['get', 'ports', 'p2'])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      remedy: 'There are: p1.',
    });
  });
});

describe('dpuctl describe', () => {
  it('tells everything of a port, with its evidence', async () => {
    await using server = await TestServer.start(...services());
    const { code, out } = await run(server, ['describe', 'port', 'p1']);
    expect(out).toContain('port p1 on br-sfc\n  is present: true\n  interfaces:\n    - name: p1\n');
    expect(out).toContain('  ✗ port p1 on br-sfc: LinkDown: The link of p1 is down.\n');
    expect(out).toContain('ofport=7 link_state=down');
    expect(code).toBe(3);
  });

  it("tells everything of an owner's bundle", async () => {
    await using server = await TestServer.start(...services());
    const { out } = await run(server, ['describe', 'intent', 'fleet']);
    expect(out).toContain('  bundle:\n    bridges:\n      - name: br-x\n        protocols: OpenFlow15\n');
  });
});

describe('dpuctl pods and chains', () => {
  it('lists the networks of pods, and counts pods that need none', async () => {
    await using server = await TestServer.start(...services());
    const { code, out } = await run(server, ['pods', '--failing-first']);
    expect(out).toBe(`\
Pods of host-a · mode on · host cluster in sync with https://host:6443 · lease renewed 5 s ago

POD         NETWORK  VF      REPRESENTOR  STATE  REASON  AGE
shop/web-0  default  pf0vf3  pf0vf3       ready          5 min

2 pod(s) have nothing to attach.

As of 2 s ago.
`);
    expect(code).toBe(0);
  });

  it('says so where the agent does not look at pods', async () => {
    await using server = await TestServer.start(...services({ hasAttach: false }));
    await expect(run(server, ['pods'])).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });

  it('lists chains with why they are not ready', async () => {
    await using server = await TestServer.start(...services());
    const { code, out } = await run(server, ['chains']);
    expect(out).toMatch(/^c +br-sfc +1 +3 +failed +LinkDown +The link of p1 is down\.$/m);
    expect(code).toBe(3);
  });

  it('draws a chain with rates from two looks, and stations', async () => {
    await using server = await TestServer.start(...services());
    const { out } = await run(server, ['chain', 'c', '--interval', '0.001']);
    expect(out).toContain('├─ switch lan: learning switch of 3 ports, 3 station(s) learned');
    expect(out).toMatch(/a #1 {2}the a {2}▶ +100 p\/s +80\.0 kbit\/s +200 packets/);
    const once = await run(server, ['chain', 'c', '--interval', '0', '-o', 'json']);
    expect(JSON.parse(once.out)).toMatchObject({
      chain: { ref: { name: 'c' } },
      looks: [{ ports: [{ key: 'c/lan/a' }] }],
    });
  });
});

describe('dpuctl why', () => {
  it('climbs the ladder that the agent made', async () => {
    await using server = await TestServer.start(...services());
    const { code, out } = await run(server, ['why', 'pod', 'shop/web-0']);
    expect(out).toMatch(/^Pods of /);
    expect(out).toContain('pod shop/web-0\n\nnetwork default: READY\n  ✓ pod ');
    expect(out).toContain('not asked: nobody answers');
    expect(code).toBe(0);
    expect(JSON.parse((await run(server, ['why', 'pod', 'shop/web-0', '--json'])).out)).toMatchObject({
      explanation: { isOk: true, ladders: [{ network: 'default', verdict: 'VERDICT_READY' }] },
    });
  });

  it('of a port has its conditions, what they mean, and the pods on it', async () => {
    await using server = await TestServer.start(...services());
    const { code, out } = await run(server, ['why', 'port', 'p1']);
    expect(out).toContain(
      '✗ port p1 on br-sfc: LinkDown: The link of p1 is down.\n      The link of the interface is down.',
    );
    expect(out).toContain('command  $ ovs-vsctl list Interface p1');
    expect(code).toBe(3);
  });

  it('is refused for what is no name of a pod, before anybody is asked', async () => {
    await using server = await TestServer.start();
    await expect(run(server, ['why', 'pod', 'web-0'])).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('dpuctl journal and version', () => {
  it('prints the changes, with the differences where it is wide', async () => {
    await using server = await TestServer.start(...services());
    expect((await run(server, ['journal'])).out).toBe('1970-01-01T00:00:00.000Z  applied  create port p0  12.0 ms\n');
    expect((await run(server, ['journal', '-o', 'wide'])).out).toContain('    type: system\n    on behalf of agent\n');
  });

  it('tells the version of the agent where one answers', async () => {
    await using server = await TestServer.start(...services());
    expect((await run(server, ['version'])).out).toMatch(/^dpuctl \S+\nagent 1\.2\.3\n$/);
    await using silent = await TestServer.start();
    expect((await run(silent, ['version'])).out).toMatch(/^dpuctl \S+\n$/);
  });
});
