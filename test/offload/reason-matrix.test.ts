/** Every reason with every engine to which it applies: a flow that has it, and one that only nearly has. */

import { describe, expect, it } from 'vitest';
import type { DatapathFlow } from '../../src/model/datapath-flow.js';
import { flowReasons, type FlowReason } from '../../src/offload/flow-reasons.js';
import { tierOf } from '../../src/offload/flow-tier.js';
import { softwareReason, type OffloadPort, type SoftwareContext } from '../../src/offload/software-reason.js';
import { softwareFlow } from '../fakes/datapath-flows.js';

const engines = ['tc', 'dpdk', 'doca'] as const;

type Engine = (typeof engines)[number];

const ports: Readonly<Record<string, OffloadPort>> = {
  pf0vf3: { kind: 'offloadable', provider: 'a', eswitch: '1' },
  pf0vf4: { kind: 'offloadable', provider: 'a', eswitch: '1' },
  pf1vf0: { kind: 'offloadable', provider: 'b', eswitch: '1' },
  'br-ovn': { kind: 'internal' },
  veth0: { kind: 'other' },
  genev_sys_6081: { kind: 'tunnel' },
  exempt0: { kind: 'offloadable', isExempt: true },
};

interface Case {
  readonly flow: DatapathFlow;
  readonly context?: Partial<SoftwareContext>;
}

interface Row {
  readonly reason: FlowReason;
  readonly engines: readonly Engine[];
  readonly has: Case;
  readonly hasNot: Case;
  /** What the near miss has instead, with each engine. Default `other`. */
  readonly instead?: FlowReason | undefined;
}

const ip = 'eth_type(0x0800),ipv4(frag=no)';
const ip6 = 'eth_type(0x86dd),ipv6(frag=no)';
const plain = softwareFlow(ip, 'pf0vf4');

