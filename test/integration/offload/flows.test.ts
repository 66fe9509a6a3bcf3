/**
 * Flows of a real ovs-vswitchd, with the simulated hardware of Open vSwitch where the build has it: what the agent adds up is
 * what searching in the text of ovs-appctl adds up, and each object is told by its own flows.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  OffloadMeasured_Source as Source,
  OffloadRow_Verdict as RowVerdict,
} from '../../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import type {
  FlowTally,
  ListSoftwareFlowsResponse,
  OffloadStatus,
} from '../../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { mastersGroup } from '../../../src/sandbox/cluster/users.js';
import { detailsAnnotation } from '../../../src/sandbox/lab/pod-networks.js';
import { dpuctlFile } from '../agent/build.js';
import { call } from '../agent/call.js';
import { eventually } from '../lab/daemon.js';
import { ovsBuilds, type OvsBuild } from '../lab/ovs-builds.js';
import { dummyPorts, dumpFlows, makeDummySwitch, pmdArgs, receive, type DumpWitness } from './dummy-switch.js';
import { OffloadRig, type OffloadApi } from './offload-rig.js';

/** A switch with flows and packets of each kind, and an agent that has been asked for a dump of them. The flows stay. */
async function startStage(build: OvsBuild): Promise<Stage> {
  const rig = await startRig(build);
  const cluster = await startCluster(rig);
  const { agent, api } = await rig.agent({}, cluster.config);
  await api.until(({ supervision }) => (supervision?.datapaths.length ?? 0) > 0, 'how many flows there are');
  await api.softwareFlows({ ageMsMax: 1000, withRules: true, countMax: 50 });
  // What passes between two dumps is what a share is told of; counters of hardware lag, so they are 6 s apart at least.
  await send(rig);
  await settled(rig);
  await eventually(
    async () => {
      await api.softwareFlows({ ageMsMax: 0, countMax: 1 });
      const rows = await api.rows();
      return rows.some(({ reason }) => reason === 'InSoftware') ? true : undefined;
    },
    'a second dump tells what passed',
    60_000,
  );
  const asked = await api.softwareFlows({ withRules: true, countMax: 50 });
  return { rig, cluster, agent, api, asked };
}

interface Stage {
  readonly rig: OffloadRig;
  readonly cluster: AsyncDisposable;
  readonly agent: AgentProcess;
  readonly api: OffloadApi;
  /** The answer for which the dump was made. */
  readonly asked: ListSoftwareFlowsResponse;
}

async function startRig(build: OvsBuild): Promise<OffloadRig> {
  const rig = await OffloadRig.start({ ...build.lab, vswitchd: true, vswitchdArgs: pmdArgs, devices: dummyPorts });
  await rig.set('hw-offload=true', 'max-idle=3600000');
  await makeDummySwitch(rig.lab, { datapathType: 'dummy' });
  await send(rig);
  await eventually(async () => ((await dumpFlows(rig.lab)).flows === 7 ? true : undefined), 'the flows are there');
  return rig;
}

/** Packets of each kind. */
async function send(rig: OffloadRig): Promise<void> {
  await receive(rig.lab, 'rep0-1', 20);
  await receive(rig.lab, 'rep0-2', 20);
  await receive(rig.lab, 'rep0-3', 20, { udpPort: 4096 });
  await receive(rig.lab, 'rep0-3', 20, { udpPort: 4097 });
  await receive(rig.lab, 'rep0-4', 60);
  await receive(rig.lab, 'rep0-2', 5, { isArp: true });
}

/** Waits until every packet that was sent is in the counters: of each flow all but its first, which made it. */
function settled({ lab }: OffloadRig): Promise<DumpWitness> {
  return eventually(async () => {
    const dump = await dumpFlows(lab);
    return dump.flows === 7 && dump.packets === 39 + 2 * 39 + 2 * 39 + 119 + 9 ? dump : undefined;
  }, 'all packets are counted');
}

const numbers = (tally: FlowTally | undefined): readonly number[] =>
  [tally?.flows, tally?.packets, tally?.bytes].map((value) => Number(value ?? 0n));

const sumOf = (tallies: readonly (FlowTally | undefined)[]): readonly number[] =>
  tallies.map(numbers).reduce((sum, part) => sum.map((value, at) => value + (part[at] ?? 0)), [0, 0, 0]);

