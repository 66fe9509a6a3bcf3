import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flowReasons } from '../../src/offload/flow-reasons.js';
import { addTallies, FlowShares, FlowSummary, noTally, type Tally } from '../../src/offload/flow-summary.js';
import { flowTiers, isSoftware } from '../../src/offload/flow-tier.js';
import type { OffloadEngine } from '../../src/offload/offload.js';
import { anyFlow, recordedFlows, softwareFlow } from '../fakes/datapath-flows.js';
import { fixture } from '../fakes/unixctl-fixture.js';

const context = { engine: 'doca' as OffloadEngine, isInEffect: true, port: () => undefined };
const ip = 'eth_type(0x0800),ipv4(frag=no)';

function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(addTallies, noTally);
}

describe('the summary of a dump', () => {
  it('adds up to exactly what was fed, by tier, by reason, by in-port and by what counts', () => {
    fc.assert(
      fc.property(fc.array(anyFlow), fc.integer({ min: 0, max: 4 }), fc.nat(6), (flows, portsMax, topCount) => {
        const summary = new FlowSummary({ context, portsMax, topCount });
        for (const flow of flows) summary.add(flow);
        const fed = sum(flows.map(({ packets, bytes }) => ({ flows: 1, packets, bytes })));
        const { total, rest, ports, top } = summary;
        expect(total.total).toEqual(fed);
        expect(sum([...ports.values()].map(({ incoming }) => incoming.total).concat(rest.total))).toEqual(fed);
        expect(sum(Object.values(total.counted))).toEqual(fed);
        expect(sum(flowReasons.map((reason) => total.reason(reason)))).toEqual(
          sum(flowTiers.filter(isSoftware).map((tier) => total.tier(tier))),
        );
        expect(ports.size).toBeLessThanOrEqual(portsMax);
        expect(top.length).toBe(Math.min(topCount, total.counted.software.flows));
      }),
    );
  });

  it('keeps the largest software flows, the largest first', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000)), fc.integer({ min: 1, max: 10 }), (packets, topCount) => {
        const summary = new FlowSummary({ context: { ...context, warmUpPackets: -1 }, topCount });
        for (const count of packets) summary.add(softwareFlow(ip, 'p0', { packets: count }));
        const largest = [...packets].sort((a, b) => b - a).slice(0, topCount);
        expect(summary.top.map((flow) => flow.packets)).toEqual(largest);
      }),
    );
  });

  it('keeps control traffic and warm-up apart, and out of the list', () => {
    const summary = new FlowSummary({ context });
    summary.add(softwareFlow('eth_type(0x0806)', 'p0', { packets: 900, bytes: 9 }));
    summary.add(softwareFlow(ip, 'p0', { packets: 2, bytes: 8 }));
    summary.add(softwareFlow(ip, 'p0', { packets: 50, bytes: 7 }));
    expect(summary.total.counted).toEqual({
      hardware: noTally,
      software: { flows: 1, packets: 50, bytes: 7 },
      control: { flows: 1, packets: 900, bytes: 9 },
      warmUp: { flows: 1, packets: 2, bytes: 8 },
      unknown: noTally,
    });
    expect(summary.top).toMatchObject([{ packets: 50, reason: 'other', inPort: 'pf0vf3', outPorts: ['p0'] }]);
  });

  it('counts a flow at its in-port once and at each of its other ports once', () => {
    const summary = new FlowSummary({ context });
    summary.add(softwareFlow(ip, 'p0,p1,p0,pf0vf3', { packets: 10, bytes: 100 }));
    const packets = [...summary.ports].map(([name, port]) => [
      name,
      port.incoming.total.packets,
      port.outgoing.total.packets,
    ]);
    expect(packets).toEqual([
      ['pf0vf3', 10, 0],
      ['p0', 0, 10],
      ['p1', 0, 10],
    ]);
  });

  it('bounds and escapes the texts that it keeps', () => {
    const summary = new FlowSummary({ context });
    summary.add(softwareFlow(`${ip},x(${'y'.repeat(9000)})`, `p\u001b0`));
    const [flow] = summary.top;
    expect(flow?.match.length).toBeLessThan(1100);
    expect(flow?.outPorts).toEqual(['p\\u001b0']);
  });

  it.each([
    ['ovs-3.1/dump-flows-m', { hardware: 0, software: 20 }],
    ['ovs-3.5/dump-flows-m', { hardware: 0, software: 20 }],
    ['ovs-4.0/dump-flows-m', { hardware: 15, software: 5 }],
  ])('of %s has its packets where the daemon had them', (name, packets) => {
    const summary = new FlowSummary({ context: { ...context, engine: 'unknown' } });
    for (const flow of recordedFlows(name)) summary.add(flow);
    const { hardware, software, unknown } = summary.total.counted;
    expect({ hardware: hardware.packets, software: software.packets }).toEqual(packets);
    expect(unknown).toEqual(noTally);
  });
});

/** Counted in the text itself, by what Open vSwitch prints of each flow: nothing is shared with the parser. */
function printed(text: string): { readonly hardware: number; readonly partial: number; readonly others: number } {
  const lines = text.split('\n').filter((line) => line.startsWith('ufid:'));
  const hardware = lines.filter((line) => line.includes(', offloaded:yes, ')).length;
  const partial = lines.filter((line) => line.includes(', offloaded:partial, ')).length;
  return { hardware, partial, others: lines.length - hardware - partial };
}

describe('the tiers of a dump', () => {
  it.each([
    ['ovs-3.1/dump-flows-m', 'dpdk'],
    ['ovs-3.1-dummy/dump-flows-m', 'dpdk'],
    ['ovs-3.5/dump-flows-m', 'dpdk'],
    ['ovs-4.0/dump-flows-m', 'dpdk'],
    ['by-hand/dump-flows-m', 'doca'],
  ] as const)('of %s have as many flows as Open vSwitch itself calls so', (name, engine) => {
    const summary = new FlowSummary({ context: { ...context, engine } });
    for (const flow of recordedFlows(name)) summary.add(flow);
    const { total } = summary;
    const counts = printed(fixture(name));
    expect(counts.hardware + counts.partial + counts.others).toBeGreaterThan(0);
    expect(total.tier('hw').flows).toBe(counts.hardware);
    expect(total.tier('partial').flows).toBe(counts.partial);
    expect(total.tier('pmd').flows).toBe(counts.others);
    expect(sum(flowReasons.map((reason) => total.reason(reason))).flows).toBe(counts.partial + counts.others);
    expect(sum([...summary.ports.values()].map(({ incoming }) => incoming.total))).toEqual(total.total);
  });

  it('of 4.0 are in hardware and marked, as its dummy hardware was told to', () => {
    expect(printed(fixture('ovs-4.0/dump-flows-m'))).toEqual({ hardware: 3, partial: 1, others: 0 });
  });
});

describe('shares', () => {
  it('merge as if all had been fed to one', () => {
    const [a, b, both] = [new FlowShares(), new FlowShares(), new FlowShares()];
    a.add('hw', undefined, 3, 30);
    b.add('pmd', 'other', 4, 40);
    both.add('hw', undefined, 3, 30);
    both.add('pmd', 'other', 4, 40);
    a.merge(b);
    expect(a.counted).toEqual(both.counted);
    expect(a.reason('other')).toEqual({ flows: 1, packets: 4, bytes: 40 });
  });
});
