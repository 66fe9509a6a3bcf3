import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { catalogue } from '../../../src/telemetry/catalogue.js';
import type { Netdev } from '../../../src/model/netdev.js';
import { ApiWorld, attachOf, podRow, portRow } from '../../fakes/api-world.js';
import { readExposition, valueOf, type ReadSample } from '../../fakes/exposition.js';
import { byCounters, measuredRow, supervised } from '../../fakes/offload-overview.js';
import { netdev } from '../../fakes/plan-rows.js';
import { rawRequest } from '../../fakes/raw-http.js';

let world = new ApiWorld();

async function scrape(): Promise<readonly ReadSample[]> {
  const answer = await world.get('/metrics');
  expect(answer.status).toBe(200);
  return readExposition(await answer.text());
}

afterEach(() => world.close());

describe('a scrape', () => {
  it('shows only metrics of the catalogue, with the labels that it says', async () => {
    world = await new ApiWorld().serve({
      grpc: () => ({ connections: 1, streams: 2, unsentBytes: 0, refusals: new Map([['API_LIMIT', 3]]) }),
    });
    fill(world);
    const specs = new Map(catalogue.map((spec) => [spec.name, spec]));
    await fetch(world.url('/metrics'), { method: 'DELETE' });
    await scrape();
    // The second one knows how long the first took.
    const samples = await scrape();
    for (const { name, labels } of samples) {
      const spec = specs.get(name) ?? specs.get(name.replace(/_(?:bucket|sum|count)$/, ''));
      expect(spec, name).toBeDefined();
      const own = Object.keys(labels).filter((label) => label !== 'le');
      expect(spec?.labels, name).toEqual(expect.arrayContaining(own));
    }
    const shown = new Set(samples.map(({ name }) => name.replace(/_(?:bucket|sum|count)$/, '')));
    // Time has to pass for it.
    const missing = [...specs.keys()].filter((name) => !shown.has(name) && name !== 'dpu_agent_event_loop_lag_seconds');
    expect(missing).toEqual([]);
  });

  it('says what the status says', async () => {
    world = await new ApiWorld().serve();
    world.show({
      isReady: false,
      repair: 'standby',
      vswitchd: 'silent',
      ovsdb: { kind: 'connecting', message: 'refused', code: 'CONNECT_FAILED' },
      pendingCount: 4,
      conditions: [
        { object: { kind: 'port', name: 'p0' }, state: 'failed', reason: 'LinkDown', message: '', evidence: {} },
        { object: { kind: 'port', name: 'p1' }, state: 'ready', reason: 'Ready', message: '', evidence: {} },
        { object: { kind: 'chain', name: 'fw' }, state: 'waiting', reason: 'OfportPending', message: '', evidence: {} },
      ],
    });
    const samples = await scrape();
    expect(valueOf(samples, 'dpu_agent_ready')).toBe(0);
    expect(valueOf(samples, 'dpu_agent_repair_mode', { mode: 'standby' })).toBe(1);
    expect(valueOf(samples, 'dpu_agent_repair_mode', { mode: 'on' })).toBe(0);
    expect(valueOf(samples, 'dpu_agent_vswitchd_state', { state: 'silent' })).toBe(1);
    expect(valueOf(samples, 'dpu_agent_ovsdb_state', { state: 'connecting' })).toBe(1);
    expect(valueOf(samples, 'dpu_agent_pending_changes', { loop: 'ports' })).toBe(4);
    expect(valueOf(samples, 'dpu_agent_conditions', { kind: 'port', state: 'failed' })).toBe(1);
    expect(valueOf(samples, 'dpu_agent_conditions', { kind: 'port', state: 'waiting' })).toBe(0);
    expect(valueOf(samples, 'dpu_agent_objects_not_ready', { kind: 'port', reason: 'LinkDown' })).toBe(1);
    expect(valueOf(samples, 'dpu_agent_chains', { state: 'waiting', reason: 'OfportPending' })).toBe(1);
  });

  it('says that an agent which has not looked yet is not ready, and nothing else of it', async () => {
    world = new ApiWorld();
    world.status = undefined;
    await world.serve();
    const samples = await scrape();
    expect(valueOf(samples, 'dpu_agent_ready')).toBe(0);
    expect(samples.some(({ name }) => name === 'dpu_agent_status_age_seconds')).toBe(false);
    expect(samples.some(({ name }) => name === 'dpu_agent_vswitchd_state')).toBe(false);
  });

  it('labels the counters of an interface with its pod', async () => {
    world = await new ApiWorld().serve();
    const row = portRow('pf0vf3', world.clock.wallMs());
    world.rows = [portRow('p0', world.clock.wallMs(), 5n), row, podRow(row, 'shop', 'web-0')];
    const samples = await scrape();
    const name = 'dpu_agent_interface_packets_total';
    const pod = { interface: 'pf0vf3', namespace: 'shop', pod: 'web-0', bridge: 'br-int' };
    expect(valueOf(samples, name, { ...pod, direction: 'received' })).toBe(1_000);
    expect(valueOf(samples, name, { ...pod, direction: 'sent' })).toBe(1_001);
    expect(valueOf(samples, 'dpu_agent_interface_dropped_packets_total', { ...pod, direction: 'sent' })).toBe(3);
    const uplink = samples.find((sample) => sample.name === name && sample.labels['interface'] === 'p0');
    expect(uplink?.labels).toEqual({ bridge: 'br-int', interface: 'p0', direction: 'received' });
    expect(valueOf(samples, 'dpu_agent_interfaces')).toBe(2);
    expect(valueOf(samples, 'dpu_agent_interfaces_without_series')).toBe(0);
  });

  it('forgets the series of what is gone', async () => {
    world = await new ApiWorld().serve();
    world.rows = [portRow('p0', world.clock.wallMs()), portRow('p1', world.clock.wallMs())];
    world.sessions = [{ protocol: 'openflow', peer: 'br-old', isUp: true, connects: 1, failures: 0 }];
    await world.desk.apply(intentOf('fleet'));
    expect(valueOf(await scrape(), 'dpu_agent_session_up', { peer: 'br-old' })).toBe(1);
    expect(valueOf(await scrape(), 'dpu_agent_intent_generation', { owner: 'fleet' })).toBe(3);

    world.rows = world.rows.slice(0, 1);
    world.sessions = [];
    await world.desk.delete('fleet', undefined);
    const samples = await scrape();
    expect(samples.filter(({ labels }) => labels['interface'] === 'p1')).toEqual([]);
    expect(samples.filter(({ labels }) => labels['peer'] === 'br-old')).toEqual([]);
    expect(samples.filter(({ labels }) => labels['owner'] === 'fleet')).toEqual([]);
  });

  it('bounds how many interfaces have series, uplinks first, and counts the rest', async () => {
    world = await new ApiWorld().serve({ metrics: { representors: true, podLabels: true, representorsMax: 3 } });
    const ofPods = Array.from({ length: 5 }, (_, index) => portRow(`pf0vf${index}`, world.clock.wallMs()));
    const uplinks = [portRow('zz0', world.clock.wallMs()), portRow('zz1', world.clock.wallMs())];
    world.rows = [...ofPods, ...uplinks, ...ofPods.map((row) => podRow(row, 'shop', row.name))];
    const samples = await scrape();
    const shown = new Set(samples.flatMap(({ labels }) => labels['interface'] ?? []));
    expect([...shown].sort()).toEqual(['pf0vf0', 'zz0', 'zz1']);
    expect(valueOf(samples, 'dpu_agent_interfaces')).toBe(7);
    expect(valueOf(samples, 'dpu_agent_interfaces_without_series')).toBe(4);
  });

  it('leaves pods and whole interfaces out where the configuration says so', async () => {
    const row = portRow('pf0vf3', 0);
    world = await new ApiWorld().serve({ metrics: { representors: true, podLabels: false, representorsMax: 10 } });
    world.rows = [row, podRow(row, 'shop', 'web-0')];
    expect(JSON.stringify(await scrape())).not.toContain('web-0');
    expect(valueOf(await scrape(), 'dpu_agent_interface_packets_total', { direction: 'sent' })).toBe(1_001);
    await world.close();

    world = await new ApiWorld().serve({ metrics: { representors: false, podLabels: true, representorsMax: 10 } });
    world.rows = [row];
    const samples = await scrape();
    expect(samples.some(({ name }) => name.startsWith('dpu_agent_interface_'))).toBe(false);
    expect(valueOf(samples, 'dpu_agent_interfaces_without_series')).toBe(1);
  });

  it('asks the switch nothing', async () => {
    world = await new ApiWorld().serve();
    fill(world);
    await scrape();
    expect(world.switchReads).toBe(0);
  });

  it('tells how old the status, the counters and the lease are', async () => {
    world = await new ApiWorld().serve();
    const nowMs = world.clock.wallMs();
    world.show({
      attach: attachOf(world.clock, { lease: { kind: 'held', renewedWallMs: nowMs - 60_000, message: undefined } }),
    });
    world.rows = [portRow('p0', nowMs - 30_000), portRow('p1', nowMs - 20_000)];
    const samples = await scrape();
    expect(valueOf(samples, 'dpu_agent_counters_age_seconds')).toBeGreaterThanOrEqual(20);
    expect(valueOf(samples, 'dpu_agent_counters_age_seconds')).toBeLessThan(30);
    expect(valueOf(samples, 'dpu_agent_lease_age_seconds')).toBeGreaterThanOrEqual(60);
    expect(valueOf(samples, 'dpu_agent_status_age_seconds')).toBeGreaterThanOrEqual(0);
    expect(valueOf(samples, 'dpu_agent_status_fresh_seconds')).toBe(75);
  });

  it('survives hostile names of interfaces and pods', async () => {
    const hostile = '"} 1\nforged_total 99\n# EOF\\';
    world = await new ApiWorld().serve();
    const row = portRow(hostile, world.clock.wallMs());
    world.rows = [row, podRow(row, hostile, hostile)];
    const samples = await scrape();
    expect(samples.some(({ name }) => name === 'forged_total')).toBe(false);
    const labels = { interface: hostile, namespace: hostile, pod: hostile, direction: 'sent' };
    expect(valueOf(samples, 'dpu_agent_interface_packets_total', labels)).toBe(1_001);
  });

  it('speaks OpenMetrics to those who ask for it', async () => {
    world = await new ApiWorld().serve();
    world.rows = [portRow('p0', world.clock.wallMs())];
    const answer = await world.get('/metrics', { accept: 'application/openmetrics-text; version=1.0.0' });
    const text = await answer.text();
    expect(answer.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(text.endsWith('\n# EOF\n')).toBe(true);
    expect(text.match(/# EOF/g)).toHaveLength(1);
    expect(text).toContain('# TYPE dpu_agent_interface_packets counter\n');
    expect(text).not.toContain('\n\n');
    const plain = await world.get('/metrics');
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(plain.headers.get('vary')).toContain('accept');
  });

  it('compresses for those who take it, and for nobody else', async () => {
    world = await new ApiWorld().serve();
    const plain = await rawRequest(world.port, 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(plain.headers['content-encoding']).toBeUndefined();
    const packed = await rawRequest(
      world.port,
      'GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n',
    );
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(packed.body).toString()).toContain('dpu_agent_ready 1\n');
  });

  it('is made once for all who ask at the same time', async () => {
    world = await new ApiWorld().serve();
    world.rows = Array.from({ length: 500 }, (_, index) => portRow(`p${index}`, 0));
    const exposed = await Promise.all(Array.from({ length: 10 }, () => scrape()));
    expect(exposed).toHaveLength(10);
    expect(world.statsReads).toBeLessThan(10);
  });

  it('knows the facts of the node from the first one on', async () => {
    world = await new ApiWorld().serve();
    expect(valueOf(await scrape(), 'dpu_agent_node_info')).toBe(1);
  });

  it('reads the facts once Open vSwitch can be read, not before', async () => {
    world = new ApiWorld();
    let reads = 0;
    const { view } = world;
    const node = {
      facts: () => {
        reads += 1;
        return view.node.facts();
      },
    };
    world.show({ ovsdb: { kind: 'connecting', code: undefined, message: 'nobody listens' } });
    await world.serve({ view: { ...view, node } });
    expect(reads).toBe(0);
    world.show({ ovsdb: { kind: 'synced', endpoint: 'unix:/run/db.sock' } });
    world.show({});
    expect(reads).toBe(1);
  });

  it('goes on without the facts of the node', async () => {
    world = new ApiWorld();
    const view = { ...world.view, node: { facts: () => Promise.reject(new Error('no DMI')) } };
    await world.serve({ view });
    expect(valueOf(await scrape(), 'dpu_agent_ready')).toBe(1);
    expect(valueOf(await scrape(), 'dpu_agent_build_info', { version: '1.2.3' })).toBe(1);
  });
});

const intentOf = (owner: string) => ({
  owner,
  generation: 3n,
  idempotencyKey: '',
  bundle: { bridges: [], ports: [], chains: [], attachments: [] },
  isDryRun: false,
  actor: 'test',
});

/** Something of everything. */
function fill(target: ApiWorld): void {
  const { clock, book, journal, desk } = target;
  const port = portRow('pf0vf1', clock.wallMs());
  target.rows = [port, podRow(port, 'shop', 'web-0')];
  target.sessions = [{ protocol: 'ovsdb', peer: 'Open_vSwitch', isUp: true, connects: 1, failures: 0 }];
  target.offloadRows = [
    measuredRow('port', 'pf0vf1', 'pf0vf1', byCounters),
    measuredRow('attachment', 'shop/web-0', 'pf0vf1', byCounters),
    measuredRow('chain', 'fw', '', byCounters),
  ];
  target.offload = supervised();
  const recorder = book.recorder('ports');
  recorder.round(1);
  recorder.took('plan', 2);
  recorder.wrote(['createPort']);
  book.setFlows(() => new Map([['br-sfc', [1, 2]]]));
  journal.add({ wallMs: 1, summary: 's', details: [], outcome: 'applied', message: undefined, tookMs: 1 });
  void desk.apply(intentOf('fleet'));
  const device: Netdev = { ...netdev('pf0vf1'), kind: 'hostVf' };
  target.put({ kind: 'representor', netdev: device, bridge: 'br-int' }, 'pf0vf1');
  target.put(attachmentFacts, 'shop/web-0');
  target.show({
    conditions: [
      { object: { kind: 'chain', name: 'fw' }, state: 'failed', reason: 'NotApplied', message: '', evidence: {} },
    ],
    findings: [{ reason: 'NotApplied', object: { kind: 'bridge', name: 'b' }, message: '', claimants: [], remedy: '' }],
    attach: attachOf(clock),
  });
}

const attachmentFacts = {
  kind: 'attachment',
  namespace: 'shop',
  pod: 'web-0',
  podUid: 'u',
  view: {
    nadKey: 'default',
    state: 'ready',
    reason: 'Ready',
    message: '',
    pf: 0,
    vf: 1,
    sandboxId: undefined,
    ifaceId: undefined,
    device: 'pf0vf1',
    heldBy: undefined,
    isPlugged: true,
    evidence: {},
    sinceWallMs: 1,
    readyWallMs: 1,
    lostWallMs: undefined,
    shown: undefined,
    wanted: undefined,
  },
} as const;