const tierOf = ({ supervision }: OffloadStatus, name: string): FlowTally | undefined =>
  supervision?.tiers.find(({ tier }) => tier === name)?.tally;

describe.each(ovsBuilds())('flows of Open vSwitch $version', (build) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage(build);
  }, 120_000);

  afterAll(async () => {
    stage.api[Symbol.dispose]();
    await stage.rig[Symbol.asyncDispose]();
    await stage.cluster[Symbol.asyncDispose]();
  });

  it('add up to its dump, by tier and by reason', async () => {
    const { rig, api } = stage;
    const status = await api.status();
    const printed = await settled(rig);
    const { tiers = [], reasons = [] } = status.supervision ?? {};
    expect(sumOf(tiers.map(({ tally }) => tally))).toEqual([printed.flows, printed.packets, printed.bytes]);
    const byType = async (type: string): Promise<readonly number[]> => {
      const { flows, packets, bytes } = await dumpFlows(rig.lab, `type=${type}`);
      return [flows, packets, bytes];
    };
    expect(numbers(tierOf(status, 'hw'))).toEqual(await byType('offloaded'));
    expect(numbers(tierOf(status, 'partial'))).toEqual(await byType('partially-offloaded'));
    expect(numbers(tierOf(status, 'unknown'))).toEqual([0, 0, 0]);
    const software = tiers.filter(({ tier }) => tier !== 'hw').map(({ tally }) => tally);
    expect(sumOf(reasons.map(({ tally }) => tally))).toEqual(sumOf(software));
    // ARP that hardware carries is no matter of software.
    const control = reasons.find(({ reason }) => reason === 'expected_control');
    expect(numbers(control?.tally)[0]).toBe(build.simulatesHardware ? 0 : 1);
    expect(numbers(tierOf(status, 'hw'))[0]).toBe(build.simulatesHardware ? 4 : 0);
  });

  it('are told one by one: the largest in software, its port, its reason, and the rule behind it', async () => {
    const { rig, api, asked } = stage;
    const { flows, problems } = asked;
    expect(problems).toEqual([]);
    const printed = await settled(rig);
    const [largest] = flows;
    expect(largest).toMatchObject({ inPort: 'rep0-4', outPorts: ['p0'], packets: 119n });
    expect(printed.lines.find((line) => line.includes(largest?.ufid ?? '?'))).toContain('in_port(rep0-4)');
    expect(largest?.tier).toBe(build.simulatesHardware ? 'partial' : 'pmd');
    expect(largest?.reason).not.toBe('other');
    // Each line that is not whole in hardware, but for the control traffic.
    expect(flows.length).toBe(printed.flows - printed.offloaded - (build.simulatesHardware ? 0 : 1));
    if (build.simulatesHardware) expect(largest?.rules.join('\n')).toContain('dec_ttl');
    else expect(largest?.rulesProblem).not.toBe('');
    const { flows: ofOne } = await api.softwareFlows({ ports: ['rep0-2'] });
    expect(ofOne.map(({ inPort }) => inPort)).toEqual(['rep0-2', 'rep0-2']);
  });

  it('belong to ports and to the pod whose representor they use', async () => {
    const { rig, api } = stage;
    const key = 'attachment/default/web-0/default';
    const row = await api.untilRow(key, ({ measured }) => measured?.source === Source.FLOWS, 'is told by its flows');
    expect(row).toMatchObject({ interface: 'rep0-1', name: 'default/web-0' });
    const expected = build.simulatesHardware
      ? { verdict: RowVerdict.HARDWARE, reason: 'InHardware' }
      : { verdict: RowVerdict.SOFTWARE, reason: 'InSoftware' };
    expect(row).toMatchObject(expected);
    const printed = (await settled(rig)).lines.filter((line) => line.includes('in_port(rep0-1)'));
    const { hardwareFlows, softwareFlows, apartFlows } = row.measured ?? {};
    expect(sumOf([hardwareFlows, softwareFlows, apartFlows]).slice(0, 2)).toEqual([printed.length, 39]);
    expect(numbers(build.simulatesHardware ? hardwareFlows : softwareFlows)[1]).toBe(39);
    // A port of the same switch that no hardware can serve is told otherwise.
    const other = (await api.rows()).find(({ key: name }) => name === 'port/rep0-4');
    expect(other).toMatchObject({ verdict: RowVerdict.SOFTWARE, reason: 'InSoftware' });
    // Of the uplink some flows are in hardware, and some are not.
    const uplink = (await api.rows()).find(({ key: name }) => name === 'port/p0');
    expect(uplink?.verdict).toBe(build.simulatesHardware ? RowVerdict.PARTIAL : RowVerdict.SOFTWARE);
  });

  it('are the same numbers for Prometheus and for dpuctl', async () => {
    const { agent, api } = stage;
    const { supervision } = await api.status();
    const tiers = (supervision?.tiers ?? []).map(({ tier, tally }) => [tier, Number(tally?.flows ?? 0n)] as const);
    expect(tiers.length).toBeGreaterThan(0);
    const scraped = await (await fetch(`http://${agent.httpAddress ?? ''}/metrics`)).text();
    const series = (name: string): ReadonlyMap<string, number> =>
      new Map(
        [...scraped.matchAll(new RegExp(`^dpu_agent_offload_${name}\\{\\w+="([^"]+)"\\} (\\S+)$`, 'gm'))].map(
          ([, label = '', value]) => [label, Number(value)],
        ),
      );
    expect(Object.fromEntries(series('flows'))).toMatchObject(Object.fromEntries(tiers));
    const reasons = (supervision?.reasons ?? []).map(
      ({ reason, tally }) => [reason, Number(tally?.flows ?? 0n)] as const,
    );
    expect(Object.fromEntries(series('software_flows'))).toMatchObject(Object.fromEntries(reasons));
    expect(series('measurements_total').get('flows')).toBeGreaterThanOrEqual(2);

    const dpuctl = async (...words: readonly string[]): Promise<unknown> => {
      const { stdout } = await call([
        process.execPath,
        dpuctlFile,
        'offload',
        ...words,
        '-o',
        'json',
        '--run-dir',
        agent.runDir,
      ]);
      return JSON.parse(stdout);
    };
    const shown = (await dpuctl('status')) as {
      status: { supervision: { tiers: { tier: string; tally: { flows?: string } }[] } };
    };
    expect(shown.status.supervision.tiers.map(({ tier, tally }) => [tier, Number(tally.flows ?? 0)])).toEqual(tiers);
    const listed = (await dpuctl('flows')) as { flows: { packets: string; inPort: string }[] };
    const { flows } = await api.softwareFlows({});
    expect(listed.flows.map(({ packets, inPort }) => [packets, inPort])).toEqual(
      flows.map(({ packets, inPort }) => [String(packets), inPort]),
    );
    const { stdout } = await call([process.execPath, dpuctlFile, 'offload', 'top', '--run-dir', agent.runDir]);
    expect(stdout).toMatch(/default\/web-0/);
  });
});

