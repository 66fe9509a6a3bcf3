/** Every command that is parsed, asked of a real daemon; ovs-appctl and searching in its text are the witnesses. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as unixctl from '../../../src/unixctl/index.js';
import { Daemon, eventually } from '../lab/daemon.js';
import { daemonArgs, type OvsLab } from '../lab/ovs.js';
import { ports, sendPackets, startSwitch } from './traffic.js';

let lab: OvsLab;
let session: unixctl.UnixctlSession;

beforeAll(async () => {
  lab = await startSwitch();
  await sendPackets(lab, 5);
  // A thread's counts are added to the totals once a second.
  await eventually(async () => (await lab.appctl('coverage/show')).includes('bridge_reconfigure '), 'counts');
  // What moves by itself (flows that expire) would differ between two questions.
  await lab.appctl('time/stop');
  session = new unixctl.UnixctlSession(lab.runDir);
});

afterAll(async () => {
  session.close();
  await lab.stop();
});

const clean = { count: 0, first: [] };

/** The numbers that stand behind a text, as `grep -o` would find them. */
const numbersAfter = (text: string, pattern: RegExp): readonly number[] =>
  [...text.matchAll(pattern)].map((match) => Number(match[1]));

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('a real daemon with packets in its userspace datapath', () => {
  it('dumps its flows, and packets and bytes add up to what is printed', async () => {
    const printed = await lab.appctl('dpctl/dump-flows', '-m');
    const parser = new unixctl.FlowDumpParser();
    const flows: unixctl.DatapathFlow[] = [];
    for await (const line of session.stream('dpctl/dump-flows', ['-m']))
      flows.push(...[parser.push(line) ?? []].flat());
    expect(parser.counts).toMatchObject({ unknown: clean, unknownFields: clean });
    expect(flows.length).toBe(numbersAfter(printed, / packets:(\d+)/g).length);
    expect(flows.length).toBeGreaterThan(2);
    expect(sum(flows.map(({ packets }) => packets))).toBe(sum(numbersAfter(printed, / packets:(\d+)/g)));
    expect(sum(flows.map(({ bytes }) => bytes))).toBe(sum(numbersAfter(printed, / bytes:(\d+)/g)));
    for (const flow of flows) {
      expect(printed).toContain(`ufid:${flow.ufid}, ${flow.match}, `);
      expect(printed).toContain(`actions:${flow.actions},`);
      expect(ports).toContain(flow.inPort);
    }
  });

  it('dumps the same flows by numbers', async () => {
    const printed = await lab.appctl('dpctl/dump-flows');
    const dump = unixctl.parseFlowDump(await session.call('dpctl/dump-flows'));
    expect(dump).toMatchObject({ unknown: clean, unknownFields: clean });
    expect(dump.flows).toBe(printed.split('actions:').length - 1);
  });

  it('shows the datapath and its ports', async () => {
    const printed = await lab.appctl('dpctl/show', '-s');
    const { datapaths, unknown } = unixctl.parseDatapathShow(await session.call('dpctl/show', ['-s']));
    expect(unknown).toEqual(clean);
    const datapath = datapaths[0]!;
    expect([datapath.hit, datapath.missed, datapath.lost]).toEqual(
      ['hit', 'missed', 'lost'].map((name) => numbersAfter(printed, new RegExp(` ${name}:(\\d+)`, 'g'))[0]),
    );
    expect(datapath.flows).toBe(numbersAfter(printed, /flows: (\d+)/g)[0]);
    expect(datapath.ports.map(({ number }) => number)).toEqual(numbersAfter(printed, /port (\d+):/g));
    expect(sum(datapath.ports.map(({ rx }) => rx?.packets ?? 0))).toBe(sum(numbersAfter(printed, /RX packets:(\d+)/g)));
    expect(sum(datapath.ports.map(({ tx }) => tx?.bytes ?? 0))).toBe(sum(numbersAfter(printed, /TX bytes:(\d+)/g)));
    expect(datapath.ports.find(({ name }) => name === 'pf0vf3')?.rx?.packets).toBe(6);
  });

  it('shows its flow limit', async () => {
    const printed = await lab.appctl('upcall/show');
    const { datapaths, unknown } = unixctl.parseUpcallShow(await session.call('upcall/show'));
    expect(unknown).toEqual(clean);
    expect(datapaths[0]?.flows).toBe(numbersAfter(printed, /current (\d+)/g)[0]);
    expect(datapaths[0]?.flowLimit).toBe(numbersAfter(printed, /limit (\d+)/g)[0]);
    expect(datapaths[0]?.keys).toEqual(numbersAfter(printed, /keys (\d+)/g));
  });

  it('counts its code', async () => {
    const { counters, neverHit, unknown } = unixctl.parseCoverage(await session.call('coverage/show'));
    expect(unknown).toEqual(clean);
    // Nobody reconfigures the switch any more.
    const reconfigured = Number(await lab.appctl('coverage/read-counter', 'bridge_reconfigure'));
    expect(counters.get('bridge_reconfigure')?.total).toBe(reconfigured);
    expect(unixctl.parseReadCounter(await session.call('coverage/read-counter', ['bridge_reconfigure']))).toBe(
      reconfigured,
    );
    expect(neverHit).toBeGreaterThan(0);
  });

  it('tells its memory', async () => {
    const printed = await lab.appctl('memory/show');
    const { counts, unknown } = unixctl.parseMemoryShow(await session.call('memory/show'));
    expect(unknown).toEqual(clean);
    for (const kind of ['ports', 'rules', 'revalidators', 'udpif keys']) {
      expect(counts.get(kind)).toBe(numbersAfter(printed, new RegExp(`${kind}:(\\d+)`, 'g'))[0]);
    }
  });

  it('tells what its threads do', async () => {
    const stats = unixctl.parsePmdStats(await session.call('dpif-netdev/pmd-stats-show'));
    const printed = await lab.appctl('dpif-netdev/pmd-stats-show');
    expect(stats.unknown).toEqual(clean);
    const of = (pattern: RegExp): number => sum(numbersAfter(printed, pattern));
    expect(sum(stats.threads.map(({ packetsReceived }) => packetsReceived ?? 0))).toBe(of(/packets received: (\d+)/g));
    expect(sum(stats.threads.map(({ upcalls }) => upcalls ?? 0))).toBe(of(/success upcall: (\d+)/g));
    expect(of(/packets received: (\d+)/g)).toBe(11);

    const perf = unixctl.parsePmdPerf(await session.call('dpif-netdev/pmd-perf-show', ['-nh']));
    expect(perf.unknown).toEqual(clean);
    const perfPrinted = await lab.appctl('dpif-netdev/pmd-perf-show', '-nh');
    expect(perf.threads[0]?.rxPackets).toBe(numbersAfter(perfPrinted, /Rx packets: +(\d+)/g)[0]);
    expect(perf.threads[0]?.upcalls).toBe(numbersAfter(perfPrinted, / Upcalls: +(\d+)/g)[0]);

    const rxq = unixctl.parsePmdRxq(await session.call('dpif-netdev/pmd-rxq-show'));
    expect(rxq.unknown).toEqual(clean);
    expect(rxq.threads.flatMap(({ queues }) => queues.map(({ port }) => port)).sort()).toEqual([...ports].sort());
  });

  it('tells what is offloaded, in the words of its release', async () => {
    const stats = unixctl.parseOffloadStats(await session.call('dpctl/offload-stats-show'));
    expect(stats.unknown).toEqual(clean);
    expect(stats.providers.length).toBeGreaterThan(0);
    if (!(await session.has('dpif/offload/show'))) return;
    const show = unixctl.parseOffloadShow(await session.call('dpif/offload/show'));
    expect(show).toMatchObject({ isEnabled: true, unknown: clean });
  });

  it('names its bridges, ports and datapaths', async () => {
    const { datapaths, unknown } = unixctl.parseDpifShow(await session.call('dpif/show'));
    expect(unknown).toEqual(clean);
    const bridge = datapaths[0]?.bridges[0];
    for (const port of ports) {
      const ofport = Number(await lab.vsctl('get', 'Interface', port, 'ofport'));
      expect(bridge?.ports.find(({ name }) => name === port)?.ofport).toBe(ofport);
    }
    expect(unixctl.parseNameList(await session.call('ofproto/list'))).toEqual(['br-int']);
    expect(unixctl.parseNameList(await session.call('dpctl/dump-dps'))).toEqual([datapaths[0]?.name]);
  });

  it('counts connections', async () => {
    const printed = await lab.appctl('dpctl/dump-conntrack');
    const total = printed.split('\n').filter((line) => line !== '').length;
    expect(total).toBe(6);
    expect(unixctl.parseCtCount(await session.call('dpctl/ct-get-nconns'))).toBe(total);
    expect(unixctl.parseCtCount(await session.call('dpctl/ct-get-maxconns'))).toBe(
      Number(await lab.appctl('dpctl/ct-get-maxconns')),
    );
    const protocols = new Map([
      ['TCP', 1],
      ['UDP', 5],
    ]);
    const stats = unixctl.parseCtStats(await session.call('dpctl/ct-stats-show'));
    expect(stats).toMatchObject({ total, protocols, unknown: clean });
    const verbose = unixctl.parseCtStats(await session.call('dpctl/ct-stats-show', ['-m']));
    expect(verbose).toMatchObject({ total, protocols, states: new Map([['TCP/SYN_SENT', 1]]), unknown: clean });
    expect(unixctl.parseCtLimits(await session.call('dpctl/ct-get-limits', ['zone=7']))).toMatchObject({
      defaultLimit: 0,
      zones: [{ zone: 7 }],
      unknown: clean,
    });
  });

  it('tells features and learned addresses of a bridge', async () => {
    const printed = await lab.appctl('dpif/show-dp-features', 'br-int');
    const { features, unknown } = unixctl.parseDpFeatures(await session.call('dpif/show-dp-features', ['br-int']));
    expect(unknown).toEqual(clean);
    expect(features.size).toBe(printed.split('\n').filter((line) => line.includes(': ')).length);
    expect(features.get('CT state')).toBe(printed.includes('CT state: Yes'));
    const fdb = unixctl.parseFdbStats(await session.call('fdb/stats-show', ['br-int']));
    expect(fdb).toMatchObject({ bridge: 'br-int', entries: 0, unknown: clean });
  });

  it('dumps the rules of a bridge with their part in hardware', async () => {
    const printed = await lab.appctl('bridge/dump-flows', '--offload-stats', 'br-int');
    const text = await session.call('bridge/dump-flows', ['--offload-stats', 'br-int']);
    const { flows, unknown } = unixctl.parseBridgeFlows(text);
    expect(unknown).toEqual(clean);
    expect(flows.length).toBe(printed.split('actions=').length - 1);
    expect(flows.filter(({ table, match }) => table === 0 && match.includes('in_port=')).length).toBe(5);
    for (const flow of flows) expect(flow.offloadPackets).toBeLessThanOrEqual(flow.packets);
  });

  it('lists its commands, and says its version', async () => {
    const printed = await lab.appctl('list-commands');
    expect((await session.commands()).size).toBe(printed.split('\n').filter((line) => line.startsWith('  ')).length);
    const version = unixctl.parseVersion(await session.call('version'));
    expect(await lab.appctl('version')).toContain(`${version?.program} (Open vSwitch) ${version?.version}`);
  });
});

