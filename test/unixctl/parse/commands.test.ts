/** What each parser makes of what a daemon printed. */
import { describe, expect, it } from 'vitest';
import * as unixctl from '../../../src/unixctl/index.js';
import { fixture, fixtures, releases } from '../../fakes/unixctl-fixture.js';

const clean = { count: 0, first: [] };

describe('every fixture', () => {
  it('says where it is from', () => {
    const wrong = [...fixtures()].filter(([name, line]) =>
      name.startsWith('by-hand/')
        ? !line.startsWith('# written by hand from the documented shape')
        : !/^# recorded from Open vSwitch \d\.\d\.0, ports of type /.test(line),
    );
    expect(wrong).toEqual([]);
  });
});

describe.each(releases)('of Open vSwitch %s', (release) => {
  const text = (name: string): string => fixture(`ovs-${release}/${name}`);

  it('dpctl/show gives datapaths, ports and their counters', () => {
    const { datapaths, unknown } = unixctl.parseDatapathShow(text('show-s'));
    expect(unknown).toEqual(clean);
    expect(datapaths).toMatchObject([{ name: 'dummy@ovs-dummy', missed: 4, lost: 0, flows: 4, masks: undefined }]);
    expect(datapaths[0]?.hit).toBe(release === '4.0' ? 10 : 20);
    expect(datapaths[0]?.ports.length).toBe(8);
    expect(datapaths[0]?.ports.at(-1)).toMatchObject({
      number: 7,
      name: 'p0_if',
      type: 'dummy-pmd',
      rx: { packets: 0, bytes: 0, errors: undefined, dropped: undefined },
      tx: { packets: 12, bytes: 1272 },
      upcallPackets: undefined,
    });
    expect(datapaths[0]?.ports.at(-1)?.config.get('ifindex')).toBe('1200');
  });

  it('upcall/show gives flows and limits', () => {
    expect(unixctl.parseUpcallShow(text('upcall-show'))).toEqual({
      datapaths: [
        {
          name: 'dummy@ovs-dummy',
          flows: 4,
          flowsMean: 3,
          flowsMax: 4,
          flowLimit: 10000,
          offloaded: 0,
          dumpMs: 1,
          isUfidEnabled: true,
          keys: [4],
        },
      ],
      unknown: clean,
    });
  });

  it('coverage/show gives the counters', () => {
    const { counters, neverHit, unknown } = unixctl.parseCoverage(text('coverage-show'));
    expect(unknown).toEqual(clean);
    expect(counters.get('bridge_reconfigure')).toEqual({ total: 7, perSecond5s: 0, perSecond1m: 0, perSecond1h: 0 });
    expect(counters.get('netlink_sent')?.total).toBe({ '3.1': 9, '3.5': 11, '4.0': 14 }[release]);
    expect(counters.size).toBe(text('coverage-show').split('total:').length - 1);
    expect(neverHit).toBeGreaterThan(100);
  });

  it('memory/show gives counts by kind', () => {
    const { counts, unknown } = unixctl.parseMemoryShow(text('memory-show'));
    expect(unknown).toEqual(clean);
    const handlers = release === '3.1' ? { handlers: 1 } : {};
    expect(Object.fromEntries(counts)).toEqual({
      ...handlers,
      'idl-cells-Open_vSwitch': 710,
      ports: 11,
      revalidators: 1,
      rules: 18,
      'udpif keys': 4,
    });
  });

  it('pmd-perf-show gives threads', () => {
    const { threads, unknown } = unixctl.parsePmdPerf(text('pmd-perf-show'));
    expect(unknown).toEqual(clean);
    const rxPackets = release === '4.0' ? 8 : 18;
    expect(threads[0]).toMatchObject({
      core: 0,
      numaNode: 0,
      rxPackets,
      txPackets: rxPackets,
      upcalls: 4,
      upcallsLost: 0,
    });
    expect(threads[0]?.hardwareMarkHits).toBe(release === '4.0' ? 5 : 15);
    expect(threads[0]?.durationS).toBeGreaterThan(2);
    expect(threads[0]?.iterations).toBe((threads[0]?.iterationsIdle ?? 0) + (threads[0]?.iterationsBusy ?? 0));
    if (release === '3.1') expect(threads[0]?.busyPercent).toBe(2.2);
    if (release === '4.0') expect(threads[1]).toMatchObject({ core: 'main', rxPackets: 0, upcalls: undefined });
  });

  it('pmd-rxq-show gives queues', () => {
    const { windowS, threads, unknown } = unixctl.parsePmdRxq(text('pmd-rxq-show'));
    expect([windowS, unknown]).toEqual([60, clean]);
    expect(threads).toMatchObject([{ core: 0, numaNode: 0, isIsolated: false, overheadPercent: undefined }]);
    expect(threads[0]?.queues.map(({ port }) => port)).toEqual(['p0_if', 'pf0vf3', 'pf0vf4', 'pf0vf5']);
    expect(threads[0]?.queues[0]).toEqual({ port: 'p0_if', queue: 0, isEnabled: true, usagePercent: undefined });
  });

  it('offload-stats-show gives what it has', () => {
    const { providers, unknown } = unixctl.parseOffloadStats(text('offload-stats-show'));
    expect(unknown).toEqual(clean);
    if (release === '4.0') {
      expect(providers.map(({ provider, datapath, total }) => [provider, datapath, total.ports])).toEqual([
        ['dummy', 'dummy@ovs-dummy', 8],
        ['dummy_x', 'dummy@ovs-dummy', 0],
      ]);
    } else {
      const latencyMeanUs = release === '3.1' ? 7267 : 5194;
      expect(providers).toMatchObject([
        { provider: undefined, total: { enqueued: 0, inserted: 0, latencyMeanUs, ports: undefined } },
      ]);
      expect(providers[0]?.threads).toMatchObject([{ thread: 0, inserted: 0, latencyMeanUs }]);
    }
  });

  it('bridge/dump-flows gives rules and their part in hardware', () => {
    const { flows, unknown } = unixctl.parseBridgeFlows(text('bridge-dump-flows'));
    expect(unknown).toEqual(clean);
    const offloadPackets = release === '4.0' ? 3 : 0;
    expect(flows[0]).toEqual({
      table: 0,
      durationS: 3,
      packets: 10,
      bytes: 1060,
      offloadPackets,
      offloadBytes: offloadPackets * 106,
      match: 'priority=10,in_port=3',
      actions: 'output:4',
    });
    expect(flows.filter(({ table }) => table === 254).length).toBe(4);
  });

  it('list-commands gives names', () => {
    const commands = unixctl.parseCommandList(text('list-commands'));
    expect(commands.get('coverage/read-counter')).toBe('COUNTER');
    expect(commands.has('dpif/offload/show')).toBe(release === '4.0');
    expect(commands.has('dpif-netdev/pmd-stats-show')).toBe(release !== '4.0');
    expect(commands.size).toBe(
      text('list-commands')
        .split('\n')
        .filter((line) => line.startsWith('  ')).length,
    );
  });

  it('ct-stats-show gives connections', () => {
    const stats = unixctl.parseCtStats(text('ct-stats-show'));
    expect(stats).toMatchObject({ total: 1, protocols: new Map([['UDP', 1]]), unknown: clean });
  });
});

