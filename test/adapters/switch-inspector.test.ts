import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VswitchdInspector } from '../../src/adapters/switch-inspector.js';
import { systemClock } from '../../src/lib/clock.js';
import { line, play, type Script } from '../fakes/scripted-switch.js';
import { FakeDaemon } from '../fakes/unixctl-daemon.js';
import { fixture } from '../fakes/unixctl-fixture.js';
import { eventually } from '../integration/lab/daemon.js';

const signal = new AbortController().signal;
const text = (name: string): string => fixture(`ovs-3.1/${name}`);
const software = { engine: 'userspace', port: () => undefined } as const;
const context = (): typeof software => software;

const dump = 'dpctl/dump-flows -m --names dummy@ovs-dummy';
const softwareDump = `${dump} type=non-offloaded,partially-offloaded`;

/** As 3.1 answers; its datapath is of type `dummy`. */
const script: Script = {
  version: text('version'),
  'upcall/show': text('upcall-show'),
  'coverage/show': text('coverage-show'),
  'dpctl/offload-stats-show dummy@ovs-dummy': text('offload-stats-show'),
  'dpctl/dump-dps': 'dummy@ovs-dummy\n',
  'dpctl/show': text('show-s'),
  'dpctl/ct-get-nconns dummy@ovs-dummy': '7\n',
  'dpctl/ct-get-maxconns dummy@ovs-dummy': '3000000\n',
  'dpif-netdev/pmd-rxq-show ovs-dummy': text('pmd-rxq-show'),
  [dump]: text('dump-flows-m'),
};

let daemon: FakeDaemon;
let inspector: VswitchdInspector;

beforeEach(async () => {
  daemon = await FakeDaemon.start(2 ** 31 - 1);
  play(daemon, script);
  inspector = new VswitchdInspector({ runDir: daemon.dir, clock: systemClock, exporterPort: 0 });
});

afterEach(async () => {
  inspector.close();
  await daemon[Symbol.asyncDispose]();
});

const asked = (): readonly string[] => daemon.asked.map(line);

