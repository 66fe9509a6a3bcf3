import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../src/model/fact.js';
import { flowReasons } from '../../src/offload/flow-reasons.js';
import { FlowSummary } from '../../src/offload/flow-summary.js';
import { flowTiers } from '../../src/offload/flow-tier.js';
import { objectsOfPorts } from '../../src/offload/offload-objects.js';
import type { OffloadEngine } from '../../src/offload/offload.js';
import type { DatapathPacketsReading, DeviceCounters, FlowsReading } from '../../src/offload/readings.js';
import { TrafficRecord } from '../../src/offload/traffic-record.js';
import { recordedFlows, softwareFlow } from '../fakes/datapath-flows.js';

const ip = 'eth_type(0x0800),ipv4(frag=no)';
const cost = { tookMs: 5, mainThreadMs: 4, roundTripMs: 3 };
const life = { pid: 7, startedMs: 1 };
const second = 1000;

function recordOf(engine: OffloadEngine, names: readonly string[] = ['pf0vf3']): TrafficRecord {
  const record = new TrafficRecord({ ratioPacketsMin: 100, delayMs: 2000 });
  record.setPorts(names.map((name) => ({ name, engine })));
  return record;
}

interface Told {
  readonly packets: number;
  readonly cpu?: number | undefined;
  readonly ifindex?: number;
}

function noteDevices(record: TrafficRecord, readAtMs: number, devices: Readonly<Record<string, Told>>): void {
  const counters = Object.entries(devices).map(([name, { packets, cpu, ifindex = 9 }]): [string, DeviceCounters] => [
    name,
    { ifindex, packets, bytes: 0, cpuPackets: cpu, cpuBytes: cpu },
  ]);
  record.noteDevices({ readAtMs, devices: known(new Map(counters)) });
}

/** Readings each 10 s of even traffic, in packets a second. */
function watch(record: TrafficRecord, untilMs: number, hardware: number, software: number, port = 'pf0vf3'): void {
  for (let atMs = 0; atMs <= untilMs; atMs += 10 * second) {
    const seconds = atMs / second;
    noteDevices(record, atMs, { [port]: { packets: (hardware + software) * seconds, cpu: software * seconds } });
  }
}

function dump(
  scope: FlowsReading['scope'],
  readAtMs: number,
  flows: readonly Parameters<FlowSummary['add']>[0][],
  engine: OffloadEngine = 'doca',
): FlowsReading {
  const summary = new FlowSummary({ context: { engine, isInEffect: true, port: () => undefined } });
  // Those of the same words would have the same name.
  for (const [at, flow] of flows.entries()) {
    summary.add({ ...flow, ufid: flow.ufid === inSoftware.ufid ? `ufid:${at}` : flow.ufid });
  }
  const summaries = [{ datapath: 'netdev@ovs-netdev', summary }];
  return { readAtMs, wallMs: 1_000_000 + readAtMs, cost, life, scope, summaries, unknownLines: 0 };
}

/** Two dumps a minute apart, and what passed between them: all that each flow has counted. */
function noteTwo(
  record: TrafficRecord,
  readAtMs: number,
  flows: readonly Parameters<FlowSummary['add']>[0][],
  engine: OffloadEngine = 'doca',
): void {
  const younger = flows.map((flow) => ({ ...flow, packets: 0 }));
  record.noteFlows(dump('all', readAtMs - 60 * second, younger, engine));
  record.noteFlows(dump('all', readAtMs, flows, engine));
}

const inHardware = softwareFlow(ip, 'pf0vf4', { offloaded: 'yes', layer: 'doca', packets: 900 });
const inSoftware = softwareFlow(ip, 'sample(sample=1%,actions(drop)),pf0vf4', { packets: 100 });

