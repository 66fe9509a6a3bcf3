import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flowTiers, isSoftware, tierOf, type FlowTier } from '../../src/offload/flow-tier.js';
import type { OffloadEngine } from '../../src/offload/offload.js';
import { recordedFlows } from '../fakes/datapath-flows.js';

const engines: readonly OffloadEngine[] = ['unknown', 'none', 'tc', 'dpdk', 'doca', 'userspace'];
const plain = { core: undefined };

describe('the tier of a flow', () => {
  it.each([
    ['TC in hardware', 'yes', 'tc', 'tc', 'hw'],
    ['TC on the CPU: without the word offloaded', undefined, 'tc', 'tc', 'tc_sw'],
    ['rte_flow', 'yes', 'dpdk', 'dpdk', 'hw'],
    ['DOCA', 'yes', 'doca', 'doca', 'hw'],
    ['MARK and RSS only: software forwards', 'partial', 'ovs', 'dpdk', 'partial'],
    ['MARK and RSS, whatever the layer', 'partial', 'dpdk', 'dpdk', 'partial'],
    ['the kernel module', undefined, 'ovs', 'tc', 'kernel'],
    ['a thread of DPDK', undefined, 'ovs', 'dpdk', 'pmd'],
    ['a thread of DOCA', undefined, 'ovs', 'doca', 'pmd'],
    ['a thread without hardware', undefined, 'ovs', 'userspace', 'pmd'],
    ['software of an engine that is not known', undefined, 'ovs', 'unknown', 'unknown'],
    ['a layer that is not known', 'yes', 'xdp', 'unknown', 'unknown'],
    ['a contradiction: offloaded, and of no layer with hardware', 'yes', 'ovs', 'tc', 'unknown'],
    ['a contradiction: DOCA, and not offloaded', undefined, 'doca', 'doca', 'unknown'],
    ['a dump without -m', undefined, undefined, 'tc', 'unknown'],
  ] as const)('%s: %s %s on %s is %s', (_words, offloaded, layer, engine, tier) => {
    expect(tierOf({ ...plain, offloaded, layer }, { engine })).toBe(tier);
  });

  it('is not proven by TC of a kernel that says nothing of hardware', () => {
    const flow = { ...plain, offloaded: 'yes', layer: 'tc' } as const;
    expect(tierOf(flow, { engine: 'tc', tcFlags: 'silent' })).toBe('unknown');
    expect(tierOf(flow, { engine: 'tc', tcFlags: 'said' })).toBe('hw');
    expect(tierOf({ ...flow, offloaded: undefined }, { engine: 'tc', tcFlags: 'silent' })).toBe('tc_sw');
  });

  it('is a thread where the dump names one, also of an engine that is not known', () => {
    expect(tierOf({ offloaded: undefined, layer: 'ovs', core: 3 }, { engine: 'unknown' })).toBe('pmd');
    expect(tierOf({ offloaded: undefined, layer: 'ovs', core: 'main' }, { engine: 'none' })).toBe('pmd');
  });

  it('is always one of the list, and hardware only with the word offloaded', () => {
    fc.assert(
      fc.property(
        fc.option(fc.constantFrom('yes' as const, 'partial' as const), { nil: undefined }),
        fc.option(fc.oneof(fc.constantFrom('ovs', 'tc', 'dpdk', 'doca', 'dummy'), fc.string()), { nil: undefined }),
        fc.constantFrom(...engines),
        fc.option(fc.oneof(fc.nat(), fc.constant('main' as const)), { nil: undefined }),
        (offloaded, layer, engine, core) => {
          const tier = tierOf({ offloaded, layer, core }, { engine });
          expect(flowTiers).toContain(tier);
          if (tier === 'hw') expect(offloaded).toBe('yes');
          if (offloaded === undefined) expect(tier).not.toBe('hw');
        },
      ),
    );
  });
});

describe('recorded dumps', () => {
  // What the daemons did is in the lines of provenance: 3.1 and 3.5 mark packets at most and print nothing of it, 4.0
  // offloads an output and marks for `ct`.
  it.each([
    ['ovs-3.1/dump-flows-m', { pmd: 4 }],
    ['ovs-3.1-dummy/dump-flows-m', { pmd: 4 }],
    ['ovs-3.5/dump-flows-m', { pmd: 4 }],
    ['ovs-4.0/dump-flows-m', { hw: 3, partial: 1 }],
    ['by-hand/dump-flows-m', { hw: 1, pmd: 1 }],
    ['ovs-4.0/dump-flows', { unknown: 4 }],
    ['ovs-3.1/dump-flows', { unknown: 4 }],
  ])('of %s have the tiers %j', (name, expected) => {
    const counts: Partial<Record<FlowTier, number>> = {};
    for (const flow of recordedFlows(name)) {
      const tier = tierOf(flow, { engine: 'unknown' });
      counts[tier] = (counts[tier] ?? 0) + 1;
    }
    expect(counts).toEqual(expected);
  });
});

describe('software', () => {
  it('is what touches every packet on the CPU, marked or not', () => {
    expect(flowTiers.filter(isSoftware)).toEqual(['partial', 'tc_sw', 'kernel', 'pmd']);
  });
});
