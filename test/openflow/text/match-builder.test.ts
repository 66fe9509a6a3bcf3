import { describe, expect, it } from 'vitest';
import { match } from '../../../src/openflow/match.js';
import { prerequisiteMissing } from '../../../src/openflow/text/match-builder.js';
import { parseFlow, parseMatch } from '../../../src/openflow/text/parse-flow.js';

const refused: Readonly<Record<string, string>> = {
  'a port without a protocol': 'tp_dst=80,actions=drop',
  'an address without its Ethernet type': 'nw_dst=10.0.0.1,actions=drop',
  'a priority of a tag without the tag': 'vlan_pcp=3,actions=drop',
  'a neighbour field of an echo': 'icmp6,icmp_type=128,nd_target=::1,actions=drop',
  'a mask on a field that has none': 'ip,nw_proto=6/7,actions=drop',
  'a field that is not known': 'colour=3,actions=drop',
  'a flow without actions': 'in_port=1',
  'an action that is not known': 'actions=fly:5',
  'a port by name': 'in_port=eth0,actions=drop',
  'a prefix that is too long': 'ip,nw_dst=10.0.0.0/33,actions=drop',
  'a value that is too wide': 'actions=load:0x10->NXM_NX_REG0[0..3]',
  'bits outside a field': 'actions=load:1->NXM_NX_REG0[32]',
  'a parenthesis that is not closed': 'actions=ct(commit',
  'a parenthesis that closes nothing': 'actions=ct)commit(',
  'an unknown option of ct': 'ip,actions=ct(fast)',
  'a move between different widths in learn': 'actions=learn(table=1,NXM_OF_ETH_DST[]=NXM_NX_REG0[])',
};

describe('the text of a flow', () => {
  it.each(Object.entries(refused))('is refused with %s', (_what, text) => {
    expect(() => parseFlow(text)).toThrow(expect.objectContaining({ code: 'OPENFLOW_TEXT_INVALID' }));
  });

  it('means by nw_src and nw_proto what the Ethernet type says', () => {
    expect(parseMatch('arp,nw_src=10.0.0.1,nw_proto=1')).toEqual(parseMatch('arp,arp_spa=10.0.0.1,arp_op=1'));
    expect(parseMatch('nw_src=10.0.0.1,ip')).toEqual(parseMatch('ip,ip_src=10.0.0.1'));
  });
});

describe('prerequisiteMissing', () => {
  it('names the field that a packet would not have', () => {
    expect(prerequisiteMissing(match({ tcp_dst: 80 }))).toBe('tcp_dst');
    expect(prerequisiteMissing(match({ eth_type: 0x0800, nw_proto: 17, tcp_dst: 80 }))).toBe('tcp_dst');
    expect(prerequisiteMissing(match({ eth_type: 0x86dd, nw_proto: 6, tcp_dst: 80 }))).toBeUndefined();
  });
});