describe('ovsdb-server', () => {
  it('is asked in the same way', async () => {
    const server = new unixctl.UnixctlSession(lab.runDir, 'ovsdb-server');
    try {
      expect(await server.has('ovsdb-server/list-dbs')).toBe(true);
      expect(await server.has('upcall/show')).toBe(false);
      const { counts, unknown } = unixctl.parseMemoryShow(await server.call('memory/show'));
      expect(unknown).toEqual(clean);
      expect(counts.get('cells')).toBeGreaterThan(0);
      expect(unixctl.parseVersion(await server.call('version'))?.program).toBe('ovsdb-server');
    } finally {
      server.close();
    }
  });
});

describe('ovn-controller', () => {
  it('is asked in the same way', async () => {
    const env = { ...lab.env, OVN_RUNDIR: lab.runDir };
    const controller = new Daemon(
      ['ovn-controller', `unix:${lab.socket}`, ...daemonArgs(lab.dir, 'ovn-controller')],
      env,
    );
    const ovn = new unixctl.UnixctlSession(lab.runDir, 'ovn-controller');
    controller.start();
    try {
      await controller.ready(() =>
        ovn.has('connection-status').catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'NOT_CONNECTED' });
          return false;
        }),
      );
      expect(await ovn.call('connection-status')).toContain('not connected');
      expect(unixctl.parseVersion(await ovn.call('version'))?.program).toBe('ovn-controller');
      expect(unixctl.parseCoverage(await ovn.call('coverage/show')).unknown).toEqual(clean);
    } finally {
      ovn.close();
      await controller.stop();
    }
  });
});