describe('the counters of a port', () => {
  it('on TC are those of its device', () => {
    const record = recordOf('tc');
    watch(record, 120 * second, 990, 10);
    const found = record.counters('pf0vf3');
    expect(found).toMatchObject({ kind: 'ratio', spanMs: 110 * second });
    if (found?.kind !== 'ratio') return;
    // 120 s of software are taken off 110 s of all.
    expect(found.softwarePackets).toBe(1200);
    expect(found.hardwarePackets).toBe(110_000 - 1200);
    const [row] = record.attribute(objectsOfPorts(['pf0vf3']), 121 * second).rows;
    expect(row).toMatchObject({ source: 'counters', judgement: { verdict: 'hardware', reason: 'InHardware' } });
  });

  it.each(['dpdk', 'doca'] as const)('on %s are those of its device and of ovs-vswitchd', (engine) => {
    const record = recordOf(engine);
    for (let atMs = 0; atMs <= 180 * second; atMs += 5 * second) {
      record.noteInterfaces(new Map([['pf0vf3', atMs / second]]), 1, atMs);
      // CPU_HIT counts nothing there: ovs-vswitchd receives past the kernel.
      noteDevices(record, atMs, { pf0vf3: { packets: (1000 * atMs) / second, cpu: 0 } });
    }
    expect(record.counters('pf0vf3')).toMatchObject({ kind: 'ratio' });
    const [row] = record.attribute(objectsOfPorts(['pf0vf3']), 180 * second).rows;
    expect(row?.judgement.verdict).toBe('hardware');
  });

  it('are pure software where all packets are', () => {
    const record = recordOf('tc');
    watch(record, 120 * second, 0, 1000);
    expect(record.counters('pf0vf3')).toMatchObject({ hardwareShare: 0, evenShare: 0 });
    const [row] = record.attribute(objectsOfPorts(['pf0vf3']), 120 * second).rows;
    expect(row?.judgement).toMatchObject({ verdict: 'software', reason: 'InSoftware' });
  });

  it('do not exist for an uplink, another engine, a port that is gone, a device without CPU_HIT', () => {
    const record = new TrafficRecord({ ratioPacketsMin: 100, delayMs: 2000 });
    record.setPorts([
      { name: 'p0', engine: 'tc', isUplink: true },
      { name: 'br-int', engine: 'userspace' },
    ]);
    expect([record.counters('p0'), record.counters('br-int')]).toEqual([undefined, undefined]);
    record.setPorts([{ name: 'veth0', engine: 'tc' }]);
    for (let atMs = 0; atMs < 200 * second; atMs += 10 * second)
      noteDevices(record, atMs, { veth0: { packets: atMs } });
    expect(record.counters('veth0')).toMatchObject({ kind: 'unknown', because: 'short' });
    record.setPorts([]);
    expect(record.counters('veth0')).toBeUndefined();
  });

  it('say nothing any more when nobody has read them for longer than the window', () => {
    const record = recordOf('tc');
    watch(record, 120 * second, 1000, 0);
    record.noteDevices({ readAtMs: 241 * second, devices: unknown('no rights') });
    expect(record.counters('pf0vf3')).toMatchObject({ because: 'short' });
  });

  it('begin anew with another device, and with another engine', () => {
    const record = recordOf('tc');
    watch(record, 120 * second, 1000, 0);
    noteDevices(record, 130 * second, { pf0vf3: { packets: 5, cpu: 5, ifindex: 10 } });
    noteDevices(record, 140 * second, { pf0vf3: { packets: 5000, cpu: 5000, ifindex: 10 } });
    noteDevices(record, 150 * second, { pf0vf3: { packets: 6000, cpu: 6000, ifindex: 10 } });
    expect(record.counters('pf0vf3')).toMatchObject({ because: 'short', spanMs: 10 * second });
    record.setPorts([{ name: 'pf0vf3', engine: 'doca' }]);
    expect(record.counters('pf0vf3')).toMatchObject({ because: 'short' });
  });

  it('wait for three delays, of whatever length they are', () => {
    const record = recordOf('tc');
    record.setDelay(30 * second);
    watch(record, 90 * second, 1000, 0);
    expect(record.counters('pf0vf3')).toMatchObject({ because: 'short' });
    record.setDelay(2 * second);
    expect(record.counters('pf0vf3')).toMatchObject({ kind: 'ratio' });
  });
});

