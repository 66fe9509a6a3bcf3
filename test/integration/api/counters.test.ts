/** Counters of a real Open vSwitch: what the agent shows is what ovs-vsctl and ovs-ofctl show, after real packets. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChainCounters } from '../../../src/adapters/chain-counters.js';
import { InterfaceCounters } from '../../../src/adapters/interface-counters.js';
import { monitoredColumns, OvsdbStore } from '../../../src/adapters/ovsdb-store.js';
import type { StatsRow } from '../../../src/agent/api-view.js';
import { OffloadDesk } from '../../../src/agent/offload-desk.js';
import { StatsDesk } from '../../../src/agent/stats-desk.js';
import type { InterfaceReading } from '../../../src/agent/stats-ports.js';
import type { ChainView } from '../../../src/chain/chain-view.js';
import type { OpenVswitchDatabase } from '../../../src/gen/open-vswitch.js';
import { systemClock } from '../../../src/lib/clock.js';
import { OvsdbClient } from '../../../src/ovsdb/index.js';
import { portView, switchView } from '../../chain/chain-shapes.js';
import { eventually } from '../lab/daemon.js';
import { OvsLab } from '../lab/ovs.js';

const frame =
  'in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)';

/** `{rx_bytes=0, rx_packets=3}` of ovs-vsctl. */
function parseMap(text: string): Readonly<Record<string, bigint>> {
  const pairs = [...text.matchAll(/([a-z0-9_]+)=(-?[0-9]+)/g)].map(([, key = '', value = '']) => [key, BigInt(value)]);
  return Object.fromEntries(pairs) as Record<string, bigint>;
}

function flat(reading: Pick<InterfaceReading, 'received' | 'sent'> | undefined): object | undefined {
  if (reading === undefined) return undefined;
  const { received, sent } = reading;
  return {
    rx_packets: received.packets,
    rx_bytes: received.bytes,
    rx_dropped: received.drops,
    rx_errors: received.errors,
    tx_packets: sent.packets,
    tx_bytes: sent.bytes,
    tx_dropped: sent.drops,
    tx_errors: sent.errors,
  };
}

const shownKeys = ['packets', 'bytes', 'dropped', 'errors'].flatMap((key) => [`rx_${key}`, `tx_${key}`]);

