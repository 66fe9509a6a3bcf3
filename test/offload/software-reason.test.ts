import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DatapathFlow } from '../../src/model/datapath-flow.js';
import { flowReasons, isApart, offloadFlowReasons } from '../../src/offload/flow-reasons.js';
import { flowTiers, isSoftware, tierOf } from '../../src/offload/flow-tier.js';
import type { OffloadEngine } from '../../src/offload/offload.js';
import { softwareReason, type OffloadPort, type SoftwareContext } from '../../src/offload/software-reason.js';
import { anyFlow, recordedFlows, softwareFlow } from '../fakes/datapath-flows.js';
import { documentedTable } from '../fakes/documented-table.js';

const ports: Readonly<Record<string, OffloadPort>> = {
  pf0vf3: { kind: 'offloadable', provider: 'doca', eswitch: 'a' },
  pf0vf4: { kind: 'offloadable', provider: 'doca', eswitch: 'a' },
  pf1vf0: { kind: 'offloadable', provider: 'doca', eswitch: 'b' },
  vf9tc: { kind: 'offloadable', provider: 'tc', eswitch: 'a' },
  'br-ovn': { kind: 'internal' },
  veth0: { kind: 'other' },
  genev_sys_6081: { kind: 'tunnel' },
  exempt0: { kind: 'offloadable', isExempt: true },
};

const on = (engine: OffloadEngine, more: Partial<SoftwareContext> = {}): SoftwareContext => ({
  engine,
  isInEffect: true,
  port: (name) => ports[name],
  ...more,
});

const doca = on('doca');
const dpdk = on('dpdk');
const tc = on('tc');
const ip = 'eth_type(0x0800),ipv4(frag=no)';

function reasonOf(flow: DatapathFlow, context: SoftwareContext): string | undefined {
  return softwareReason(flow, tierOf(flow, context), context)?.reason;
}

