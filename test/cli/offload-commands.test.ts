import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { offloadService } from '../../src/api/services/offload.js';
import { ObjectKind } from '../../src/gen/proto/dpu/agent/v1/common_pb.js';
import { TopologyService } from '../../src/gen/proto/dpu/agent/v1/topology_pb.js';
import { systemClock } from '../../src/lib/clock.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import {
  FakeOffload,
  flowOf,
  measuredOf,
  measuredWallMs,
  offloadRow,
  overviewOf,
  supervisionOf,
} from '../fakes/offload-world.js';
import { served, TestServer } from './grpc-server.js';
import { runLine, type RunOptions } from './run-line.js';

let source: FakeOffload;
let server: TestServer;

beforeEach(async () => {
  source = FakeOffload.rich();
  const { service, handlers } = offloadService({ offload: source, clock: systemClock });
  server = await TestServer.start(
    served(service, handlers),
    served(TopologyService, {
      getTopology: () => ({
        objects: ['p0', 'pf0vf3', 'pf0vf4', 'pf0vf5'].map((name) => ({ ref: { kind: ObjectKind.REPRESENTOR, name } })),
      }),
    }),
  );
});

afterEach(() => server[Symbol.asyncDispose]());

const run = (line: string, options?: RunOptions) => runLine(server, ['offload', ...line.split(' ')], options);
const json = async (line: string) => JSON.parse((await run(`${line} -o json`)).out) as Record<string, unknown>;

describe('dpuctl offload status', () => {
  it('shows huge pages, tables of connections and insertion where they are told, and no time of no insertion', async () => {
    const insertion = { enqueued: 3, inserted: 70, connectionsBoth: 9, connectionsOne: undefined };
    const shown = async (latencyMean: number) => {
      const supervision = supervisionOf({
        hugePages: [
          { sizeBytes: 2_097_152, total: 1_024, free: 12 },
          { sizeBytes: 1_073_741_824, total: 0, free: 0 },
        ],
        connections: [{ table: 'hardware', count: 125_000, limit: 250_000 }],
        insertion: { ...insertion, latencyMean, latencyDeviation: undefined },
      });
      source.overview = overviewOf({ supervision });
      return (await run('status')).out.split('\n').filter((line) => /^(huge|connections|insertion)/.test(line));
    };
    expect(await shown(0.000_25)).toEqual([
      'huge pages    1024 of 2 MiB, 12 free',
      'connections   hardware: 125000 of 250000 (50.0 %)',
      'insertion     70 flows handed over, 3 wait, connections in both directions 9, an insertion takes 250 µs on average',
    ]);
    expect((await shown(0)).at(-1)).toBe(
      'insertion     70 flows handed over, 3 wait, connections in both directions 9',
    );
  });

  it('tells what is configured and in effect, what waits, what is wrong, and what looking cost', async () => {
    expect(await run('status')).toEqual({
      code: 3,
      out: `\
engine      doca: doca_initialized is true.
configured  yes: hw-offload is true in the database
in effect   yes: dpif/offload/show says so.

SETTING             DECLARED  STORED  IN EFFECT  VERDICT
hw-offload          true      true    true       in effect
hw-offload-ct-size  500000    250000  250000     restart required
max-idle            -         20000   ?          unknown

  hw-offload-ct-size should be 500000: only a restart of ovs-vswitchd brings it.

RESTART REQUIRED: hw-offload-ct-size needs a restart of ovs-vswitchd, in a maintenance window.
  1. Drain the node.
  2. ovs-ctl --no-ovsdb-server restart
  cost: All flows are lost.

! OffloadPortLeftOut port pf0vf4: Offload is in effect, and no offload provider has pf0vf4.
    seen     type=system provider=none
    remedy   Have its owner add the port anew.

DATAPATH           FLOWS  LIMIT NOW  CONFIGURED  OFFLOADED BY OVS  REVALIDATION
netdev@ovs-netdev  1200   9500       200000      1100              3 ms

TIER  FLOWS  PACKETS  BYTES
hw    1.1k   990k     99M
pmd   100    10k      1M

REASON            FLOWS  PACKETS  BYTES  EXPECTED  MEANING
ct_ipv6_disabled  60     8.5k     850k   no        Connection tracking of IPv6 is not offloaded while hw-offload-ct-ipv6-enabled is not true.
ct_new            20     1k       100k   yes       First packets of a tracked connection (ct_state +new); the connection is offloaded once it is established.
expected_control  20     500      50k    yes       Traffic of the control plane (ARP, ND, LLDP, LACP, STP, BFD …), which software has to see.

MEASUREMENT  AGE    TOOK   MAIN THREAD  IN ALL  READINGS  FAILED  PROBLEM
quick        5 s    42 ms  35 ms        900 ms  100       0
flows        10 s   42 ms  35 ms        245 ms  7         1       The last dump was too late.
tools        never  -      -            0 ms    0         3       There is no devlink.

packets       99.0 % of 1M data packets in hardware, since the agent looks
representors  3 of 4 expected, 1 stale, 0 down
pace          questions wait 2.0 times as long as usual
checks        3 clear, 1 could not be made (--checks lists them)
`,
    });
  });

  it('lists checks, and columns that the narrow form has no room for', async () => {
    const { out } = await run('status --checks');
    expect(out).toContain('  clear  huge-pages\n');
    expect(out).toContain('  n/a    host-attached: devlink says nothing of the host\n');
    const wide = (await run('status -o wide')).out;
    expect(wide).toMatch(/^max-idle .*unknown +engine tc +max-idle: it is stored as 20000; nothing tells\.$/m);
    expect(wide).toContain('  clear  huge-pages\n');
  });

  it('is 0 where nothing waits and nothing is wrong, and says that nobody supervises', async () => {
    const [inEffect] = supervisionOf().settings;
    const settings = inEffect === undefined ? [] : [inEffect];
    source.overview = overviewOf({ supervision: supervisionOf({ settings, restart: undefined, findings: [] }) });
    expect((await run('status')).code).toBe(0);
    source.overview = overviewOf({ waiting: 'the platform configures the card', supervision: undefined });
    const { code, out } = await run('status');
    expect(code).toBe(3);
    expect(out).toContain('waiting     nothing is judged yet: the platform configures the card');
    expect(out).toContain('Nobody supervises offload');
    source.overview = overviewOf({ isInEffect: false, supervision: undefined });
    expect((await run('status')).code).toBe(3);
  });

  it('is the answer of the API as data', async () => {
    expect(await json('status')).toMatchObject({
      status: { engine: 'ENGINE_DOCA', supervision: { restart: { keys: ['hw-offload-ct-size'] } } },
    });
  });

  it('escapes what drives a terminal', async () => {
    source.overview = overviewOf({ engineBasis: ['\u001b[2J'], notes: ['\u202e'] });
    const { out } = await run('status');
    for (const sign of ['\u001b', '\u202e']) expect(out).not.toContain(sign);
  });
});