describe('of one release only', () => {
  it('pmd-stats-show gives threads up to 3.7', () => {
    const of = (name: string): unixctl.PmdStatsShow => unixctl.parsePmdStats(fixture(name));
    for (const release of ['3.1', '3.5']) {
      const { threads, unknown } = of(`ovs-${release}/pmd-stats-show`);
      expect(unknown).toEqual(clean);
      expect(threads).toMatchObject([
        { core: 0, packetsReceived: 18, recirculations: 6, hardwareMarkHits: 15, upcalls: 4, upcallsFailed: 0 },
        { core: 'main', numaNode: undefined, packetsReceived: 0, idleCycles: undefined },
      ]);
      expect(threads[0]?.busyCycles).toBe(release === '3.1' ? 139262708 : 16316560);
    }
    expect(of('ovs-3.1-dummy/pmd-stats-show').threads).toMatchObject([{ core: 'main', megaflowHits: 5 }]);
  });

  it('4.0 answers pmd-stats-show with the text of pmd-perf-show', () => {
    expect(unixctl.parsePmdPerf(fixture('ovs-4.0/pmd-stats-show')).unknown).toEqual(clean);
  });

  it('dpif/offload/show tells whether offload is in effect', () => {
    const { isEnabled, datapaths, unknown } = unixctl.parseOffloadShow(fixture('ovs-4.0/offload-show'));
    expect([isEnabled, unknown]).toEqual([true, clean]);
    expect(datapaths.map(({ name }) => name)).toEqual(['dummy@ovs-dummy']);
    expect(datapaths[0]?.providers.map(({ name, ports }) => [name, ports.length])).toEqual([
      ['dummy', 8],
      ['dummy_x', 0],
    ]);
    const port = datapaths[0]?.providers[0]?.ports.find(({ name }) => name === 'pf0vf4');
    expect(port?.portNumber).toBe(6);
    expect(port?.figures.get('rx_offload_partial')).toBe(5);
  });

  it('reads what only 3.1 was asked', () => {
    const text = (name: string): string => fixture(`ovs-3.1/${name}`);
    expect(unixctl.parseVersion(text('version'))).toEqual({ program: 'ovs-vswitchd', version: '3.1.0' });
    const { datapaths, unknown } = unixctl.parseDpifShow(text('dpif-show'));
    expect(unknown).toEqual(clean);
    expect(datapaths).toMatchObject([{ name: 'netdev@ovs-netdev', bridges: [{ name: 'br0' }, { name: 'br1' }] }]);
    expect(datapaths[0]?.bridges[0]?.ports.slice(1, 3)).toMatchObject([
      { name: 'p0', ofport: 1, portNumber: 2, type: 'dummy-pmd' },
      { name: 'patch0', ofport: 2, portNumber: undefined, type: 'patch', config: new Map([['peer', 'patch1']]) },
    ]);
    expect(unixctl.parseNameList(text('ofproto-list'))).toEqual(['br0', 'br1']);
    expect(unixctl.parseNameList(text('dump-dps'))).toEqual(['netdev@ovs-netdev']);
    expect(unixctl.parseCtCount(text('ct-get-nconns'))).toBe(4);
    expect(unixctl.parseCtCount(text('ct-get-maxconns'))).toBe(3_000_000);
    expect(unixctl.parseCtLimits(text('ct-get-limits'))).toEqual({
      defaultLimit: 0,
      zones: [
        { zone: 1, limit: 0, count: 0 },
        { zone: 7, limit: 0, count: 0 },
      ],
      unknown: clean,
    });
    const { total, protocols, states } = unixctl.parseCtStats(text('ct-stats-show-m'));
    expect([total, [...protocols.values()], [...states]]).toEqual([6, [2, 2, 2], [['TCP/SYN_SENT', 2]]]);
    const features = unixctl.parseDpFeatures(text('show-dp-features'));
    expect(features.unknown).toEqual(clean);
    expect(features.features.get('CT state NAT')).toBe(true);
    expect(features.features.get('Max VLAN headers')).toBe(1);
    expect(unixctl.parseFdbStats(text('fdb-stats-show'))).toEqual({
      bridge: 'br1',
      entries: 0,
      entriesMax: 8192,
      staticEntries: 0,
      learned: 0,
      expired: 0,
      evicted: 0,
      moved: 0,
      unknown: clean,
    });
    expect(unixctl.parseReadCounter(text('coverage-read-counter'))).toBe(2);
  });
});