/** A host cluster with a pod that somebody else has plugged with the first representor; the agent only observes. */
async function startCluster(rig: OffloadRig): Promise<AsyncDisposable & { readonly config: Record<string, object> }> {
  const nodeName = 'host-1';
  const cluster = new ClusterApi({ isTls: false, kubelet: 'manual' });
  await cluster.start();
  const dispose = { [Symbol.asyncDispose]: () => cluster.close() };
  await rig.lab.vsctl('--no-wait', 'set', 'Open_vSwitch', '.', `external_ids:host-k8s-nodename=${nodeName}`);
  cluster.direct.create('nodes', { metadata: { name: nodeName } });
  const details = JSON.stringify({ default: { pfId: '0', vfId: '1', sandboxId: 'sandbox-1' } });
  const pod = cluster.direct.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-0',
      namespace: 'default',
      annotations: { [detailsAnnotation]: details },
    },
    spec: { nodeName, containers: [{ name: 'c', image: 'c' }] },
  }) as unknown as { readonly metadata: { readonly uid: string } };
  const ids = { 'iface-id': 'default_web-0', 'iface-id-ver': pod.metadata.uid, sandbox: 'sandbox-1' };
  const pairs = Object.entries(ids).map(([key, value]) => `external_ids:${key}=${value}`);
  await rig.lab.vsctl('set', 'Interface', 'rep0-1', ...pairs);
  const kubeconfig = await cluster.writeKubeconfig(rig.lab.dir, 'agent', { groups: [mastersGroup] });
  const attach = { mode: 'observe', ovnInstalled: 'ignore' };
  return { ...dispose, config: { hostCluster: { kubeconfig }, attach } };
}