// Written by hand in the format of odp-util.c (match and actions), one row for each question.
const rows: readonly (readonly [reason: string, words: string, DatapathFlow, SoftwareContext])[] = [
  ['expected_control', 'ARP', softwareFlow('eth_type(0x0806),arp(op=1)', 'pf0vf4'), doca],
  [
    'expected_control',
    'ARP in a VLAN',
    softwareFlow('eth_type(0x8100),vlan(vid=7),encap(eth_type(0x0806))', 'drop'),
    tc,
  ],
  ['expected_control', 'LLDP', softwareFlow('eth_type(0x88cc)', 'drop'), doca],
  ['expected_control', 'LACP', softwareFlow('eth_type(0x8809)', 'userspace(pid=0,slow_path(lacp))'), tc],
  ['expected_control', 'ND', softwareFlow('eth_type(0x86dd),ipv6(proto=58),icmpv6(type=135,code=0)', 'pf0vf4'), doca],
  ['expected_control', 'STP', softwareFlow('eth(dst=01:80:c2:00:00:00)', 'drop'), tc],
  ['expected_control', 'BFD', softwareFlow(`${ip},udp(dst=3784)`, 'pf0vf4'), doca],
  ['expected_control', 'what the slow path takes for BFD', softwareFlow(ip, 'userspace(pid=1,slow_path(bfd))'), tc],
  [
    'expected_control',
    'ARP while offload is off',
    softwareFlow('eth_type(0x0806)', 'p'),
    on('tc', { isInEffect: false }),
  ],
  ['offload_disabled', 'not in effect', softwareFlow(ip, 'pf0vf4'), on('tc', { isInEffect: false })],
  ['offload_disabled', 'no hardware', softwareFlow(ip, 'pf0vf4'), on('userspace')],
  ['policy_skip_hw', 'TC by policy', softwareFlow(ip, 'pf0vf4', { layer: 'tc' }), on('tc', { tcPolicy: 'skip_hw' })],
  ['policy_skip_hw', 'the kernel under that policy', softwareFlow(ip, 'pf0vf4'), on('tc', { tcPolicy: 'skip_hw' })],
  ['policy_skip_hw', 'an exempt port', softwareFlow(ip, 'exempt0'), doca],
  [
    'internal_port',
    'what the datapath says of an internal port',
    softwareFlow(ip, 'br-ovn', { offloadInfo: 'match unsupported: br-ovn: unable to get eswitch mgr port id' }),
    doca,
  ],
  [
    'port_not_offloadable',
    'the same of another port',
    softwareFlow(ip, 'x0', { offloadInfo: 'match unsupported: x0: unable to get eswitch mgr port id' }),
    doca,
  ],
  ['unsupported_match', 'its own words', softwareFlow(ip, 'pf0vf4', { offloadInfo: 'match unsupported: gtp' }), doca],
  ['unsupported_action', 'its own words', softwareFlow(ip, 'pf0vf4', { offloadInfo: 'action unsupported' }), doca],
  ['hw_table_full', 'its own words', softwareFlow(ip, 'pf0vf4', { offloadInfo: 'insert: ENOSPC' }), doca],
  ['ct_table_full', 'its own words', softwareFlow(ip, 'pf0vf4', { offloadInfo: 'CT table is full' }), doca],
  ['internal_port', 'out', softwareFlow(ip, 'br-ovn'), doca],
  ['internal_port', 'in', softwareFlow(ip, 'pf0vf4', { inPort: 'br-ovn' }), tc],
  ['internal_port', 'in a clone', softwareFlow(ip, 'clone(br-ovn),pf0vf4'), tc],
  ['port_not_offloadable', 'veth', softwareFlow(ip, 'veth0'), tc],
  ['provider_mismatch', 'two providers', softwareFlow(ip, 'vf9tc'), doca],
  ['provider_mismatch', 'two eSwitches of rte_flow', softwareFlow(ip, 'pf1vf0'), dpdk],
  ['other', 'two eSwitches elsewhere prove nothing', softwareFlow(ip, 'pf1vf0'), doca],
  ['other', 'a tunnel proves nothing', softwareFlow(ip, 'genev_sys_6081'), tc],
  ['other', 'a port that nobody knows proves nothing', softwareFlow(ip, 'strange'), tc],
  ['ct_new', 'by bits', softwareFlow(`ct_state(0x21/0x21),${ip}`, 'ct(commit),pf0vf4'), doca],
  ['ct_new', 'by words', softwareFlow(`ct_state(+new-est+trk),${ip}`, 'pf0vf4'), tc],
  ['other', 'established is not new', softwareFlow(`ct_state(0x22/0x23),${ip}`, 'pf0vf4'), doca],
  [
    'ct_ipv6_disabled',
    'tracked IPv6',
    softwareFlow('ct_state(0x22/0x22),eth_type(0x86dd),ipv6(frag=no)', 'pf0vf4'),
    on('doca', { isCtIpv6InEffect: false }),
  ],
  [
    'other',
    'IPv6 that nobody tracks',
    softwareFlow('eth_type(0x86dd),ipv6(frag=no)', 'pf0vf4'),
    on('doca', { isCtIpv6InEffect: false }),
  ],
  ['ct_table_full', 'by fill', softwareFlow(ip, 'ct(zone=5),recirc(0x2)'), on('doca', { ctFill: 0.99 })],
  ['other', 'room left', softwareFlow(ip, 'ct(zone=5),recirc(0x2)'), on('doca', { ctFill: 0.5 })],
  ['unsupported_match', 'mark', softwareFlow(`skb_mark(0x1/0xff),${ip}`, 'pf0vf4'), tc],
  ['other', 'a mark that does not matter', softwareFlow(`skb_mark(0x1/0),${ip}`, 'pf0vf4'), tc],
  ['unsupported_match', 'dp_hash', softwareFlow(`dp_hash(0x1/0xf),${ip}`, 'pf0vf4'), tc],
  ['unsupported_match', 'priority', softwareFlow(`skb_priority(0x1),${ip}`, 'pf0vf4'), tc],
  ['unsupported_match', 'invalid connections', softwareFlow(`ct_state(0x30/0x30),${ip}`, 'drop'), tc],
  ['unsupported_match', 'related connections', softwareFlow(`ct_state(0x24/0x24),${ip}`, 'pf0vf4'), tc],
  ['unsupported_match', 'two labels', softwareFlow('eth_type(0x8847),mpls(lse0=0x1,lse1=0x2)', 'pf0vf4'), tc],
  ['unsupported_match', 'IGMP', softwareFlow('eth_type(0x0800),ipv4(proto=2,frag=no)', 'pf0vf4'), tc],
  ['unsupported_match', 'fragments', softwareFlow('eth_type(0x86dd),ipv6(frag=later)', 'pf0vf4'), tc],
  ['unsupported_match', 'no Ethernet', softwareFlow(`packet_type(ns=1,id=0x800),${ip}`, 'pf0vf4'), tc],
  ['unsupported_match', 'second pass in rte_flow', softwareFlow(ip, 'pf0vf4', { recircId: 7 }), dpdk],
  ['unsupported_match', 'tracked in rte_flow', softwareFlow(`ct_state(0x22/0x22),${ip}`, 'pf0vf4'), dpdk],
  ['unsupported_match', 'tracked ICMP', softwareFlow('eth_type(0x0800),ipv4(proto=1)', 'ct(zone=1),recirc(1)'), doca],
  ['unsupported_match', 'hash of tracked', softwareFlow(`dp_hash(1/1),${ip}`, 'ct(zone=1),recirc(1)'), doca],
  ...[
    'sample(sample=1%,actions(drop)),pf0vf4',
    'hash_l4(0),recirc(1)',
    'trunc(100),pf0vf4',
    'dec_ttl(le_1(drop)),pf0vf4',
  ].map((actions) => ['unsupported_action', actions, softwareFlow(ip, actions), tc] as const),
  ['unsupported_action', 'helper', softwareFlow(ip, 'ct(commit,helper=ftp),recirc(1)'), tc],
  ['unsupported_action', 'too many', softwareFlow(ip, Array(17).fill('pf0vf4').join(',')), tc],
  ['unsupported_action', 'to the controller', softwareFlow(ip, 'userspace(pid=1,controller(reason=1))'), doca],
  ['unsupported_action', 'ct in rte_flow', softwareFlow(ip, 'ct(commit),recirc(0x1)'), dpdk],
  ['unsupported_action', 'set of what rte_flow lacks', softwareFlow(ip, 'set(tunnel(tun_id=1)),pf0vf4'), dpdk],
  ['other', 'set of what it has', softwareFlow(ip, 'set(ipv4(ttl=63)),push_vlan(vid=7),pf0vf4'), dpdk],
  ['drop_action', 'drop in DOCA', softwareFlow(ip, 'drop'), doca],
  ['unsupported_action', 'marked only', softwareFlow(ip, 'pf0vf4', { offloaded: 'partial' }), on('unknown')],
  ['hw_table_full', 'no room', softwareFlow(ip, 'pf0vf4'), on('tc', { isHardwareFull: true })],
  ['warming_up', 'first packets', softwareFlow(ip, 'pf0vf4', { packets: 2, usedMs: 100 }), doca],
  ['warming_up', 'none yet', softwareFlow(ip, 'pf0vf4', { packets: 0, usedMs: undefined }), doca],
  ['other', 'few packets, long ago', softwareFlow(ip, 'pf0vf4', { packets: 2, usedMs: 60_000 }), doca],
  ['drop_action', 'first packets of what will never be', softwareFlow(ip, 'drop', { packets: 1 }), doca],
  ['other', 'nothing explains it', softwareFlow(ip, 'pf0vf4'), doca],
];