describe('of documented shapes', () => {
  it('a queue has its share of the thread once there is a measurement', () => {
    const text = [
      'Displaying last 60 seconds pmd usage %',
      'pmd thread numa_id 1 core_id 5:',
      '  isolated : true',
      '  port: p0                queue-id:  0 (enabled)   pmd usage: 12 %',
      '  port: pf0vf3            queue-id: 11 (disabled)  pmd usage:  0 %',
      '  overhead:  4 %',
    ].join('\n');
    expect(unixctl.parsePmdRxq(text)).toMatchObject({
      unknown: clean,
      threads: [
        {
          core: 5,
          numaNode: 1,
          isIsolated: true,
          overheadPercent: 4,
          queues: [{ usagePercent: 12 }, { port: 'pf0vf3', queue: 11, isEnabled: false, usagePercent: 0 }],
        },
      ],
    });
  });

  it('a kernel datapath has masks, caches and ports of many types', () => {
    const { datapaths, unknown } = unixctl.parseDatapathShow(fixture('by-hand/kernel-show'));
    expect(unknown).toEqual(clean);
    expect(datapaths).toMatchObject([{ hit: 123456, lost: 2, masks: 7, maskHits: 250000, cacheHits: 120000 }]);
    expect(datapaths[0]?.ports.map(({ type }) => type)).toEqual(['internal', 'internal', 'system', 'geneve']);
  });

  it('upcall/show prints offloaded flows only when there are some', () => {
    const { datapaths, unknown } = unixctl.parseUpcallShow(fixture('by-hand/kernel-upcall-show'));
    expect(unknown).toEqual(clean);
    expect(datapaths).toMatchObject([{ flows: 42, offloaded: 31, keys: [20, 22] }]);
  });

  it('offload-stats-show of NVIDIA has connections, and absurd figures are none', () => {
    const { providers, unknown } = unixctl.parseOffloadStats(fixture('by-hand/offload-stats-show'));
    expect(unknown).toEqual(clean);
    expect(providers[0]?.total).toMatchObject({
      enqueued: 3,
      inserted: 1187,
      ctUnidirectional: 12,
      ctBidirectional: 48211,
      latencyMeanUs: 41.5,
      latencyMaxUs: 903,
      latencyMinUs: 8,
    });
    expect(providers[0]?.threads).toMatchObject([{ thread: 0, inserted: undefined, ctBidirectional: 48211 }]);
  });

  it('metrics/show is the text format of Prometheus', () => {
    const metrics = unixctl.parseMetrics(fixture('by-hand/metrics-show'));
    expect(metrics.unknown).toEqual(clean);
    expect(metrics.families.get('ovs_vswitchd_datapath_packets_total')).toMatchObject({
      type: 'counter',
      help: 'Packets of this datapath.',
      samples: [{ value: 226700582 }],
    });
    expect(unixctl.sumOf(metrics, 'ovs_vswitchd_interface_rx_packets_total')).toBe(918280);
    expect(unixctl.sumOf(metrics, 'ovs_vswitchd_interface_rx_packets_total', { name: 'odd"name\\' })).toBe(7);
    expect(unixctl.sumOf(metrics, 'ovs_vswitchd_memory_rules')).toBe(4711);
    expect(unixctl.sumOf(metrics, 'nonesuch')).toBeUndefined();
  });

  it('ofproto/detrace names the rules, groups and misses of each bridge', () => {
    const { entries, notFound, notKept, unknown } = unixctl.parseDetrace(fixture('by-hand/detrace'));
    expect(unknown).toEqual(clean);
    expect(entries.map(({ bridge, kind }) => `${bridge} ${kind}`)).toEqual([
      'br0 rule',
      'br0 group',
      'br1 rule',
      'br0 miss',
      'br0 rule',
    ]);
    expect(entries[3]?.text).toBe('table_id=0, no match');
    expect([notFound, notKept]).toEqual([['system@ovs-system'], []]);
    expect(unixctl.parseDetrace('Cache was not found for netdev@ovs-netdev\n')).toEqual({
      entries: [],
      notFound: [],
      notKept: ['netdev@ovs-netdev'],
      unknown: clean,
    });
  });

  it('DPDK tells its heaps, DOCA its pipes', () => {
    expect(unixctl.parseMallocStats(fixture('by-hand/get-malloc-stats'))).toMatchObject({
      heaps: [{ id: 0, name: 'socket_0', size: 2 ** 30, greatestFreeSize: 2 ** 28, allocationCount: 4711 }],
      unknown: clean,
    });
    expect(unixctl.parsePipeGroups(fixture('by-hand/pipe-group-dump'))).toEqual({
      groups: new Map([
        ['0x0', 3],
        ['0x7', 1],
      ]),
      templateCount: 2,
      unknown: clean,
    });
  });
});