/** Packets of each second: what hardware carried, and software. */
const seconds = fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { minLength: 100, maxLength: 200 });

/** A device that answers with what it read up to `lag` of its readings ago, beside statistics that are written each 5 s. */
function replay(
  record: TrafficRecord,
  engine: 'tc' | 'doca',
  traffic: readonly (readonly [number, number])[],
  everyS: number,
  lag: number,
  check: (hardware: number, atMs: number) => void,
): void {
  let [hardware, software, written, total, askedAt] = [0, 0, 0, 0, 0];
  for (const [second, [more, slow]] of traffic.entries()) {
    hardware += more;
    software += slow;
    const atMs = second * 1000;
    if (second % 5 === 2) written = software;
    // Between two readings the device reads its counters once, at a time of its own.
    if (second === askedAt + Math.floor(lag * everyS)) total = hardware + software;
    if (engine === 'doca') record.noteInterfaces(new Map([['pf0vf3', written]]), 1, atMs);
    if (second % everyS !== 0) continue;
    noteDevices(record, atMs, { pf0vf3: { packets: total, cpu: software } });
    askedAt = second;
    check(hardware, atMs);
  }
}

describe('what is said of hardware', () => {
  it.each(['tc', 'doca'] as const)('is never more than it carried, however uneven traffic is: %s', (engine) => {
    const lag = fc.double({ min: 0, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(seconds, fc.constantFrom(3, 10), lag, (traffic, everyS, lags) => {
        const record = recordOf(engine);
        let last = { hardware: 0, software: 0 };
        const sums = traffic.reduce<number[]>((all, [more]) => [...all, (all.at(-1) ?? 0) + more], []);
        replay(record, engine, traffic, everyS, lags, (hardware, atMs) => {
          const carried = record.packets();
          expect(carried.hardware).toBeLessThanOrEqual(hardware);
          expect(carried.hardware).toBeGreaterThanOrEqual(last.hardware);
          expect(carried.software).toBeGreaterThanOrEqual(last.software);
          last = carried;
          const found = record.counters('pf0vf3');
          if (found?.kind !== 'ratio') return;
          // The window ends at most two readings and the age of the statistics ago.
          const from = Math.max(0, Math.floor((atMs - found.spanMs) / 1000) - 3 * everyS - 12);
          expect(found.hardwarePackets).toBeLessThanOrEqual(hardware - (sums[from] ?? 0));
          expect(found.evenShare).toBeGreaterThanOrEqual(found.hardwareShare);
        });
        return true;
      }),
      { numRuns: 60 },
    );
  });

  it.each(['tc', 'doca'] as const)('is nothing while software carries all, in bursts: %s', (engine) => {
    fc.assert(
      fc.property(seconds, fc.double({ min: 0, max: 0.99, noNaN: true }), (traffic, lag) => {
        const record = recordOf(engine);
        const slow = traffic.map(([, software], at) => [0, at % 30 < 3 ? software * 100 : 0] as const);
        replay(record, engine, slow, 10, lag, (_hardware, atMs) => {
          const found = record.counters('pf0vf3');
          if (found?.kind === 'ratio') expect(found.hardwareShare).toBe(0);
          expect(record.packets().hardware).toBe(0);
          const [row] = record.attribute(objectsOfPorts(['pf0vf3']), atMs).rows;
          expect(['software', 'unknown']).toContain(row?.judgement.verdict);
        });
      }),
      { numRuns: 40 },
    );
  });

  it.each(['tc', 'doca'] as const)('is about the truth for even traffic: %s', (engine) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), (percent) => {
        const record = recordOf(engine);
        const even = Array.from({ length: 200 }, () => [percent * 10, 1000 - percent * 10] as const);
        replay(record, engine, even, 10, 0.5, () => undefined);
        const found = record.counters('pf0vf3');
        expect(found?.kind).toBe('ratio');
        if (found?.kind !== 'ratio') return;
        expect(Math.abs(found.evenShare - percent / 100)).toBeLessThan(0.08);
        expect(found.hardwareShare).toBeGreaterThan(percent / 100 - (1 - percent / 100) * 0.34 - 0.01);
      }),
    );
  });
});