describe('the cheap reading', () => {
  it('tells each thing in its own fact, what it took, and of whom it is', async () => {
    await utimes(join(daemon.dir, 'ovs-vswitchd.pid'), 1_700_000_000, 1_700_000_000);
    const reading = await inspector.readQuick(signal);
    expect(reading).toMatchObject({
      // Nobody has this pid here: the time of the pid file stands for the start.
      life: { pid: 2 ** 31 - 1, startedMs: 1_700_000_000_000 },
      version: { kind: 'known', value: '3.1.0' },
      upcalls: {
        kind: 'known',
        value: [{ name: 'dummy@ovs-dummy', flows: 4, flowLimit: 10_000, offloaded: 0, dumpMs: 1 }],
      },
      insertion: {
        kind: 'known',
        value: {
          enqueued: 0,
          inserted: 0,
          connectionsBoth: undefined,
          latencyMean: 0.00725,
          latencyDeviation: 0.00383,
        },
      },
      packets: { kind: 'unknown' },
    });
    expect(reading.coverage.kind === 'known' && reading.coverage.value.get('bridge_reconfigure')).toBe(7);
    const { tookMs, mainThreadMs, roundTripMs } = reading.cost;
    expect(roundTripMs).toBeGreaterThan(0);
    expect(mainThreadMs).toBeGreaterThan(roundTripMs);
    expect(tookMs).toBeGreaterThanOrEqual(mainThreadMs);
  });

  it('goes on without what is missing, and without what is refused', async () => {
    play(daemon, { version: 'nonsense', 'upcall/show': { refused: 'not \u001b today' } });
    expect(await inspector.readQuick(signal)).toMatchObject({
      version: { kind: 'unknown', why: 'version names no version' },
      upcalls: { kind: 'unknown', why: 'upcall/show was refused: not \\u001b today' },
      coverage: { kind: 'unknown', why: 'ovs-vswitchd has no command coverage/show' },
      insertion: { kind: 'unknown', why: 'ovs-vswitchd has no command dpctl/offload-stats-show' },
    });
  });

  it('adds up the insertions of all userspace datapaths, and asks no other', async () => {
    const upcalls = ['system@ovs-system', 'netdev@ovs-netdev', 'doca@ovs-doca'].map((name) =>
      text('upcall-show').replace('dummy@ovs-dummy', name),
    );
    const stats = fixture('by-hand/offload-stats-show');
    play(daemon, { 'upcall/show': upcalls.join(''), 'dpctl/offload-stats-show': stats });
    expect((await inspector.readQuick(signal)).insertion).toEqual({
      kind: 'known',
      value: {
        enqueued: 6,
        inserted: 2 * 1187,
        connectionsBoth: 2 * 48_211,
        connectionsOne: 24,
        latencyMean: 39e-6,
        latencyDeviation: 11e-6,
      },
    });
    expect(asked().filter((one) => one.includes('offload-stats'))).toEqual([
      'dpctl/offload-stats-show netdev@ovs-netdev',
      'dpctl/offload-stats-show doca@ovs-doca',
    ]);
  });

  it.each([
    ['ovs-vswitchd: retrieving offload statistics (Invalid argument)', { kind: 'known', value: 'refused' }],
    ['ovs-vswitchd: datapath not found (Invalid argument)', { kind: 'unknown' }],
    ['ovs-vswitchd: retrieving offload statistics (Operation not supported)', { kind: 'unknown' }],
  ])('takes the refusal "%s" for what it is', async (refused, insertion) => {
    play(daemon, { ...script, 'dpctl/offload-stats-show dummy@ovs-dummy': { refused } });
    expect((await inspector.readQuick(signal)).insertion).toMatchObject(insertion);
  });

  it('says that nobody counts insertions where providers tell other figures only', async () => {
    const stats = fixture('ovs-4.0/offload-stats-show');
    play(daemon, { ...script, 'dpctl/offload-stats-show dummy@ovs-dummy': stats });
    expect((await inspector.readQuick(signal)).insertion).toEqual({
      kind: 'unknown',
      why: 'no offload provider counts its insertions',
    });
  });

  it('takes the packets of each datapath from metrics/show where that is there', async () => {
    const metrics = [
      'ovs_vswitchd_datapath_packets_total{datapath="netdev@ovs-netdev"} 100',
      'ovs_vswitchd_datapath_offloaded_packets_total{datapath="netdev@ovs-netdev"} 90',
      'ovs_vswitchd_interface_rx_packets_total{name="p0"} 5',
    ];
    play(daemon, { ...script, 'metrics/show': metrics.join('\n') });
    expect((await inspector.readQuick(signal)).packets).toEqual({
      kind: 'known',
      value: [{ datapath: 'netdev@ovs-netdev', packets: 100, offloadedPackets: 90 }],
    });
    await daemon.die();
    await daemon.listen(43);
    play(daemon, { ...script, 'metrics/show': { refused: 'no' } });
    expect((await inspector.readQuick(signal)).packets).toEqual({
      kind: 'unknown',
      why: 'metrics/show was refused: no',
    });
  });

  it('ends with the connection', async () => {
    play(daemon, { ...script, 'coverage/show': ({ socket }) => socket.destroy() });
    await expect(inspector.readQuick(signal)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    play(daemon, script);
    expect(await inspector.readQuick(signal)).toMatchObject({ coverage: { kind: 'known' } });
  });

  it('never mixes the numbers of two lives', async () => {
    const switchOver = async (request: Parameters<FakeDaemon['answer']>[0]): Promise<void> => {
      // Both answer for a moment: the pid file names the new one already.
      await daemon.listen(43);
      daemon.answer(request, text('version'));
    };
    play(daemon, { ...script, version: (request) => void switchOver(request) });
    await expect(inspector.readQuick(signal)).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: 'ovs-vswitchd was started anew while it was read',
    });
    play(daemon, script);
    expect((await inspector.readQuick(signal)).life.pid).toBe(43);
  });

  it('fails without a daemon', async () => {
    await daemon.die();
    await expect(inspector.readQuick(signal)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });
});

