import { afterEach, describe, expect, it } from 'vitest';
import { ApiWorld } from '../../fakes/api-world.js';
import { readExposition, valueOf, type ReadSample } from '../../fakes/exposition.js';
import { byCounters, byFlows, measuredRow, supervised } from '../../fakes/offload-overview.js';
import { measuredWallMs } from '../../fakes/offload-world.js';

let world = new ApiWorld();
afterEach(() => world.close());

async function scrape(): Promise<readonly ReadSample[]> {
  const answer = await world.get('/metrics');
  return readExposition(await answer.text());
}

const prefix = 'dpu_agent_offload_';
const named = (samples: readonly ReadSample[], name: string): readonly ReadSample[] =>
  samples.filter((sample) => sample.name === `${prefix}${name}`);

const limits = { representors: true, podLabels: true, representorsMax: 100 };

describe('offload as metrics', () => {
  it('says what the supervisor says, in base units', async () => {
    world = await new ApiWorld().serve();
    world.offload = supervised();
    const samples = await scrape();
    const value = (name: string, labels: Record<string, string> = {}): number | undefined =>
      valueOf(samples, `${prefix}${name}`, labels);
    expect(value('configured')).toBe(1);
    expect(value('in_effect')).toBe(1);
    expect(value('waiting')).toBe(0);
    expect(value('engine_info', { engine: 'doca' })).toBe(1);
    expect(value('flows', { tier: 'hw' })).toBe(1_100);
    expect(value('flows', { tier: 'pmd' })).toBe(100);
    expect(value('software_flows', { reason: 'ct_ipv6_disabled' })).toBe(60);
    expect(value('packets_total', { path: 'hw' })).toBe(990_000);
    expect(value('packets_total', { path: 'sw' })).toBe(10_000);
    const datapath = 'netdev@ovs-netdev';
    expect(value('datapath_flows', { datapath })).toBe(1_200);
    expect(value('flow_limit', { datapath, kind: 'configured' })).toBe(200_000);
    expect(value('flow_limit', { datapath, kind: 'effective' })).toBe(9_500);
    expect(value('dump_duration_seconds', { datapath })).toBe(0.003);
    expect(value('restart_required')).toBe(1);
    expect(value('findings', { reason: 'OffloadPortLeftOut' })).toBe(1);
    expect(value('checks', { outcome: 'clear' })).toBe(3);
    expect(value('checks', { outcome: 'notTestable' })).toBe(1);
    expect(value('representors', { state: 'expected' })).toBe(16);
    expect(value('representors', { state: 'stale' })).toBe(1);
    expect(value('hugepages_bytes', { size: '2048kB', state: 'total' })).toBe(2 ** 30);
    expect(value('hugepages_bytes', { size: '2048kB', state: 'free' })).toBe(12 * 2 ** 21);
    expect(value('ct_connections', { table: 'nf_conntrack' })).toBe(900);
    expect(value('ct_limit', { table: 'nf_conntrack' })).toBe(1_000);
    expect(value('ct_hardware_connections', { direction: 'both' })).toBe(30);
    expect(value('enqueued_flows')).toBe(5);
    expect(value('inserted_flows')).toBe(700);
    expect(value('insert_latency_seconds', { stat: 'mean' })).toBe(0.000_2);
    expect(value('slowdown')).toBe(2);
    expect(value('flow_dumps')).toBe(0);
  });

  it('says how old a measurement is and what it cost, and nothing of one that was never made', async () => {
    world = await new ApiWorld().serve();
    world.offload = supervised();
    const samples = await scrape();
    const flows = { measurement: 'flows' };
    expect(valueOf(samples, `${prefix}measurement_timestamp_seconds`, flows)).toBe(measuredWallMs / 1_000);
    expect(valueOf(samples, `${prefix}collector_duration_seconds`, flows)).toBe(0.042);
    expect(valueOf(samples, `${prefix}vswitchd_main_thread_seconds_total`, flows)).toBe(0.245);
    expect(valueOf(samples, `${prefix}measurements_total`, flows)).toBe(7);
    expect(valueOf(samples, `${prefix}measurement_failures_total`, flows)).toBe(1);
    const tools = samples.filter(({ labels }) => labels['measurement'] === 'tools').map(({ name }) => name);
    expect(tools).not.toContain(`${prefix}measurement_timestamp_seconds`);
    expect(tools).not.toContain(`${prefix}collector_duration_seconds`);
    expect(valueOf(samples, `${prefix}measurement_failures_total`, { measurement: 'tools' })).toBe(3);
  });

  it('tells drift of settings only where it is proven', async () => {
    world = await new ApiWorld().serve();
    world.offload = supervised();
    const drift = named(await scrape(), 'config_drift').map(({ labels, value }) => [labels['key'], value]);
    expect(drift).toEqual([
      ['hw-offload', 0],
      ['hw-offload-ct-size', 1],
    ]);
    expect(valueOf(await scrape(), `${prefix}settings`, { verdict: 'unknown' })).toBe(1);
  });

  it('has no series of what is not known', async () => {
    world = await new ApiWorld().serve();
    const before = (await scrape()).map(({ name }) => name).filter((name) => name.startsWith(prefix));
    expect(before.sort()).toEqual([`${prefix}configured`, `${prefix}engine_info`]);

    world.offload = supervised(
      {
        tiers: new Map(),
        reasons: new Map(),
        insertion: undefined,
        representors: { expected: undefined, present: 2, stale: 0, down: 0 },
        connections: [{ table: 'hardware', count: 5, limit: 0 }],
      },
      { isInEffect: undefined },
    );
    const samples = await scrape();
    for (const name of ['in_effect', 'flows', 'software_flows', 'enqueued_flows', 'ratio', 'ct_limit']) {
      expect(named(samples, name), name).toEqual([]);
    }
    expect(valueOf(samples, `${prefix}representors`, { state: 'present' })).toBe(2);
    expect(named(samples, 'representors')).toHaveLength(3);
  });
});