describe('statistics that ovs-vswitchd writes once a minute', () => {
  /** Software alone, in bursts, and 60 s old counts of it. */
  const mostSaid = (statisticsMs: number): number => {
    const record = recordOf('doca');
    record.setStatistics(statisticsMs);
    let [software, written, most] = [0, 0, 0];
    for (let at = 0; at <= 600; at += 10) {
      software += at % 120 === 30 ? 100_000 : 10;
      if (at % 60 === 0) written = software;
      // Any row of the table changes meanwhile.
      record.noteInterfaces(new Map([['pf0vf3', written]]), 1, at * second);
      noteDevices(record, at * second, { pf0vf3: { packets: software, cpu: 0 } });
      most = Math.max(most, record.packets().hardware);
    }
    return most;
  };

  it('turn no packet of software into one of hardware', () => {
    expect(mostSaid(60 * second)).toBe(0);
    // The same, taken for fresher than they are.
    expect(mostSaid(5 * second)).toBeGreaterThan(0);
  });
});

describe('an ovs-vswitchd that is gone', () => {
  it('takes what it counted with it, and not what the kernel counts', () => {
    const verdicts = (['tc', 'doca'] as const).map((engine) => {
      const record = recordOf(engine);
      for (let atMs = 0; atMs <= 180 * second; atMs += 5 * second) {
        record.noteInterfaces(new Map([['pf0vf3', atMs / second]]), 'a', atMs);
        noteDevices(record, atMs, { pf0vf3: { packets: atMs, cpu: 0 } });
      }
      const { hardware } = record.packets();
      expect(hardware).toBeGreaterThan(0);
      record.noteRestart();
      expect(record.packets().hardware).toBe(hardware);
      return record.attribute(objectsOfPorts(['pf0vf3']), 181 * second).interface('pf0vf3')?.verdict;
    });
    expect(verdicts).toEqual(['hardware', 'unknown']);
  });
});

describe('packets since the start', () => {
  it('outlive ports and lives of counters', () => {
    const record = recordOf('tc');
    watch(record, 60 * second, 900, 100);
    // From the first pair on: at 10 s, with software since the start.
    expect(record.packets()).toEqual({ hardware: 44_000, software: 6000 });
    noteDevices(record, 70 * second, { pf0vf3: { packets: 0, cpu: 0 } });
    expect(record.packets()).toEqual({ hardware: 44_000, software: 6000 });
    record.setPorts([]);
    expect(record.packets()).toEqual({ hardware: 44_000, software: 6000 });
    record.setPorts([{ name: 'pf0vf3', engine: 'tc' }]);
    watch(record, 60 * second, 900, 100);
    expect(record.packets()).toEqual({ hardware: 88_000, software: 12_000 });
  });
});