describe('dpuctl offload top', () => {
  it('has those with most packets in software first, rates before what flows have carried', async () => {
    expect(await run('top')).toEqual({
      code: 0,
      out: `\
KIND   NAME        VERDICT   HARDWARE  SW PKT/S  SW FLOWS  SW PACKETS  WHY
pod    shop/db-0   software  2.0 %     980       60        9.8k        ct_ipv6_disabled
port   pf0vf4      software  2.0 %     980       60        9.8k        ct_ipv6_disabled
pod    shop/web-0  hardware  99.0 %    10        2         100         ct_new (expected)
port   pf0vf3      hardware  99.0 %    10        2         100         ct_new (expected)
chain  edge        partial   60.0 %    -         2         100         ct_new (expected)
port   pf0vf5      unknown   -         -         -         -           NotMeasured
`,
    });
  });

  it('takes a kind and a number of rows, and more columns', async () => {
    const { out } = await run('top --kind port -n 2');
    expect(out.split('\n').map((line) => line.split(/ +/).slice(0, 2).join(' '))).toEqual([
      'KIND NAME',
      'port pf0vf4',
      'port pf0vf3',
      '… and',
      '',
    ]);
    expect((await run('top -o wide')).out).toMatch(
      /^port +pf0vf4 .* counters +10 s +pf0vf4 +chain\/edge +A sentence\.$/m,
    );
    source.objects = [];
    expect((await run('top --kind chain')).out).toBe('The agent knows of no such object.\n');
  });

  it('names the networks of a pod that has several, and what cannot be read', async () => {
    const row = (nad: string) =>
      offloadRow('attachment', 'shop/db-0', 'unknown', { key: `attachment/shop/db-0/${nad}` });
    source.objects = [row('default'), row('shop/blue')];
    source.troubles = ['The database is not readable.'];
    const { out } = await run('top');
    expect(out).toMatch(/^pod +shop\/db-0 +unknown/m);
    expect(out).toMatch(/^pod +shop\/db-0 shop\/blue +unknown/m);
    expect(out).toContain('! The database is not readable.\n');
  });

  it('draws again when something differs, for as long as somebody looks', async () => {
    const enough = new AbortController();
    const screens: string[] = [];
    const running = run('top -w --interval 1 --kind port', {
      isTerminal: true,
      signal: enough.signal,
      onPrint: (text) => screens.push(text),
    });
    await eventually(() => Promise.resolve(screens.length >= 2));
    expect(source.watcherCount).toBe(1);
    expect(screens[0]).toBe('\u001b[2J');
    expect(screens[1]).toContain('pf0vf5');
    source.objects = [offloadRow('port', 'pf0vf9', 'hardware', { measured: measuredOf() })];
    await eventually(() => Promise.resolve(screens.length >= 3));
    expect(screens[2]).toContain('pf0vf9');
    expect(screens[2]).not.toContain('pf0vf5');
    enough.abort();
    expect((await running).code).toBe(0);
    await eventually(() => Promise.resolve(source.watcherCount === 0));
  });

  it('is data in the order of the table', async () => {
    const { rows } = (await json('top -n 1')) as { rows: { key: string }[] };
    expect(rows.map(({ key }) => key)).toEqual(['attachment/shop/db-0/default']);
  });
});