describe('offload of objects as series', () => {
  it('has share and packets of each interface that was measured, with its pod', async () => {
    world = await new ApiWorld().serve({ metrics: limits });
    world.offloadRows = [
      measuredRow('port', 'pf0vf1', 'pf0vf1', byCounters),
      measuredRow('port', 'pf0vf2', 'pf0vf2', byFlows),
      measuredRow('port', 'p0', 'p0'),
      measuredRow('attachment', 'shop/web-0', 'pf0vf1', byCounters),
      measuredRow('attachment', 'shop/idle', '', undefined),
      measuredRow('chain', 'fw', '', byCounters),
    ];
    const samples = await scrape();
    const pod = { interface: 'pf0vf1', namespace: 'shop', pod: 'web-0' };
    expect(named(samples, 'interface_ratio').map(({ labels, value }) => ({ ...labels, value }))).toEqual([
      { ...pod, source: 'counters', value: 0.9 },
      { interface: 'pf0vf2', source: 'flows', value: 0.25 },
    ]);
    expect(named(samples, 'interface_packets_total').map(({ labels, value }) => ({ ...labels, value }))).toEqual([
      { ...pod, path: 'hw', value: 90_000 },
      { ...pod, path: 'sw', value: 4_000 },
    ]);
    expect(named(samples, 'chain_ratio').map(({ labels, value }) => ({ ...labels, value }))).toEqual([
      { chain: 'fw', source: 'counters', value: 0.9 },
    ]);
  });

  it('adds up ports alone for the ratio of the machine, each source for itself', async () => {
    world = await new ApiWorld().serve();
    world.offloadRows = [
      measuredRow('port', 'a', 'a', byCounters),
      measuredRow('port', 'b', 'b', {
        ...byCounters,
        counters: { hardwarePackets: 0, softwarePackets: 1_000, spanMs: 1 },
      }),
      measuredRow('port', 'c', 'c', byFlows),
      measuredRow('attachment', 'shop/web-0', 'a', byCounters),
      measuredRow('chain', 'fw', '', byCounters),
    ];
    const samples = await scrape();
    expect(valueOf(samples, `${prefix}ratio`, { source: 'counters' })).toBe(900 / 2_000);
    expect(valueOf(samples, `${prefix}ratio`, { source: 'flows' })).toBe(0.25);
  });

  it('is bounded as the series of interfaces are, uplinks first', async () => {
    world = await new ApiWorld().serve({ metrics: { ...limits, representorsMax: 2 } });
    const devices = ['pf0vf0', 'pf0vf1', 'pf0vf2', 'zz0'];
    world.offloadRows = [
      ...devices.map((name) => measuredRow('port', name, name, byCounters)),
      ...devices.slice(0, 3).map((name) => measuredRow('attachment', `shop/${name}`, name, byCounters)),
    ];
    const shown = named(await scrape(), 'interface_ratio').map(({ labels }) => labels['interface']);
    expect(shown).toEqual(['zz0', 'pf0vf0']);
  });

  it('leaves pods and whole interfaces out where the configuration says so', async () => {
    const rows = [
      measuredRow('port', 'pf0vf1', 'pf0vf1', byCounters),
      measuredRow('attachment', 'shop/web-0', 'pf0vf1', byCounters),
      measuredRow('chain', 'fw', '', byCounters),
    ];
    world = await new ApiWorld().serve({ metrics: { ...limits, podLabels: false } });
    world.offloadRows = rows;
    const bare = await scrape();
    expect(JSON.stringify(bare)).not.toContain('web-0');
    expect(named(bare, 'interface_ratio')).toHaveLength(1);
    await world.close();

    world = await new ApiWorld().serve({ metrics: { ...limits, representors: false } });
    world.offloadRows = rows;
    const samples = await scrape();
    expect(named(samples, 'interface_ratio')).toEqual([]);
    expect(named(samples, 'interface_packets_total')).toEqual([]);
    expect(named(samples, 'chain_ratio')).toHaveLength(1);
  });

  it('survives hostile names', async () => {
    const hostile = '"} 1\nforged_total 99\n# EOF\\';
    world = await new ApiWorld().serve({ metrics: limits });
    world.offloadRows = [
      measuredRow('port', hostile, hostile, byCounters),
      measuredRow('attachment', `shop/${hostile}`, hostile, byCounters),
      measuredRow('chain', hostile, '', byCounters),
    ];
    const samples = await scrape();
    expect(samples.some(({ name }) => name === 'forged_total')).toBe(false);
    expect(valueOf(samples, `${prefix}interface_ratio`, { interface: hostile, pod: hostile })).toBe(0.9);
    expect(valueOf(samples, `${prefix}chain_ratio`, { chain: hostile })).toBe(0.9);
  });

  it('is typed as both formats want it', async () => {
    world = await new ApiWorld().serve({ metrics: limits });
    world.offloadRows = [measuredRow('port', 'a', 'a', byCounters)];
    const accept = 'application/openmetrics-text; version=1.0.0';
    const open = await (await world.get('/metrics', { accept })).text();
    expect(open).toContain('# TYPE dpu_agent_offload_interface_packets counter\n');
    expect(open).toContain('# TYPE dpu_agent_offload_interface_ratio gauge\n');
    const plain = await (await world.get('/metrics')).text();
    expect(plain).toContain('# TYPE dpu_agent_offload_interface_packets_total counter\n');
    expect(plain).toContain('# TYPE dpu_agent_offload_interface_ratio gauge\n');
    // A chain has no series of packets, and one that was not measured none at all.
    expect(plain).not.toContain('dpu_agent_offload_chain_ratio');
  });

  it('asks once for the rows of a scrape', async () => {
    world = new ApiWorld();
    let reads = 0;
    const { view } = world;
    const offload = {
      ...view.offload,
      rows: () => {
        reads += 1;
        return Array.from({ length: 1_000 }, (_, index) => measuredRow('port', `p${index}`, `p${index}`, byCounters));
      },
    };
    await world.serve({ view: { ...view, offload } });
    expect(named(await scrape(), 'interface_ratio')).toHaveLength(1_000);
    expect(reads).toBe(1);
  });
});