describe('the dearer reading', () => {
  it('tells each thing in its own fact', async () => {
    expect(await inspector.readSlow(signal)).toMatchObject({
      isOffloadEnabled: { kind: 'unknown', why: 'ovs-vswitchd has no command dpif/offload/show' },
      providerByPort: { kind: 'unknown' },
      polledPorts: { kind: 'known', value: new Set(['p0_if', 'pf0vf3', 'pf0vf4', 'pf0vf5']) },
      datapaths: { kind: 'known', value: ['dummy@ovs-dummy'] },
      lookups: { kind: 'known', value: [{ datapath: 'dummy@ovs-dummy' }] },
      heaps: { kind: 'unknown', why: 'ovs-vswitchd has no command dpdk/get-malloc-stats' },
      connections: { kind: 'known', value: [{ table: 'conntrack dummy@ovs-dummy', count: 7, limit: 3_000_000 }] },
      logLines: { kind: 'unknown' },
    });
  });

  it('knows providers and heaps where they are told', async () => {
    play(daemon, {
      ...script,
      'dpif/offload/show': fixture('ovs-4.0/offload-show'),
      'dpdk/get-malloc-stats': fixture('by-hand/get-malloc-stats'),
    });
    const { isOffloadEnabled, providerByPort, heaps } = await inspector.readSlow(signal);
    expect(isOffloadEnabled).toEqual({ kind: 'known', value: true });
    expect(providerByPort.kind === 'known' && providerByPort.value.get('pf0vf5')).toBe('dummy');
    expect(heaps).toEqual({ kind: 'known', value: [{ name: 'socket_0', size: 2 ** 30, free: 2 ** 29 }] });
  });

  it('says why where the kernel alone forwards', async () => {
    play(daemon, { ...script, 'dpctl/dump-dps': 'system@ovs-system\n' });
    const { polledPorts, connections } = await inspector.readSlow(signal);
    expect([polledPorts.kind, connections.kind]).toEqual(['unknown', 'unknown']);
    expect(asked().some((one) => /pmd|ct-get/.test(one))).toBe(false);
  });

  it('finds no datapath where dump-dps is refused for want of the kernel module', async () => {
    play(daemon, { ...script, 'dpctl/dump-dps': { refused: '' }, 'dpif/show': '' });
    expect((await inspector.readSlow(signal)).datapaths).toEqual({ kind: 'known', value: [] });
  });

  it('takes no half of the polled ports for all', async () => {
    play(daemon, { ...script, 'dpctl/dump-dps': 'dummy@ovs-dummy\nnetdev@ovs-netdev\n' });
    expect((await inspector.readSlow(signal)).polledPorts).toMatchObject({ kind: 'unknown' });
  });
});