describe('dpuctl offload flows', () => {
  it('lists the flows, and what can be done about each reason once', async () => {
    expect(await run('flows')).toEqual({
      code: 0,
      out: `\
Dumped 10 s ago, which took 35 ms of the main thread at most.

#  PACKETS  BYTES  IDLE    TIER  REASON            IN      OUT  SEEN BY
1  9k       900k   400 ms  pmd   ct_ipv6_disabled  pf0vf4  p0   ct of IPv6
2  100      900k   -       pmd   ct_new            pf0vf4  p0   ct of IPv6

  1  rule     table=10, priority=50, actions=ct(table=11)
  2  rule     not known: no ufid

ct_ipv6_disabled: Connection tracking of IPv6 is not offloaded while hw-offload-ct-ipv6-enabled is not true.
  remedy   Set \`other_config:hw-offload-ct-ipv6-enabled=true\` and restart ovs-vswitchd in a maintenance window.
ct_new: First packets of a tracked connection (ct_state +new); the connection is offloaded once it is established.
  remedy   Nothing; a large share of such packets means that connections are short.
`,
    });
    expect((await run('flows -o wide')).out).toContain('match    in_port(pf0vf4),eth_type(0x86dd)\n');
  });

  it('asks for what is said', async () => {
    await run('flows');
    await run('flows --port p0 --port p1 --reason other --reason ct_new -n 7 --rules --fresh');
    expect(source.questions).toEqual([
      { ports: new Set(), reasons: new Set(), countMax: 20, ageMsMax: Infinity, withRules: false },
      {
        ports: new Set(['p0', 'p1']),
        reasons: new Set(['other', 'ct_new']),
        countMax: 7,
        ageMsMax: 0,
        withRules: true,
      },
    ]);
  });

  it('is refused for a reason that is none, with those that there are', async () => {
    await expect(run('flows --reason nonsense')).rejects.toMatchObject({
      code: 'API_INVALID',
      message: expect.stringContaining('unsupported_match') as string,
    });
    await expect(run('flows -n 501')).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('says why there are none: no dump, or nothing in software', async () => {
    source.flows = { wallMs: undefined, cost: undefined, flows: [], problems: ['There are too many flows.'] };
    expect(await run('flows')).toEqual({
      code: 3,
      out: 'The flows were not dumped yet.\n! There are too many flows.\n',
    });
    source.flows = { wallMs: measuredWallMs, cost: undefined, flows: [], problems: [] };
    const { code, out } = await run('flows');
    expect(code).toBe(0);
    expect(out).toContain('It has no such flow in software');
  });

  it('escapes foreign text', async () => {
    source.flows = {
      wallMs: measuredWallMs,
      cost: undefined,
      flows: [flowOf({ match: '\u001b[2J', inPort: '\u202e' })],
      problems: ['\u001b]0;'],
    };
    const { out } = await run('flows -o wide');
    for (const sign of ['\u001b', '\u202e']) expect(out).not.toContain(sign);
  });
});