describe('dumps of flows', () => {
  it('give tiers, reasons and the largest flows', () => {
    const record = recordOf('doca');
    expect([record.tiers().size, record.reasons().size, record.newestFlows()]).toEqual([0, 0, undefined]);
    record.noteFlows(dump('all', 0, [inHardware, inSoftware]));
    expect([...record.tiers().keys()]).toEqual(flowTiers);
    expect(record.tiers().get('hw')).toMatchObject({ flows: 1, packets: 900 });
    expect([...record.reasons().keys()]).toEqual(flowReasons);
    expect(record.reasons().get('unsupported_action')).toMatchObject({ flows: 1, packets: 100 });
    expect(record.newestFlows()).toMatchObject({ wallMs: 1_000_000, cost, scope: 'all', top: [{ packets: 100 }] });
  });

  it('of software alone tell reasons, and leave the shares to the whole one before', () => {
    const record = recordOf('doca', []);
    record.noteFlows(dump('software', 0, [inSoftware]));
    expect(record.tiers().size).toBe(0);
    const first = record.attribute(objectsOfPorts(['pf0vf3']), 0).rows[0];
    expect(first).toMatchObject({ source: 'none', flows: undefined, reasons: [{ reason: 'unsupported_action' }] });
    record.noteFlows(dump('all', 10 * second, [inHardware]));
    record.noteFlows(dump('software', 20 * second, [inSoftware, inSoftware]));
    const next = record.attribute(objectsOfPorts(['pf0vf3']), 20 * second).rows[0];
    expect(next).toMatchObject({ source: 'flows', flows: { hardware: { packets: 900 } }, reasons: [{ flows: 2 }] });
    expect(record.newestFlows()).toMatchObject({ scope: 'software', top: [{}, {}] });
  });

  it('are ignored when they come late, and forgotten when they are old or of another ovs-vswitchd', () => {
    const record = recordOf('doca', []);
    record.noteFlows(dump('all', 10 * second, [inHardware]));
    record.noteFlows(dump('all', 0, [inSoftware]));
    expect(record.tiers().get('hw')).toMatchObject({ flows: 1 });
    record.attribute([], 191 * second);
    expect([record.tiers().size, record.reasons().size]).toEqual([0, 0]);
    const [row] = record.attribute(objectsOfPorts(['pf0vf3']), 191 * second).rows;
    expect(row).toMatchObject({ flows: undefined, reasons: [] });
    record.noteFlows(dump('all', 612 * second, [inHardware]));
    record.noteRestart();
    expect([record.tiers().size, record.newestFlows()]).toEqual([0, undefined]);
  });

  it('of several datapaths are added up for the node; a port is of the one that the switch has it in', () => {
    const record = recordOf('doca', []);
    const one = dump('all', 0, [inHardware, inSoftware]);
    const [summary] = one.summaries;
    if (summary === undefined) throw new Error('a dump has a summary');
    record.noteFlows({ ...one, summaries: [summary, { ...summary, datapath: 'system@ovs-system' }] });
    expect(record.tiers().get('hw')).toMatchObject({ flows: 2 });
    const flowsOf = (): unknown => record.attribute(objectsOfPorts(['pf0vf3']), 0).rows[0]?.flows;
    // Two of one name, and nobody says which: neither is taken for the other.
    expect(flowsOf()).toMatchObject({ hardware: { flows: 0 }, software: { flows: 0 } });
    record.setPorts([{ name: 'pf0vf3', engine: 'doca', datapathType: 'netdev' }]);
    expect(flowsOf()).toMatchObject({ hardware: { flows: 1 }, software: { flows: 1 } });
    expect(record.newestFlows()?.top).toHaveLength(2);
  });

  it('serve where the counters saw too few packets', () => {
    const record = recordOf('tc');
    watch(record, 120 * second, 0, 0.5);
    expect(record.counters('pf0vf3')).toMatchObject({ because: 'few' });
    expect(record.attribute(objectsOfPorts(['pf0vf3']), 120 * second).interface('pf0vf3')).toMatchObject({
      reason: 'NoTraffic',
    });
    noteTwo(record, 120 * second, [inHardware]);
    expect(record.attribute(objectsOfPorts(['pf0vf3']), 120 * second).interface('pf0vf3')).toMatchObject({
      verdict: 'hardware',
    });
  });
});

