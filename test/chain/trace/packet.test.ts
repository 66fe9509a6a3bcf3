import { describe, expect, it } from 'vitest';
import { defaultPacket, describePacket, formatTraceFlow, parsePacket } from '../../../src/chain/trace/packet.js';

const any = { kind: 'any' } as const;

describe('a described packet', () => {
  it('takes addresses by their form, source first, in any order with the rest', () => {
    const packet = parsePacket('udp, 10.0.0.1,02:AA:00:00:00:01,10.0.0.2,dport=53,02:00:00:00:00:09,ttl=3');
    expect(packet).toEqual({
      protocol: 'udp',
      srcMac: '02:aa:00:00:00:01',
      dstMac: '02:00:00:00:00:09',
      srcIp: '10.0.0.1',
      dstIp: '10.0.0.2',
      srcPort: undefined,
      dstPort: 53,
      vlan: undefined,
      ttl: 3,
    });
    expect(describePacket(packet)).toBe('udp 10.0.0.1 → 10.0.0.2:53 (02:aa:00:00:00:01 → 02:00:00:00:00:09)');
  });

  it.each([
    ['10.0.0.1,10.0.0.2,10.0.0.3', 'third address'],
    ['10.0.0.1,fd00::1', 'one address is IPv4 and the other IPv6'],
    ['fd00::1,fd00::2,arp', 'ARP is of IPv4'],
    ['icmp,dport=1', 'icmp has no ports'],
    ['udp,dport=65536', 'dport is at most 65535'],
    ['vlan=4095', 'vlan is at most 4094'],
    ['in_port=1', 'nothing that describes a packet'],
    ['fd00::1%eth0', 'nothing that describes a packet'],
    ['udp,actions=drop', 'nothing that describes a packet'],
    ['', 'nothing that describes a packet'],
    ['\u001b[31m', '\\u001b'],
  ])('refuses %j', (text, words) => {
    expect(() => parsePacket(text)).toThrow(words);
  });
});

describe('a packet in the words of ofproto/trace', () => {
  it('is a ping by default', () => {
    expect(formatTraceFlow(defaultPacket, 7, any)).toBe(
      'icmp,in_port=7,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=192.0.2.1,nw_dst=192.0.2.2,nw_ttl=64,icmp_type=8',
    );
  });

  it('has the VLAN that the port carries, unless another is named', () => {
    const tagged = { kind: 'tag', vid: 100 } as const;
    expect(formatTraceFlow(defaultPacket, 7, tagged)).toContain('dl_vlan=100,dl_vlan_pcp=0');
    expect(formatTraceFlow({ ...defaultPacket, vlan: 5 }, 7, tagged)).toContain('dl_vlan=5,');
    expect(formatTraceFlow(defaultPacket, 7, { kind: 'untagged' })).not.toContain('dl_vlan');
  });

  it('names the fields of each protocol', () => {
    const end = (text: string): string =>
      formatTraceFlow(parsePacket(text), 1, any).replace(/dl_src.*dl_dst=[^,]*,/, '');
    expect(end('tcp,10.0.0.1,10.0.0.2,sport=1,dport=2')).toBe(
      'tcp,in_port=1,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tcp_src=1,tcp_dst=2',
    );
    expect(end('fd00::1,fd00::2,udp')).toBe('udp6,in_port=1,ipv6_src=fd00::1,ipv6_dst=fd00::2,nw_ttl=64');
    expect(end('fd00::1')).toContain('icmp6,in_port=1,ipv6_src=fd00::1,ipv6_dst=2001:db8::2,nw_ttl=64,icmpv6_type=128');
    expect(end('arp,10.0.0.1,10.0.0.2')).toBe('arp,in_port=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_op=1');
  });
});
