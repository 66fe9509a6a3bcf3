import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChainView } from '../../src/chain/chain-view.js';
import { Attribution, type AttributionInput } from '../../src/offload/attribute.js';
import type { GrownPackets } from '../../src/offload/flow-marks.js';
import { FlowSummary } from '../../src/offload/flow-summary.js';
import { objectsOfChains, objectsOfPods, objectsOfPorts } from '../../src/offload/offload-objects.js';
import type { OffloadEngine } from '../../src/offload/offload.js';
import type { RatioReading } from '../../src/offload/ratio-window.js';
import { anyFlow, recordedFlows, softwareFlow } from '../fakes/datapath-flows.js';

const context = { engine: 'doca' as OffloadEngine, isInEffect: true, port: () => undefined };
const ip = 'eth_type(0x0800),ipv4(frag=no)';

type HopPort = ChainView['switches'][number]['ports'][number];

function chain(name: string, ports: readonly Partial<HopPort>[]): ChainView {
  const hops = ports.map((port, index): HopPort => ({
    key: `${name}/s/${index}`,
    words: '',
    wire: { kind: 'any' },
    ...port,
  }));
  return { intent: { name, bridge: 'br-sfc' }, switches: [{ name: 's', index: 0, ports: hops }] };
}

const pod = {
  namespace: 'ns',
  name: 'web',
  attachments: [
    { nadKey: 'default', device: 'pf0vf3', isPlugged: true },
    { nadKey: 'second', device: 'pf0vf9', isPlugged: false },
    { nadKey: 'third', device: undefined, isPlugged: false },
  ],
};

const objects = [
  ...objectsOfPorts(['p0_if', 'pf0vf3', 'pf0vf4']),
  ...objectsOfPods([pod]),
  ...objectsOfChains([
    chain('web', [{ interface: 'pf0vf3' }, { interface: 'patch-a', target: { bridge: 'br', interface: 'p0_if' } }, {}]),
    chain('other', [{ interface: 'p0_if' }]),
  ]),
];

function attributed(more: Partial<AttributionInput>): Attribution {
  const growth = more.dump === undefined ? undefined : allOf(more.dump);
  return new Attribution({ objects, isWhole: true, counters: () => undefined, growth, ...more });
}

/** As if every packet of the dump had passed since the one before. */
function allOf(dump: NonNullable<AttributionInput['dump']>): NonNullable<AttributionInput['growth']> {
  const port = (name: string): GrownPackets => {
    const { incoming, outgoing } = dump.get(name) ?? {};
    const parts = [incoming, outgoing].flatMap((shares) => shares?.counted ?? []);
    const sum = (key: 'hardware' | 'software' | 'unknown'): number =>
      parts.reduce((all, part) => all + part[key].packets, 0);
    return { hardware: sum('hardware'), software: sum('software'), unknown: sum('unknown'), moved: 0 };
  };
  return { spanMs: 60_000, ageMs: 5000, port };
}

function dumpOf(name: string): FlowSummary['ports'] {
  const summary = new FlowSummary({ context: { ...context, engine: 'unknown' } });
  for (const flow of recordedFlows(name)) summary.add(flow);
  return summary.ports;
}

function ratio(hardwareShare: number): RatioReading {
  const hardwarePackets = Math.round(hardwareShare * 1000);
  const evenShare = hardwareShare;
  return {
    kind: 'ratio',
    hardwareShare,
    evenShare,
    hardwarePackets,
    softwarePackets: 1000 - hardwarePackets,
    spanMs: 60_000,
  };
}

describe('the objects whose offload is asked for', () => {
  it('are ports, plugged networks of pods, and hops by the port that was selected', () => {
    expect(objects.map(({ key, port }) => [key, port])).toEqual([
      ['port/p0_if', 'p0_if'],
      ['port/pf0vf3', 'pf0vf3'],
      ['port/pf0vf4', 'pf0vf4'],
      ['attachment/ns/web/default', 'pf0vf3'],
      ['hop/web/s/0', 'pf0vf3'],
      ['hop/web/s/1', 'p0_if'],
      ['hop/other/s/0', 'p0_if'],
    ]);
  });
});