describe('the verdict of an object', () => {
  const verdictOf = (record: TrafficRecord, atMs: number): unknown =>
    record.attribute(objectsOfPorts(['pf0vf3']), atMs).interface('pf0vf3')?.verdict;

  it('is of what passed between two dumps, whatever the flows had counted before', () => {
    const record = recordOf('doca', []);
    const old = { ...inSoftware, packets: 5_000_000 };
    const flows = (more: number): Parameters<FlowSummary['add']>[0][] => [old, { ...inHardware, packets: more }];
    record.noteFlows(dump('all', 0, flows(10)));
    expect(verdictOf(record, 0)).toBe('unknown');
    record.noteFlows(dump('all', 60 * second, flows(1010)));
    expect(verdictOf(record, 60 * second)).toBe('hardware');
    expect(record.traffic(60 * second)).toMatchObject({
      value: { packets: 1000, hardwarePackets: 1000, windowMs: 60_000 },
    });
    // Too old, and then of an ovs-vswitchd that is gone.
    expect(verdictOf(record, 241 * second)).toBeUndefined();
    record.noteFlows(dump('all', 242 * second, flows(5000)));
    expect(verdictOf(record, 242 * second)).toBe('hardware');
    record.noteRestart();
    record.noteFlows(dump('all', 300 * second, flows(9000)));
    expect(verdictOf(record, 300 * second)).toBe('unknown');
  });

  it('is not known of packets of a flow that moved in between, was made in between, or began anew', () => {
    const record = recordOf('doca', []);
    const moved = { ...inHardware, ufid: 'ufid:1' };
    record.noteFlows(dump('all', 0, [{ ...inSoftware, ufid: 'ufid:1', packets: 50 }]));
    record.noteFlows(dump('all', 60 * second, [{ ...moved, packets: 5000 }]));
    expect(verdictOf(record, 60 * second)).toBe('unknown');
    record.noteFlows(dump('all', 120 * second, [{ ...moved, packets: 6000 }]));
    expect(verdictOf(record, 120 * second)).toBe('hardware');
    record.noteFlows(dump('all', 180 * second, [{ ...moved, packets: 5999 }]));
    expect(verdictOf(record, 180 * second)).toBe('unknown');
    const made = { ...moved, ufid: 'ufid:2', packets: 900 };
    record.noteFlows(dump('all', 240 * second, [{ ...moved, packets: 6000 }, made]));
    expect(verdictOf(record, 240 * second)).toBe('unknown');
  });

  it('takes no two dumps that are closer than counters of hardware lag', () => {
    const record = recordOf('doca', []);
    record.noteFlows(dump('all', 0, [{ ...inHardware, packets: 10 }]));
    record.noteFlows(dump('all', 5 * second, [{ ...inHardware, packets: 500 }]));
    expect(verdictOf(record, 5 * second)).toBe('unknown');
    record.noteFlows(dump('all', 6 * second, [{ ...inHardware, packets: 600 }]));
    expect(verdictOf(record, 6 * second)).toBe('hardware');
  });

  it('is not that of a device that is gone and had the same name', () => {
    const after = (ifindex: number): unknown => {
      const record = recordOf('tc', []);
      const at = (atMs: number, device: number, hardware: number, software: number): unknown => {
        noteDevices(record, atMs, { pf0vf3: { packets: 0, ifindex: device } });
        const slow = { ...inSoftware, ufid: 'ufid:s', packets: software, usedMs: 5000 };
        record.noteFlows(dump('all', atMs, [{ ...inHardware, ufid: 'ufid:h', packets: hardware }, slow]));
        return verdictOf(record, atMs);
      };
      at(0, 9, 0, 0);
      expect(at(60 * second, 9, 960, 40)).toBe('hardware');
      return at(120 * second, ifindex, 960 + 920, 40 + 80);
    };
    expect([after(9), after(10)]).toEqual(['hardware', 'partial']);
  });

  it('is left later than it is reached', () => {
    const verdictAfter = (engine: OffloadEngine, hardware: readonly number[]): readonly unknown[] => {
      const record = recordOf(engine, []);
      let [fast, slow] = [0, 0];
      const rest = (packets: number) => softwareFlow(ip, 'pf0vf4', { ufid: 'ufid:rest', packets, usedMs: 5000 });
      record.noteFlows(dump('all', 0, [{ ...inHardware, packets: 0 }, rest(0)]));
      return hardware.map((packets, at) => {
        [fast, slow] = [fast + packets, slow + 1000 - packets];
        const atMs = (at + 1) * 60 * second;
        record.noteFlows(dump('all', atMs, [{ ...inHardware, packets: fast }, rest(slow)]));
        return verdictOf(record, atMs);
      });
    };
    expect(verdictAfter('doca', [960, 920, 880, 920])).toEqual(['hardware', 'hardware', 'partial', 'partial']);
  });
});