describe('the reason of a software flow', () => {
  it.each(rows)('is %s: %s', (reason, _words, flow, context) => {
    expect(reasonOf(flow, context)).toBe(reason);
  });

  it('is each one that there is, in the table above', () => {
    expect(new Set(rows.map(([reason]) => reason))).toEqual(new Set(flowReasons));
  });

  it('says what it was seen by, in safe words', () => {
    const flow = softwareFlow(ip, 'pf0vf4', { offloadInfo: `match unsupported: \u001b[31m${'x'.repeat(5000)}` });
    const evidence = softwareReason(flow, 'pmd', doca)?.evidence ?? '';
    expect(evidence).toContain('\\u001b');
    expect(evidence.length).toBeLessThan(300);
    expect(softwareReason(softwareFlow(ip, 'br-ovn'), 'pmd', doca)?.evidence).toBe('port br-ovn is internal');
    expect(softwareReason(softwareFlow(`dp_hash(1),${ip}`, 'p'), 'kernel', tc)?.evidence).toBe('match on dp_hash');
  });

  it('of a flow in TC is never that offload is off: that it is there proves the contrary', () => {
    expect(reasonOf(softwareFlow(ip, 'pf0vf4', { layer: 'tc' }), on('tc', { isInEffect: false }))).toBe('other');
  });

  it('is exactly one for software and none for the rest, whatever the texts are', () => {
    const context = fc.record({
      engine: fc.constantFrom<OffloadEngine>('unknown', 'none', 'tc', 'dpdk', 'doca', 'userspace'),
      isInEffect: fc.option(fc.boolean(), { nil: undefined }),
      tcPolicy: fc.constantFrom('none' as const, 'skip_sw' as const, 'skip_hw' as const, undefined),
      ctFill: fc.option(fc.double({ min: 0, max: 1 }), { nil: undefined }),
      port: fc.constant((name: string) => ports[name]),
    });
    fc.assert(
      fc.property(anyFlow, context, (one, around) => {
        const tier = tierOf(one, around);
        expect(flowTiers).toContain(tier);
        const found = softwareReason(one, tier, around);
        expect(found !== undefined).toBe(isSoftware(tier));
        if (found !== undefined) expect(flowReasons).toContain(found.reason);
      }),
      { numRuns: 500 },
    );
  });
});

describe('recorded flows', () => {
  it('of 4.0: the marked one is for its action', () => {
    const context = on('unknown');
    const found = recordedFlows('ovs-4.0/dump-flows-m').map((flow) => [flow.actions, reasonOf(flow, context)]);
    expect(found).toEqual([
      ['p0_if', undefined],
      ['p0_if', undefined],
      ['pf0vf3', undefined],
      ['ct(commit),recirc(0x1)', 'unsupported_action'],
    ]);
  });

  it('by hand: what NVIDIA prints of an internal port', () => {
    const found = recordedFlows('by-hand/dump-flows-m').map((flow) => reasonOf(flow, doca));
    expect(found).toEqual([undefined, 'internal_port']);
  });
});

describe('the words for reasons of flows', () => {
  it('are all documented with their meaning, in the order of the list', () => {
    const documented = documentedTable('errors.md', 'Flow reason');
    expect([...documented.keys()]).toEqual(flowReasons);
    for (const [reason, { meaning, isExpected, remedy }] of Object.entries(offloadFlowReasons)) {
      expect(documented.get(reason)).toEqual([meaning, isExpected ? 'yes' : 'no', remedy]);
    }
  });

  it('leave control traffic and warm-up out of ratios, and nothing else', () => {
    expect(flowReasons.filter(isApart)).toEqual(['expected_control', 'warming_up']);
  });
});