const rows: readonly Row[] = [
  {
    reason: 'expected_control',
    engines,
    has: { flow: softwareFlow(`${ip},udp(dst=3784)`, 'pf0vf4') },
    hasNot: { flow: softwareFlow(`${ip},udp(src=3784,dst=3786)`, 'pf0vf4') },
  },
  {
    reason: 'warming_up',
    engines,
    has: { flow: { ...plain, packets: 3, usedMs: 1999 } },
    hasNot: { flow: { ...plain, packets: 4, usedMs: 0 } },
  },
  {
    // However few its packets are: it has had its time.
    reason: 'warming_up',
    engines,
    has: { flow: { ...plain, packets: 1, usedMs: 4999 }, context: { insertionDelayMs: 5000 } },
    hasNot: { flow: { ...plain, packets: 1, usedMs: 5000 }, context: { insertionDelayMs: 5000 } },
  },
  {
    reason: 'offload_disabled',
    engines,
    has: { flow: plain, context: { isInEffect: false } },
    hasNot: { flow: plain, context: { isInEffect: undefined } },
  },
  {
    reason: 'policy_skip_hw',
    engines: ['tc'],
    has: { flow: plain, context: { tcPolicy: 'skip_hw' } },
    hasNot: { flow: plain, context: { tcPolicy: 'skip_sw' } },
  },
  {
    reason: 'policy_skip_hw',
    engines,
    has: { flow: softwareFlow(ip, 'exempt0') },
    hasNot: { flow: plain },
  },
  {
    // The policy of TC is none of a userspace datapath's business.
    reason: 'offload_disabled',
    engines: ['dpdk', 'doca'],
    has: { flow: plain, context: { isInEffect: false, tcPolicy: 'skip_hw' } },
    hasNot: { flow: plain, context: { tcPolicy: 'skip_hw' } },
  },
  {
    reason: 'internal_port',
    engines,
    has: { flow: softwareFlow(ip, 'br-ovn') },
    hasNot: { flow: softwareFlow(ip, 'genev_sys_6081') },
  },
  {
    reason: 'port_not_offloadable',
    engines,
    has: { flow: softwareFlow(ip, 'veth0') },
    hasNot: { flow: softwareFlow(ip, 'veth1') },
  },
  {
    reason: 'provider_mismatch',
    engines,
    has: { flow: softwareFlow(ip, 'pf1vf0') },
    hasNot: { flow: plain },
  },
  {
    reason: 'ct_new',
    engines: ['tc', 'doca'],
    has: { flow: softwareFlow(`ct_state(0x21/0x21),${ip}`, 'pf0vf4') },
    hasNot: { flow: softwareFlow(`ct_state(0x20/0x21),${ip}`, 'pf0vf4') },
  },
  {
    reason: 'ct_ipv6_disabled',
    engines: ['doca'],
    has: { flow: softwareFlow(`ct_state(0x22/0x23),${ip6}`, 'pf0vf4'), context: { isCtIpv6InEffect: false } },
    hasNot: { flow: softwareFlow(`ct_state(0x22/0x23),${ip}`, 'pf0vf4'), context: { isCtIpv6InEffect: false } },
  },
  {
    reason: 'ct_table_full',
    engines: ['tc', 'doca'],
    has: { flow: softwareFlow(ip, 'ct(zone=5),recirc(0x2)'), context: { ctFill: 0.98 } },
    hasNot: { flow: plain, context: { ctFill: 1 } },
  },
  {
    reason: 'unsupported_match',
    engines: ['tc', 'dpdk'],
    has: { flow: softwareFlow(`skb_mark(0x1/0xff),${ip}`, 'pf0vf4') },
    hasNot: { flow: softwareFlow(`skb_mark(0x1/0),${ip}`, 'pf0vf4') },
  },
  {
    reason: 'unsupported_match',
    engines: ['doca'],
    has: { flow: softwareFlow('eth_type(0x0800),ipv4(proto=1)', 'ct(zone=1),recirc(0x1)') },
    hasNot: { flow: softwareFlow('eth_type(0x0800),ipv4(proto=1)', 'pf0vf4') },
  },
  {
    reason: 'unsupported_action',
    engines,
    has: { flow: softwareFlow(ip, 'sample(sample=1%,actions(userspace(pid=1))),pf0vf4') },
    hasNot: { flow: softwareFlow(ip, 'push_vlan(vid=7),pf0vf4') },
  },
  {
    reason: 'unsupported_action',
    engines: ['tc', 'doca'],
    has: { flow: softwareFlow(ip, 'ct(commit,helper=ftp),recirc(0x1)') },
    hasNot: { flow: softwareFlow(ip, 'ct(commit),recirc(0x1)') },
  },
  {
    reason: 'drop_action',
    engines: ['doca'],
    has: { flow: softwareFlow(`ct_state(0x21/0x21),${ip}`, 'drop') },
    hasNot: { flow: softwareFlow(`ct_state(0x21/0x21),${ip}`, 'pf0vf4') },
    instead: 'ct_new',
  },
  {
    reason: 'hw_table_full',
    engines,
    has: { flow: plain, context: { isHardwareFull: true } },
    hasNot: { flow: plain, context: { isHardwareFull: false } },
  },
  {
    // TC and rte_flow carry `drop` out in hardware.
    reason: 'other',
    engines: ['tc', 'dpdk'],
    has: { flow: softwareFlow(ip, 'drop') },
    hasNot: { flow: softwareFlow(ip, 'userspace(pid=1)') },
    instead: 'unsupported_action',
  },
  {
    reason: 'other',
    engines,
    has: { flow: plain },
    hasNot: { flow: { ...plain, packets: 0, usedMs: undefined } },
    instead: 'warming_up',
  },
];

const cases = rows.flatMap((row) => row.engines.map((engine) => ({ ...row, engine })));

function reasonOf({ flow, context = {} }: Case, engine: Engine): FlowReason | undefined {
  const around = { engine, isInEffect: true, port: (name: string) => ports[name], ...context };
  return softwareReason(flow, tierOf(flow, around), around)?.reason;
}

describe('the reason of a software flow, by engine', () => {
  it.each(cases)(
    '$engine: $reason, and what only nearly has it',
    ({ reason, engine, has, hasNot, instead = 'other' }) => {
      expect(reasonOf(has, engine)).toBe(reason);
      expect(reasonOf(hasNot, engine)).toBe(instead);
    },
  );

  it('is each one with each engine where it applies', () => {
    const only: Partial<Record<FlowReason, readonly Engine[]>> = {
      ct_new: ['tc', 'doca'],
      ct_ipv6_disabled: ['doca'],
      ct_table_full: ['tc', 'doca'],
      drop_action: ['doca'],
    };
    const wanted = flowReasons.flatMap((reason) => (only[reason] ?? engines).map((engine) => `${reason} ${engine}`));
    expect(new Set(cases.map(({ reason, engine }) => `${reason} ${engine}`))).toEqual(new Set(wanted));
  });

  it('is none once the flow is in hardware, whatever else is so', () => {
    for (const { engine, has } of cases) {
      const flow: DatapathFlow = { ...has.flow, offloaded: 'yes', layer: engine };
      expect(reasonOf({ ...has, flow }, engine)).toBeUndefined();
    }
  });
});
