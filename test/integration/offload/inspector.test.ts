/** The inspector against a real ovs-vswitchd with packets in its userspace datapath; ovs-appctl and grep are the witnesses. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VswitchdInspector } from '../../../src/adapters/switch-inspector.js';
import { systemClock } from '../../../src/lib/clock.js';
import { eventually } from '../lab/daemon.js';
import { OvsLab } from '../lab/ovs.js';
import { ports, sendPackets, startSwitch } from '../unixctl/traffic.js';

const signal = new AbortController().signal;
const context = () => ({ engine: 'userspace', port: () => undefined }) as const;

const numbersAfter = (text: string, pattern: RegExp): readonly number[] =>
  [...text.matchAll(pattern)].map((match) => Number(match[1]));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const inspect = (lab: OvsLab): VswitchdInspector =>
  new VswitchdInspector({ runDir: lab.runDir, clock: systemClock, exporterPort: 0 });

describe('a switch with packets in it', () => {
  let lab: OvsLab;
  let inspector: VswitchdInspector;

  beforeAll(async () => {
    lab = await startSwitch();
    await sendPackets(lab, 5);
    // A thread's counts are added to the totals once a second.
    await eventually(async () => (await lab.appctl('coverage/show')).includes('bridge_reconfigure '), 'counts');
    // What moves by itself (flows that expire) would differ between two questions.
    await lab.appctl('time/stop');
    inspector = inspect(lab);
  });

  afterAll(async () => {
    inspector.close();
    await lab.stop();
  });

  it('tells its flows and counters as ovs-appctl prints them', async () => {
    const reading = await inspector.readQuick(signal);
    const upcalls = await lab.appctl('upcall/show');
    const version = /\) (\S+)/.exec(await lab.appctl('version'))?.[1];
    expect(reading.version).toEqual({ kind: 'known', value: version });
    expect(reading.upcalls).toMatchObject({
      value: [
        {
          name: 'netdev@ovs-netdev',
          flows: numbersAfter(upcalls, /current (\d+)/g)[0],
          flowLimit: numbersAfter(upcalls, /limit (\d+)/g)[0],
        },
      ],
    });
    const reconfigured = Number(await lab.appctl('coverage/read-counter', 'bridge_reconfigure'));
    expect(reading.coverage.kind === 'known' && reading.coverage.value.get('bridge_reconfigure')).toBe(reconfigured);
    const stats = await lab.appctl('dpctl/offload-stats-show');
    expect(reading.insertion).toMatchObject({
      kind: 'known',
      value: { inserted: numbersAfter(stats, /Total +Inserted offloads: +(\d+)/g)[0] },
    });
  });

  it('tells its ports, lookups and connections as ovs-appctl prints them', async () => {
    const { polledPorts, datapaths, lookups, connections } = await inspector.readSlow(signal);
    expect(polledPorts).toEqual({ kind: 'known', value: new Set(ports) });
    expect(datapaths).toEqual({ kind: 'known', value: [(await lab.appctl('dpctl/dump-dps')).trim()] });
    const show = await lab.appctl('dpctl/show');
    const numbers = ['hit', 'missed', 'lost'].map((name) => numbersAfter(show, new RegExp(` ${name}:(\\d+)`, 'g'))[0]);
    expect(lookups.kind === 'known' && lookups.value.map(({ hit, missed, lost }) => [hit, missed, lost])).toEqual([
      numbers,
    ]);
    const connection = (await lab.appctl('dpctl/dump-conntrack')).split('\n').filter((line) => line !== '');
    const limit = Number(await lab.appctl('dpctl/ct-get-maxconns'));
    expect(connections).toMatchObject({ value: [{ count: connection.length, limit }] });
  });

  it.each(['all', 'software'] as const)('adds up the flows that ovs-appctl prints: %s', async (scope) => {
    const { summaries, unknownLines, scope: told } = await inspector.readFlows(scope, context, signal);
    const printed = await lab.appctl('dpctl/dump-flows', '-m');
    expect([told, unknownLines, summaries.length]).toEqual([scope, 0, 1]);
    const [{ datapath, summary } = { datapath: '', summary: undefined }] = summaries;
    expect(datapath).toBe('netdev@ovs-netdev');
    // The dummy ports of 3.1 offload nothing: all of it is software.
    expect(summary?.total.tier('pmd')).toEqual({
      flows: numbersAfter(printed, / packets:(\d+)/g).length,
      packets: sum(numbersAfter(printed, / packets:(\d+)/g)),
      bytes: sum(numbersAfter(printed, / bytes:(\d+)/g)),
    });
    expect(summary?.total.total).toEqual(summary?.total.tier('pmd'));
    const ofPort = printed.split('\n').filter((line) => line.includes('in_port(pf0vf3)'));
    expect(summary?.ports.get('pf0vf3')?.incoming.total.packets).toBe(
      sum(numbersAfter(ofPort.join('\n'), / packets:(\d+)/g)),
    );
  });

  it('says of the rules what its release can', async () => {
    const printed = await lab.appctl('dpctl/dump-flows', '-m');
    const ufid = /ufid:(\S+),/.exec(printed)?.[1] ?? '';
    const [told] = (await inspector.readRules([ufid], signal)).rules;
    expect(told?.ufid).toBe(ufid);
    const canTell = (await lab.appctl('list-commands')).includes('ofproto/detrace');
    if (canTell) expect(told?.rules).toMatchObject({ kind: 'known' });
    else expect(told?.rules).toMatchObject({ kind: 'unknown', why: expect.stringContaining('3.4') as string });
  });
});

describe('an ovs-vswitchd', () => {
  let lab: OvsLab;
  let inspector: VswitchdInspector;

  beforeEach(async () => {
    lab = await OvsLab.start({ vswitchd: true });
    inspector = inspect(lab);
  });

  afterEach(async () => {
    inspector.close();
    await lab.stop();
  });

  it('without offload refuses its statistics, which is told as such; with it they are there', async () => {
    expect(await inspector.readQuick(signal)).toMatchObject({ upcalls: { value: [] }, insertion: { kind: 'unknown' } });
    await lab.vsctl('add-br', 'br0', '--', 'set', 'Bridge', 'br0', 'datapath_type=netdev');
    const words = await lab.appctl('dpctl/offload-stats-show').catch(String);
    expect(words).toContain('Invalid argument');
    expect((await inspector.readQuick(signal)).insertion).toEqual({ kind: 'known', value: 'refused' });
    await lab.vsctl('set', 'Open_vSwitch', '.', 'other_config:hw-offload=true');
    expect((await inspector.readQuick(signal)).insertion).toMatchObject({ value: { enqueued: 0, inserted: 0 } });
  });

  it('without a bridge has nothing to add up', async () => {
    expect(await inspector.readFlows('all', context, signal)).toMatchObject({ summaries: [], unknownLines: 0 });
    expect(await inspector.readSlow(signal)).toMatchObject({ datapaths: { kind: 'known', value: [] } });
  });

  it('is another life after a restart, with its own log', async () => {
    const first = await inspector.readSlow(signal);
    expect(first.life).toEqual((await inspector.readQuick(signal)).life);
    const written = (await lab.log('ovs-vswitchd')).split('\n').filter((line) => line !== '');
    expect(first.logLines.kind === 'known' && first.logLines.value[0]).toContain('opened log file');
    expect(written.slice(0, first.logLines.kind === 'known' ? first.logLines.value.length : 0)).toEqual(
      first.logLines.kind === 'known' ? first.logLines.value : [],
    );
    await lab.killVswitchd();
    await expect(inspector.readQuick(signal)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await lab.startVswitchd();
    const second = await inspector.readSlow(signal);
    expect(second.life.pid).toBe(lab.vswitchdPid);
    expect(second.life.startedMs).toBeGreaterThan(first.life.startedMs);
    const log = await lab.log('ovs-vswitchd');
    const own = log.slice(log.lastIndexOf('|00001|vlog|')).split('\n');
    expect(second.logLines.kind === 'known' && second.logLines.value.length).toBeGreaterThan(1);
    expect(second.logLines.kind === 'known' && second.logLines.value.every((line) => log.includes(line))).toBe(true);
    expect(second.logLines.kind === 'known' && second.logLines.value.length).toBeLessThanOrEqual(own.length);
    expect(second.logLines.kind === 'known' && second.logLines.value[0]).toContain('|00001|vlog|INFO|opened log file');
  });

  it('that stands still keeps a reading waiting until it is given up', async () => {
    await inspector.readQuick(signal);
    process.kill(lab.vswitchdPid!, 'SIGSTOP');
    const abort = new AbortController();
    const reading = inspector.readQuick(abort.signal);
    await eventually(() => inspector.busyMs() !== undefined, 'a question in the hands of the daemon');
    abort.abort();
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED_IN_FLIGHT' });
    process.kill(lab.vswitchdPid!, 'SIGCONT');
    expect(await inspector.readQuick(signal)).toMatchObject({ version: { kind: 'known' } });
    expect(inspector.busyMs()).toBeUndefined();
  });
});