describe('the evidence of a recorded dump of 4.0', () => {
  const found = attributed({ dump: dumpOf('ovs-4.0/dump-flows-m') });

  it('proves hardware where all flows of a port are in hardware', () => {
    expect(found.interface('p0_if')).toMatchObject({ verdict: 'hardware', reason: 'InHardware' });
    expect(found.row('attachment/ns/web/default')).toMatchObject({
      source: 'flows',
      hardwareShare: 1,
      flows: { hardware: { flows: 2, packets: 10, bytes: 1060 }, software: { flows: 0 } },
      reasons: [],
    });
  });

  it('proves a part where a marked flow is among them, and says why', () => {
    expect(found.interface('pf0vf4')).toMatchObject({ verdict: 'partial', reason: 'InPart' });
    expect(found.row('port/pf0vf4')).toMatchObject({
      hardwareShare: 0.5,
      reasons: [{ reason: 'unsupported_action', flows: 1, packets: 5, bytes: 530 }],
    });
  });

  it('proves a chain by all of its hops, and says who shares its ports', () => {
    expect(found.chain('web')).toMatchObject({ verdict: 'hardware', reason: 'InHardware' });
    expect(found.row('chain/web')).toMatchObject({ ports: ['pf0vf3', 'p0_if'], sharedWith: ['chain/other'] });
    expect(found.row('port/pf0vf3')?.sharedWith).toEqual(['chain/web']);
  });
});