describe('the traffic of the node', () => {
  const totals = (atMs: number, packets: number, offloadedPackets: number, datapath = 'netdev@ovs-netdev') => ({
    readAtMs: atMs,
    life,
    packets: known<readonly DatapathPacketsReading[]>([{ datapath, packets, offloadedPackets }]),
  });

  it('is that of the ports with counters, however little each has', () => {
    const record = recordOf('tc', ['a', 'b', 'c']);
    for (let atMs = 0; atMs <= 120 * second; atMs += 10 * second) {
      const packets = (atMs / second) * 0.5;
      noteDevices(record, atMs, { a: { packets, cpu: 0 }, b: { packets, cpu: packets }, c: { packets: 1, cpu: 0 } });
    }
    expect(record.traffic(120 * second)).toMatchObject({
      kind: 'known',
      value: { windowMs: 110 * second, packets: 110, hardwarePackets: 55 },
    });
  });

  it('is that of the datapaths where no port has counters', () => {
    const record = recordOf('doca', []);
    for (let s = 0; s <= 120; s += 10) record.noteQuick(totals(s * second, s * 100, s * 90));
    expect(record.traffic(120 * second)).toMatchObject({
      kind: 'known',
      value: { windowMs: 110 * second, packets: 11_000, hardwarePackets: 11_000 - 1200 },
    });
  });

  it('does not believe totals that are none', () => {
    const record = recordOf('doca', []);
    for (let s = 0; s <= 120; s += 10) {
      record.noteQuick(totals(s * second, s * 100, 1.8e19));
      record.noteQuick(totals(s * second + 1, s, s * 100 + 1));
      record.noteQuick({ readAtMs: s * second + 2, life, packets: unknown('no such command') });
    }
    expect(record.traffic(120 * second)).toMatchObject({ kind: 'unknown' });
  });

  it('is that of the flows where nothing else is, with reasons and patterns', () => {
    const record = recordOf('dpdk', []);
    const arp = softwareFlow('eth_type(0x0806)', 'pf0vf4', { packets: 5000 });
    const mtu = softwareFlow(ip, 'check_pkt_len(size=1442,gt(drop),le(pf0vf4))', { packets: 20 });
    const nat = softwareFlow(ip, 'ct(commit,zone=3,nat(src=10.0.0.1)),recirc(0x1)', { packets: 10 });
    noteTwo(record, 0, [{ ...inHardware, layer: 'dpdk' }, arp, mtu, nat, nat], 'dpdk');
    expect(record.traffic(0)).toEqual({
      kind: 'known',
      value: {
        windowMs: 60_000,
        packets: 940,
        hardwarePackets: 900,
        softwareFlows: new Map([['unsupported_action', 3]]),
        patterns: new Map([
          ['check_pkt_len', 1],
          ['ct_nat', 2],
        ]),
      },
    });
  });

  it('names no pattern that an engine carries out', () => {
    const record = recordOf('tc', []);
    const mtu = softwareFlow(ip, 'check_pkt_len(size=1442,gt(drop),le(pf0vf4))', { packets: 20 });
    record.noteFlows(dump('all', 0, [mtu], 'tc'));
    expect(record.traffic(0)).toMatchObject({ value: { patterns: new Map() } });
  });

  it('is not known without anything, with flows of software alone, or where flows do not say where they are', () => {
    const record = recordOf('doca', []);
    expect(record.traffic(0).kind).toBe('unknown');
    record.noteFlows(dump('software', 0, [inSoftware]));
    expect(record.traffic(0).kind).toBe('unknown');
    const strange = softwareFlow(ip, 'p', { layer: 'strange', packets: 5000 });
    noteTwo(record, 61 * second, [inHardware, strange]);
    expect(record.traffic(61 * second)).toMatchObject({
      kind: 'unknown',
      why: 'most flows do not say where their packets were carried',
    });
  });

  it('is in hardware where a recorded dump of 4.0 has it', () => {
    const record = recordOf('unknown', []);
    noteTwo(record, 0, recordedFlows('ovs-4.0/dump-flows-m'), 'unknown');
    expect(record.traffic(0)).toMatchObject({ value: { packets: 20, hardwarePackets: 15 } });
  });
});