describe('the dump of flows', () => {
  it('adds up each datapath in its own context, and every line', async () => {
    play(daemon, {
      'dpctl/dump-dps': 'system@ovs-system\nnetdev@ovs-netdev\n',
      'dpctl/dump-flows -m --names netdev@ovs-netdev': `${text('dump-flows-m')}?? tomorrow ??\n`,
      'dpctl/dump-flows -m --names system@ovs-system': '',
    });
    const contexts: string[] = [];
    const reading = await inspector.readFlows(
      'all',
      (datapath) => {
        contexts.push(datapath);
        return software;
      },
      signal,
    );
    expect(contexts).toEqual(['system@ovs-system', 'netdev@ovs-netdev']);
    expect(reading).toMatchObject({ scope: 'all', unknownLines: 1 });
    expect(reading.summaries.map(({ datapath, summary }) => [datapath, summary.total.total])).toEqual([
      ['system@ovs-system', { flows: 0, packets: 0, bytes: 0 }],
      ['netdev@ovs-netdev', { flows: 4, packets: 20, bytes: 2120 }],
    ]);
    expect(reading.cost.mainThreadMs).toBeGreaterThan(0);
  });

  it('asks for software alone by type, partial flows among it', async () => {
    play(daemon, { ...script, [softwareDump]: text('dump-flows-m').split('\n').slice(0, 2).join('\n') });
    const { scope, summaries } = await inspector.readFlows('software', context, signal);
    expect([scope, summaries[0]?.summary.total.total.flows]).toEqual(['software', 1]);
  });

  it('asks for everything where the type is not understood, and says so', async () => {
    play(daemon, {
      ...script,
      [softwareDump]: { refused: 'ovs-vswitchd: Failed to parse type (partially-offloaded) (Invalid argument)' },
    });
    const { scope, summaries } = await inspector.readFlows('software', context, signal);
    expect([scope, summaries[0]?.summary.total.total.flows]).toEqual(['all', 4]);
  });

  it('is none when a datapath refuses, or the connection breaks in the middle', async () => {
    play(daemon, { ...script, [dump]: { refused: 'Failed to dump flows from datapath' } });
    await expect(inspector.readFlows('all', context, signal)).rejects.toMatchObject({ code: 'UNIXCTL_REFUSED' });
    play(daemon, {
      ...script,
      [dump]: ({ id, socket }) => {
        const half = JSON.stringify({ id, result: text('dump-flows-m'), error: null }).slice(0, -40);
        socket.write(half, () => socket.destroy());
      },
    });
    await expect(inspector.readFlows('all', context, signal)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  it('keeps the cheap reading waiting, which may be given up meanwhile', async () => {
    const held: Parameters<FakeDaemon['answer']>[0][] = [];
    play(daemon, { ...script, [dump]: (request) => void held.push(request) });
    const flows = inspector.readFlows('all', context, signal);
    await eventually(() => held.length === 1, 'a dump in the hands of the daemon');
    expect(inspector.busyMs()).toBeGreaterThanOrEqual(0);
    const abort = new AbortController();
    const given = inspector.readQuick(abort.signal);
    const quick = inspector.readQuick(signal);
    abort.abort();
    await expect(given).rejects.toMatchObject({ code: 'ABORTED' });
    expect(asked()).not.toContain('version');
    daemon.answer(held[0]!, text('dump-flows-m'));
    expect((await flows).summaries[0]?.summary.total.total.flows).toBe(4);
    expect(await quick).toMatchObject({ version: { kind: 'known' } });
    expect(inspector.busyMs()).toBeUndefined();
  });

  it('is given up in the hands of the daemon', async () => {
    const held: Parameters<FakeDaemon['answer']>[0][] = [];
    play(daemon, { ...script, [dump]: (request) => void held.push(request) });
    const abort = new AbortController();
    const flows = inspector.readFlows('all', context, abort.signal);
    await eventually(() => held.length === 1, 'a dump in the hands of the daemon');
    abort.abort();
    await expect(flows).rejects.toMatchObject({ code: 'ABORTED_IN_FLIGHT' });
  });

  it('leaves the event loop to others: a dump of 20 000 flows is added up a few hundred at a time', async () => {
    const one = text('dump-flows-m').split('\n')[1]!;
    play(daemon, { ...script, [dump]: `${one}\n`.repeat(20_000) });
    let inTurn = 0;
    let inTurnMax = 0;
    let turn: NodeJS.Immediate | undefined;
    const look = (): void => {
      inTurnMax = Math.max(inTurnMax, inTurn);
      inTurn = 0;
      turn = setImmediate(look);
    };
    look();
    // Every flow of the kernel is asked for its ports.
    const port = (name: string): undefined => void (inTurn += name === 'pf0vf4' ? 1 : 0);
    const reading = await inspector.readFlows('all', () => ({ engine: 'tc', port }), signal);
    clearImmediate(turn);
    expect(reading.summaries[0]?.summary.total.total.flows).toBe(20_000);
    expect(inTurnMax).toBeGreaterThan(0);
    // 32 KiB that wait, and the 64 KiB of one more read.
    expect(inTurnMax).toBeLessThanOrEqual((96 << 10) / one.length);
  });
});

describe('the rules behind a flow', () => {
  const ufid = '9d31611f-7e87-4f3e-8c17-e08c99af07de';
  const other = 'f677cc1f-9dca-455f-a6b4-92c70582c3ba';
  const gone = 'UFID was not found for dummy@ovs-dummy\n';

  it('are looked for in each thread, where the one before was found at first', async () => {
    play(daemon, {
      ...script,
      'dpif-netdev/pmd-rxq-show ovs-dummy': `${text('pmd-rxq-show')}pmd thread numa_id 0 core_id 3:\n  isolated : false\n`,
      'ofproto/detrace': gone,
      [`ofproto/detrace ufid:${ufid} pmd=3`]: fixture('by-hand/detrace'),
      [`ofproto/detrace ufid:${other} pmd=3`]: 'br7\n  table_id=1, n_packets=3, ip,actions=\u001bdrop\n',
    });
    const [first, second] = (await inspector.readRules([ufid, other], signal)).rules;
    expect(first).toMatchObject({ ufid, rules: { kind: 'known' } });
    expect(first?.rules.kind === 'known' && first.rules.value[3]).toBe('br0: table_id=0, no match');
    expect(second).toEqual({
      ufid: other,
      rules: { kind: 'known', value: ['br7: table_id=1, n_packets=3, ip,actions=\\u001bdrop'] },
    });
    expect(asked().filter((one) => one.startsWith('ofproto'))).toEqual([
      `ofproto/detrace ufid:${ufid}`,
      `ofproto/detrace ufid:${ufid} pmd=0`,
      `ofproto/detrace ufid:${ufid} pmd=3`,
      `ofproto/detrace ufid:${other} pmd=3`,
    ]);
  });

  it('are unknown where the flow has gone, nothing was kept, the name is none, or too many are asked', async () => {
    play(daemon, {
      ...script,
      'ofproto/detrace': gone,
      [`ofproto/detrace ufid:${other}`]: 'Cache was not found for dummy@ovs-dummy\n',
    });
    const { rules: told } = await inspector.readRules([ufid, other, 'x; rm', ...Array<string>(14).fill(ufid)], signal);
    expect(told.map(({ rules }) => (rules.kind === 'unknown' ? rules.why : rules.value))).toEqual([
      'ovs-vswitchd does not have this flow any more',
      'ovs-vswitchd has not kept what it was made from',
      'it is not the name of a flow',
      ...Array<string>(13).fill('ovs-vswitchd does not have this flow any more'),
      'only 16 flows are looked up at a time',
    ]);
  });

  it('are not looked for in each thread for each flow without an end', async () => {
    const threads = Array.from(
      { length: 30 },
      (_, core) => `pmd thread numa_id 0 core_id ${core}:\n  isolated : false\n`,
    );
    play(daemon, { ...script, 'dpif-netdev/pmd-rxq-show ovs-dummy': threads.join(''), 'ofproto/detrace': gone });
    const { rules } = await inspector.readRules(Array<string>(16).fill(ufid), signal);
    expect(asked().filter((one) => one.startsWith('ofproto'))).toHaveLength(32);
    expect(rules.at(-1)?.rules).toEqual({
      kind: 'unknown',
      why: 'ovs-vswitchd is spared: no more than 32 searches are made at a time',
    });
  });

  it('are bounded', async () => {
    const rule = `  table_id=1, ip,actions=${'x'.repeat(2000)}\n`;
    play(daemon, { ...script, 'ofproto/detrace': `br0\n${rule.repeat(100)}` });
    const [told] = (await inspector.readRules([ufid], signal)).rules;
    expect(told?.rules.kind === 'known' && told.rules.value.map(({ length }) => length)).toEqual(
      Array<number>(32).fill(1025),
    );
  });

  it('are unknown where the command is missing', async () => {
    expect((await inspector.readRules([ufid], signal)).rules).toEqual([
      { ufid, rules: { kind: 'unknown', why: 'ovs-vswitchd has no command ofproto/detrace; it came with 3.4' } },
    ]);
  });
});