describe('the evidence', () => {
  it('of 3.5, where the same is in software, is software', () => {
    const found = attributed({ dump: dumpOf('ovs-3.5/dump-flows-m') });
    expect(found.interface('pf0vf3')).toMatchObject({ verdict: 'software', reason: 'InSoftware' });
    expect(found.chain('web')).toMatchObject({ verdict: 'software' });
  });

  it('is none where nobody has looked', () => {
    const found = attributed({});
    expect([found.interface('p0_if'), found.chain('web'), found.interface('strange')]).toEqual(
      Array(3).fill(undefined),
    );
  });

  it('of a dump of software flows alone tells reasons and proves no share', () => {
    const found = attributed({ dump: dumpOf('ovs-3.5/dump-flows-m'), isWhole: false });
    expect(found.interface('pf0vf3')).toBeUndefined();
    expect(found.row('port/pf0vf3')?.reasons).toMatchObject([{ reason: 'other' }]);
  });

  it('of one whole dump tells where flows are, and not where their packets were carried', () => {
    const found = attributed({ dump: dumpOf('ovs-4.0/dump-flows-m'), growth: undefined });
    expect(found.interface('p0_if')).toMatchObject({ verdict: 'unknown', reason: 'WatchedTooShort' });
    expect(found.interface('p0_if')?.message).toContain('in hardware, 0 in software');
    expect(found.row('port/p0_if')).toMatchObject({ source: 'flows', hardwareShare: undefined });
  });

  it('of counters comes before that of flows', () => {
    const found = attributed({ dump: dumpOf('ovs-3.5/dump-flows-m'), counters: () => ratio(0.99) });
    expect(found.interface('pf0vf3')).toMatchObject({ verdict: 'hardware', reason: 'InHardware' });
    expect(found.row('port/pf0vf3')).toMatchObject({ source: 'counters', hardwareShare: 0.99 });
  });

  it('is that nothing passed, where counters stand still or a port has no flows', () => {
    const idle = { kind: 'unknown', because: 'idle', spanMs: 60_000 } as const;
    expect(attributed({ counters: () => idle }).interface('p0_if')).toMatchObject({ reason: 'NoTraffic' });
    const empty = new FlowSummary({ context });
    expect(attributed({ dump: empty.ports }).interface('p0_if')).toMatchObject({
      verdict: 'unknown',
      reason: 'NoTraffic',
    });
    expect(attributed({ dump: empty.ports }).chain('web')).toMatchObject({ verdict: 'unknown', reason: 'NoTraffic' });
  });

  it('is from the flows while counters were not watched for long enough, else that they were not', () => {
    const counters = (): RatioReading => ({ kind: 'unknown', because: 'short', spanMs: 0 });
    expect(attributed({ counters }).interface('p0_if')).toMatchObject({ reason: 'WatchedTooShort' });
    const dump = dumpOf('ovs-4.0/dump-flows-m');
    expect(attributed({ counters, dump }).interface('p0_if')).toMatchObject({ verdict: 'hardware' });
  });

  it('of a chain is the part where its hops differ, and names the weakest', () => {
    const found = attributed({ counters: (port) => ratio(port === 'p0_if' ? 1 : 0) });
    expect(found.chain('web')).toMatchObject({ verdict: 'partial', reason: 'InPart' });
    expect(found.chain('web')?.message).toContain('Weakest hop: web/s/0 with 0.0 %.');
  });

  it.each([
    ['software', 0, 0.04, 'InSoftware'],
    ['unknown', 0, 0.3, 'WatchedTooShort'],
    ['partial', 0.02, 0.3, 'InPart'],
    ['partial', 0.93, 0.99, 'InPart'],
    ['hardware', 0.95, 0.99, 'InHardware'],
  ] as const)('of counters is %s where hardware carried %d at least, and %d if traffic was even', (...row) => {
    const [verdict, hardwareShare, evenShare, reason] = row;
    const counters = (): RatioReading => ({ ...ratio(hardwareShare), evenShare }) as RatioReading;
    expect(attributed({ counters }).interface('p0_if')).toMatchObject({ verdict, reason });
    expect(attributed({ counters }).row('port/p0_if')?.judgement.message).toContain('if traffic was even');
  });

  it('leaves a verdict later than it reaches it', () => {
    const before = attributed({ counters: () => ratio(0.99) }).verdicts;
    expect(attributed({ counters: () => ratio(0.92), before }).chain('web')).toMatchObject({ verdict: 'hardware' });
    expect(attributed({ counters: () => ratio(0.92) }).chain('web')).toMatchObject({ verdict: 'partial' });
  });

  it('claims nothing where flows of unknown tier could turn it', () => {
    const summary = new FlowSummary({ context });
    summary.add(softwareFlow(ip, 'x', { offloaded: 'yes', layer: 'doca', packets: 1000 }));
    summary.add(softwareFlow(ip, 'x', { layer: 'strange', packets: 10 }));
    expect(attributed({ dump: summary.ports }).interface('pf0vf3')).toMatchObject({ verdict: 'hardware' });
    summary.add(softwareFlow(ip, 'x', { layer: 'strange', packets: 500 }));
    expect(attributed({ dump: summary.ports }).interface('pf0vf3')).toMatchObject({
      verdict: 'unknown',
      reason: 'TierUnknown',
    });
  });

  it('never says hardware without a packet in hardware, nor software without one in software', () => {
    fc.assert(
      fc.property(fc.array(anyFlow), (flows) => {
        const summary = new FlowSummary({ context });
        for (const flow of flows) summary.add(flow);
        for (const { kind, judgement, flows: counted } of attributed({ dump: summary.ports }).rows) {
          // Of a chain only the flows that come in at its ports are counted.
          if (kind === 'chain') continue;
          const hardware = counted?.hardware.packets ?? 0;
          const software = counted?.software.packets ?? 0;
          if (judgement.verdict === 'hardware') expect(hardware).toBeGreaterThan(0);
          if (judgement.verdict === 'software') expect(software).toBeGreaterThan(0);
        }
      }),
    );
  });
});