describe('counters of a real Open vSwitch', () => {
  let lab: OvsLab;
  let counters: InterfaceCounters;
  let client: OvsdbClient<OpenVswitchDatabase>;
  let store: OvsdbStore;
  const options = { clock: systemClock, random: Math.random };

  const witness = async (name: string): Promise<Readonly<Record<string, bigint>>> =>
    parseMap(await lab.vsctl('get', 'Interface', name, 'statistics'));
  const inject = async (port: string, count: number): Promise<void> => {
    for (let sent = 0; sent < count; sent += 1) await lab.appctl('netdev-dummy/receive', port, frame);
  };
  const chain: ChainView = {
    intent: { name: 'c', bridge: 'br0' },
    switches: [switchView(0, portView('a', 11), portView('b', 12))],
  };
  const desk = (chainCounters: ChainCounters, chains: readonly ChainView[]): StatsDesk =>
    new StatsDesk({ store, counters, chainCounters, pods: () => [], chains: () => chains, clock: systemClock });

  beforeAll(async () => {
    lab = await OvsLab.start({ vswitchd: true });
    await lab.vsctl('add-br', 'br0', '--', 'set', 'Bridge', 'br0', 'datapath_type=netdev', 'fail_mode=secure');
    for (const [name, ofport] of [
      ['a', 11],
      ['b', 12],
    ] as const) {
      await lab.vsctl(
        'add-port',
        'br0',
        name,
        '--',
        'set',
        'Interface',
        name,
        'type=dummy',
        `ofport_request=${ofport}`,
      );
    }
    await lab.ofctl('add-flow', `${lab.runDir}/br0.mgmt`, 'in_port=11,actions=output:12');
    counters = new InterfaceCounters({ ...options, endpoints: [`unix:${lab.socket}`] });
    counters.start();
    client = new OvsdbClient<OpenVswitchDatabase>({
      ...options,
      endpoints: [`unix:${lab.socket}`],
      database: 'Open_vSwitch',
      monitor: Object.fromEntries(Object.entries(monitoredColumns).map(([table, columns]) => [table, { columns }])),
    });
    client.start();
    store = new OvsdbStore(client, 10_000, undefined);
    await eventually(() => store.snapshot(), 'the database is read');
  });

  afterAll(async () => {
    await Promise.all([counters.close(), client.close()]);
    await lab.stop();
  });

  it('are those of the database, received and sent, and unknown where it has none', async () => {
    await inject('a', 7);
    await eventually(async () => (await witness('b'))['tx_packets'] === 7n, 'the database has the counters', 30_000);
    const wanted = await Promise.all(['a', 'b'].map(witness));
    await eventually(() => counters.reading('b')?.sent.packets === 7n, 'the agent has them');
    for (const [index, name] of ['a', 'b'].entries()) {
      const all = wanted[index] ?? {};
      const shown = Object.fromEntries(shownKeys.map((key) => [key, all[key]]));
      expect(flat(counters.reading(name))).toEqual(shown);
    }
    expect(counters.reading('a')?.received.packets).toBe(7n);
    expect(counters.problem()).toBeUndefined();
    expect(counters.reading('none')).toBeUndefined();
  });

  it('have a row for each interface, with its bridge, and one for each port of a chain, live', async () => {
    using chainCounters = Object.assign(new ChainCounters({ ...options, runDir: lab.runDir }), {
      [Symbol.dispose](this: ChainCounters) {
        this.close();
      },
    });
    await inject('a', 1);
    const all = { ports: true, attachments: true, chains: true, names: new Set<string>() };
    const live = await eventually(async () => {
      const answer = await desk(chainCounters, [chain]).read(all, AbortSignal.timeout(20_000));
      const row = answer.rows.find(({ key }) => key === 'chain/c/1/a');
      return row !== undefined && (row.received.packets ?? 0n) >= 8n && answer;
    }, 'the switch has counted');
    expect(live.problems).toEqual([]);
    expect(live.rows.map(({ key, bridge }) => [key, bridge]).sort()).toEqual([
      ['chain/c/1/a', 'br0'],
      ['chain/c/1/b', 'br0'],
      ['port/a', 'br0'],
      ['port/b', 'br0'],
      ['port/br0', 'br0'],
    ]);
    const counted = await lab.ofctl('dump-ports', `${lab.runDir}/br0.mgmt`, '11');
    expect(counted).toMatch(new RegExp(`rx pkts=${rowOf(live.rows, 'chain/c/1/a').received.packets}, `));
  });

  it('of a bridge that does not answer are a problem, and the other rows are there', async () => {
    const chainCounters = new ChainCounters({ ...options, runDir: lab.runDir });
    const gone: ChainView = { ...chain, intent: { name: 'd', bridge: 'br-none' } };
    const all = { ports: true, attachments: false, chains: true, names: new Set<string>() };
    for (let round = 0; round < 2; round += 1) {
      const answer = await desk(chainCounters, [chain, gone]).read(all, AbortSignal.timeout(20_000));
      expect(answer.problems).toEqual([expect.stringContaining('Bridge br-none does not tell its counters')]);
      expect(answer.rows.map(({ key }) => key)).toEqual(expect.arrayContaining(['port/a', 'chain/c/1/a']));
    }
    chainCounters.close();
    const closed = await chainCounters.look([chain]);
    expect(closed.bridges.size).toBe(0);
  });

  it('of an interface that was removed are gone, and start anew with one of the same name', async () => {
    await lab.vsctl('add-port', 'br0', 'x', '--', 'set', 'Interface', 'x', 'type=dummy', 'ofport_request=13');
    await eventually(() => counters.reading('x'), 'it is seen');
    await lab.vsctl('del-port', 'br0', 'x');
    await eventually(() => counters.reading('x') === undefined, 'it is gone');
    await lab.vsctl('add-port', 'br0', 'x', '--', 'set', 'Interface', 'x', 'type=dummy', 'ofport_request=13');
    await eventually(() => counters.reading('x'), 'it is seen again');
    await lab.vsctl('del-port', 'br0', 'x');
  });

  it('of a plugged interface begin with nothing, whatever the device has counted before', async () => {
    await inject('a', 3);
    await eventually(() => (counters.reading('a')?.received.packets ?? 0n) >= 11n, 'they are counted', 30_000);
    const before = counters.reading('a')?.received.packets ?? 0n;
    await lab.vsctl('set', 'Interface', 'a', 'external_ids:iface-id=ns_next', 'external_ids:iface-id-ver=u2');
    await eventually(() => counters.reading('a')?.plugged === undefined, 'the change is seen');
    await inject('a', 1);
    await eventually(() => counters.reading('a')?.plugged, 'counting begins', 30_000);
    await inject('a', 2);
    await eventually(() => counters.reading('a')?.received.packets === before + 3n, 'all is counted', 30_000);
    expect(counters.reading('a')?.plugged?.received.packets).toBeLessThanOrEqual(3n);
  });

  it('are software for certain on this switch, and the facts of Open vSwitch are those of the database', async () => {
    const offload = new OffloadDesk({ store, pods: () => [], chains: () => [chain] });
    expect(offload.status()).toMatchObject({ engine: 'userspace', isConfigured: false });
    expect(offload.rows().map(({ key, verdict, reason }) => [key, verdict, reason])).toEqual(
      expect.arrayContaining([
        ['port/a', 'software', 'EngineIsSoftware'],
        ['chain/c', 'software', 'EngineIsSoftware'],
      ]),
    );
    // It is ovs-ctl that writes the version, and vswitchd that says which DPDK it has.
    await lab.vsctl('set', 'Open_vSwitch', '.', 'ovs_version=9.9.9', 'other_config:tc-policy=none');
    await eventually(() => store.snapshot()?.root.ovsVersion === '9.9.9', 'the version is seen');
    expect(['', '[]', 'none']).toContain(
      (await lab.vsctl('get', 'Open_vSwitch', '.', 'dpdk_version')).trim().replaceAll('"', ''),
    );
    expect(store.snapshot()?.root).toMatchObject({ dpdkVersion: undefined, docaVersion: undefined });
    expect([...offload.status().settings]).toEqual([['tc-policy', 'none']]);
    const schema = (await lab.rawCall('get_schema', ['Open_vSwitch'])) as { readonly version: string };
    expect(store.schemaVersion()).toBe(schema.version);
  });

  it('stay as they were while the database is away, and that is said', async () => {
    const before = counters.reading('a');
    await lab.killOvsdbServer('SIGTERM');
    await eventually(() => counters.problem(), 'the loss is seen');
    expect(counters.problem()).toContain('not followed now');
    expect(counters.reading('a')).toBe(before);
    await lab.startOvsdbServer();
    await eventually(() => counters.problem() === undefined, 'it is back');
  });
});

function rowOf(rows: readonly StatsRow[], key: string): StatsRow {
  const row = rows.find((entry) => entry.key === key);
  if (row === undefined) throw new Error(`no row ${key}`);
  return row;
}
