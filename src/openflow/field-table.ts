/**
 * The table of the header fields that flows match and actions write. Used by `fields.ts` alone, which derives the headers
 * and look-ups from it. After "meta-flow.h" and ovs-fields(7); fields of tunnel options, NSH, ERSPAN and GTP-U are not in
 * it and travel as raw bytes.
 */

/** How a value is written as text. */
export type FieldFormat =
  'dec' | 'hex' | 'ipv4' | 'ipv6' | 'mac' | 'port' | 'ctState' | 'tcpFlags' | 'frag' | 'tunFlags' | 'packetType';

/** What a packet must be for the field to exist in it; ovs-fields(7), "Prerequisites". */
export type Prerequisite =
  | 'vlan'
  | 'mpls'
  | 'arp'
  | 'ipv4'
  | 'ipv6'
  | 'ip'
  | 'tcp'
  | 'udp'
  | 'sctp'
  | 'icmp'
  | 'icmp6'
  | 'nd'
  | 'ndSolicit'
  | 'ndAdvert'
  | 'ct';

export interface FieldRow {
  readonly bits: number;
  /** Bytes on the wire, where they are more than the bits need. */
  readonly bytes?: number;
  readonly format: FieldFormat;
  /** Name and number in the classes NXM_OF (0x0000) and NXM_NX (0x0001). */
  readonly nxm?: readonly [string, number];
  /** Name and number in the classes OXM_OF (0x8000) and, for xreg, PACKET_REGS (0x8001). */
  readonly oxm?: readonly [string, number];
  readonly isMaskable?: boolean;
  readonly needs?: Prerequisite;
  /** Other names that the text form knows. The first is the one that Open vSwitch prints, where it has another. */
  readonly textNames?: readonly string[];
}

// In the order in which Open vSwitch writes the fields of a match: ours must be byte for byte the same, and the order is
// also one that puts every prerequisite first. The last three occur in actions only.
export const fieldRows = {
  packet_type: { bits: 32, format: 'packetType', oxm: ['OXM_OF_PACKET_TYPE', 44] },
  dp_hash: { bits: 32, format: 'hex', nxm: ['NXM_NX_DP_HASH', 35], isMaskable: true },
  recirc_id: { bits: 32, format: 'dec', nxm: ['NXM_NX_RECIRC_ID', 36] },
  conj_id: { bits: 32, format: 'dec', nxm: ['NXM_NX_CONJ_ID', 37] },
  in_port: { bits: 32, format: 'port', oxm: ['OXM_OF_IN_PORT', 0], textNames: ['in_port_oxm'] },
  actset_output: { bits: 32, format: 'port', oxm: ['OXM_OF_ACTSET_OUTPUT', 43] },
  eth_src: {
    bits: 48,
    format: 'mac',
    nxm: ['NXM_OF_ETH_SRC', 2],
    oxm: ['OXM_OF_ETH_SRC', 4],
    isMaskable: true,
    textNames: ['dl_src'],
  },
  eth_dst: {
    bits: 48,
    format: 'mac',
    nxm: ['NXM_OF_ETH_DST', 1],
    oxm: ['OXM_OF_ETH_DST', 3],
    isMaskable: true,
    textNames: ['dl_dst'],
  },
  eth_type: {
    bits: 16,
    format: 'hex',
    nxm: ['NXM_OF_ETH_TYPE', 3],
    oxm: ['OXM_OF_ETH_TYPE', 5],
    textNames: ['dl_type'],
  },
  vlan_vid: { bits: 12, format: 'dec', oxm: ['OXM_OF_VLAN_VID', 6], isMaskable: true },
  vlan_pcp: { bits: 3, format: 'dec', oxm: ['OXM_OF_VLAN_PCP', 7], needs: 'vlan' },
  mpls_tc: { bits: 3, format: 'dec', oxm: ['OXM_OF_MPLS_TC', 35], needs: 'mpls' },
  mpls_bos: { bits: 1, format: 'dec', oxm: ['OXM_OF_MPLS_BOS', 36], needs: 'mpls' },
  mpls_ttl: { bits: 8, format: 'dec', nxm: ['NXM_NX_MPLS_TTL', 30], needs: 'mpls' },
  mpls_label: { bits: 20, format: 'dec', oxm: ['OXM_OF_MPLS_LABEL', 34], needs: 'mpls' },
  ip_src: {
    bits: 32,
    format: 'ipv4',
    nxm: ['NXM_OF_IP_SRC', 7],
    oxm: ['OXM_OF_IPV4_SRC', 11],
    isMaskable: true,
    needs: 'ipv4',
    textNames: ['nw_src'],
  },
  ip_dst: {
    bits: 32,
    format: 'ipv4',
    nxm: ['NXM_OF_IP_DST', 8],
    oxm: ['OXM_OF_IPV4_DST', 12],
    isMaskable: true,
    needs: 'ipv4',
    textNames: ['nw_dst'],
  },
  ipv6_src: {
    bits: 128,
    format: 'ipv6',
    nxm: ['NXM_NX_IPV6_SRC', 19],
    oxm: ['OXM_OF_IPV6_SRC', 26],
    isMaskable: true,
    needs: 'ipv6',
  },
  ipv6_dst: {
    bits: 128,
    format: 'ipv6',
    nxm: ['NXM_NX_IPV6_DST', 20],
    oxm: ['OXM_OF_IPV6_DST', 27],
    isMaskable: true,
    needs: 'ipv6',
  },
  ip_frag: {
    bits: 2,
    format: 'frag',
    nxm: ['NXM_NX_IP_FRAG', 26],
    isMaskable: true,
    needs: 'ip',
    textNames: ['nw_frag'],
  },
  ip_dscp: { bits: 6, format: 'dec', oxm: ['OXM_OF_IP_DSCP', 8], needs: 'ip' },
  nw_ecn: {
    bits: 2,
    format: 'dec',
    nxm: ['NXM_NX_IP_ECN', 28],
    oxm: ['OXM_OF_IP_ECN', 9],
    needs: 'ip',
    textNames: ['ip_ecn'],
  },
  nw_ttl: { bits: 8, format: 'dec', nxm: ['NXM_NX_IP_TTL', 29], needs: 'ip' },
  ipv6_label: {
    bits: 20,
    format: 'hex',
    nxm: ['NXM_NX_IPV6_LABEL', 27],
    oxm: ['OXM_OF_IPV6_FLABEL', 28],
    isMaskable: true,
    needs: 'ipv6',
  },
  nw_proto: {
    bits: 8,
    format: 'dec',
    nxm: ['NXM_OF_IP_PROTO', 6],
    oxm: ['OXM_OF_IP_PROTO', 10],
    needs: 'ip',
    textNames: ['ip_proto'],
  },
  tcp_src: {
    bits: 16,
    format: 'dec',
    nxm: ['NXM_OF_TCP_SRC', 9],
    oxm: ['OXM_OF_TCP_SRC', 13],
    isMaskable: true,
    needs: 'tcp',
    textNames: ['tp_src'],
  },
  tcp_dst: {
    bits: 16,
    format: 'dec',
    nxm: ['NXM_OF_TCP_DST', 10],
    oxm: ['OXM_OF_TCP_DST', 14],
    isMaskable: true,
    needs: 'tcp',
    textNames: ['tp_dst'],
  },
  tcp_flags: {
    bits: 12,
    format: 'tcpFlags',
    nxm: ['NXM_NX_TCP_FLAGS', 34],
    oxm: ['OXM_OF_TCP_FLAGS', 42],
    isMaskable: true,
    needs: 'tcp',
  },
  udp_src: {
    bits: 16,
    format: 'dec',
    nxm: ['NXM_OF_UDP_SRC', 11],
    oxm: ['OXM_OF_UDP_SRC', 15],
    isMaskable: true,
    needs: 'udp',
  },
  udp_dst: {
    bits: 16,
    format: 'dec',
    nxm: ['NXM_OF_UDP_DST', 12],
    oxm: ['OXM_OF_UDP_DST', 16],
    isMaskable: true,
    needs: 'udp',
  },
  sctp_src: { bits: 16, format: 'dec', oxm: ['OXM_OF_SCTP_SRC', 17], isMaskable: true, needs: 'sctp' },
  sctp_dst: { bits: 16, format: 'dec', oxm: ['OXM_OF_SCTP_DST', 18], isMaskable: true, needs: 'sctp' },
  icmp_type: { bits: 8, format: 'dec', nxm: ['NXM_OF_ICMP_TYPE', 13], oxm: ['OXM_OF_ICMPV4_TYPE', 19], needs: 'icmp' },
  icmp_code: { bits: 8, format: 'dec', nxm: ['NXM_OF_ICMP_CODE', 14], oxm: ['OXM_OF_ICMPV4_CODE', 20], needs: 'icmp' },
  icmpv6_type: {
    bits: 8,
    format: 'dec',
    nxm: ['NXM_NX_ICMPV6_TYPE', 21],
    oxm: ['OXM_OF_ICMPV6_TYPE', 29],
    needs: 'icmp6',
  },
  icmpv6_code: {
    bits: 8,
    format: 'dec',
    nxm: ['NXM_NX_ICMPV6_CODE', 22],
    oxm: ['OXM_OF_ICMPV6_CODE', 30],
    needs: 'icmp6',
  },
  nd_target: {
    bits: 128,
    format: 'ipv6',
    nxm: ['NXM_NX_ND_TARGET', 23],
    oxm: ['OXM_OF_IPV6_ND_TARGET', 31],
    isMaskable: true,
    needs: 'nd',
  },
  nd_sll: {
    bits: 48,
    format: 'mac',
    nxm: ['NXM_NX_ND_SLL', 24],
    oxm: ['OXM_OF_IPV6_ND_SLL', 32],
    isMaskable: true,
    needs: 'ndSolicit',
  },
  nd_tll: {
    bits: 48,
    format: 'mac',
    nxm: ['NXM_NX_ND_TLL', 25],
    oxm: ['OXM_OF_IPV6_ND_TLL', 33],
    isMaskable: true,
    needs: 'ndAdvert',
  },
  arp_op: { bits: 16, format: 'dec', nxm: ['NXM_OF_ARP_OP', 15], oxm: ['OXM_OF_ARP_OP', 21], needs: 'arp' },
  arp_spa: {
    bits: 32,
    format: 'ipv4',
    nxm: ['NXM_OF_ARP_SPA', 16],
    oxm: ['OXM_OF_ARP_SPA', 22],
    isMaskable: true,
    needs: 'arp',
  },
  arp_tpa: {
    bits: 32,
    format: 'ipv4',
    nxm: ['NXM_OF_ARP_TPA', 17],
    oxm: ['OXM_OF_ARP_TPA', 23],
    isMaskable: true,
    needs: 'arp',
  },
  arp_sha: {
    bits: 48,
    format: 'mac',
    nxm: ['NXM_NX_ARP_SHA', 17],
    oxm: ['OXM_OF_ARP_SHA', 24],
    isMaskable: true,
    needs: 'arp',
  },
  arp_tha: {
    bits: 48,
    format: 'mac',
    nxm: ['NXM_NX_ARP_THA', 18],
    oxm: ['OXM_OF_ARP_THA', 25],
    isMaskable: true,
    needs: 'arp',
  },
  tun_id: {
    bits: 64,
    format: 'hex',
    nxm: ['NXM_NX_TUN_ID', 16],
    oxm: ['OXM_OF_TUNNEL_ID', 38],
    isMaskable: true,
    textNames: ['tunnel_id'],
  },
  tun_flags: { bits: 1, bytes: 2, format: 'tunFlags', nxm: ['NXM_NX_TUN_FLAGS', 104], isMaskable: true },
  tun_src: { bits: 32, format: 'ipv4', nxm: ['NXM_NX_TUN_IPV4_SRC', 31], isMaskable: true },
  tun_dst: { bits: 32, format: 'ipv4', nxm: ['NXM_NX_TUN_IPV4_DST', 32], isMaskable: true },
  tun_ipv6_src: { bits: 128, format: 'ipv6', nxm: ['NXM_NX_TUN_IPV6_SRC', 109], isMaskable: true },
  tun_ipv6_dst: { bits: 128, format: 'ipv6', nxm: ['NXM_NX_TUN_IPV6_DST', 110], isMaskable: true },
  tun_gbp_id: { bits: 16, format: 'dec', nxm: ['NXM_NX_TUN_GBP_ID', 38], isMaskable: true },
  tun_gbp_flags: { bits: 8, format: 'hex', nxm: ['NXM_NX_TUN_GBP_FLAGS', 39], isMaskable: true },
  reg0: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG0', 0], isMaskable: true },
  reg1: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG1', 1], isMaskable: true },
  reg2: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG2', 2], isMaskable: true },
  reg3: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG3', 3], isMaskable: true },
  reg4: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG4', 4], isMaskable: true },
  reg5: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG5', 5], isMaskable: true },
  reg6: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG6', 6], isMaskable: true },
  reg7: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG7', 7], isMaskable: true },
  reg8: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG8', 8], isMaskable: true },
  reg9: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG9', 9], isMaskable: true },
  reg10: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG10', 10], isMaskable: true },
  reg11: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG11', 11], isMaskable: true },
  reg12: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG12', 12], isMaskable: true },
  reg13: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG13', 13], isMaskable: true },
  reg14: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG14', 14], isMaskable: true },
  reg15: { bits: 32, format: 'hex', nxm: ['NXM_NX_REG15', 15], isMaskable: true },
  xreg0: { bits: 64, format: 'hex', oxm: ['OXM_OF_PKT_REG0', 0], isMaskable: true },
  xreg1: { bits: 64, format: 'hex', oxm: ['OXM_OF_PKT_REG1', 1], isMaskable: true },
  xreg2: { bits: 64, format: 'hex', oxm: ['OXM_OF_PKT_REG2', 2], isMaskable: true },
  xreg3: { bits: 64, format: 'hex', oxm: ['OXM_OF_PKT_REG3', 3], isMaskable: true },
  xreg4: { bits: 64, format: 'hex', oxm: ['OXM_OF_PKT_REG4', 4], isMaskable: true },
  xreg5: { bits: 64, format: 'hex', oxm: ['OXM_OF_PKT_REG5', 5], isMaskable: true },
  xreg6: { bits: 64, format: 'hex', oxm: ['OXM_OF_PKT_REG6', 6], isMaskable: true },
  xreg7: { bits: 64, format: 'hex', oxm: ['OXM_OF_PKT_REG7', 7], isMaskable: true },
  xxreg0: { bits: 128, format: 'hex', nxm: ['NXM_NX_XXREG0', 111], isMaskable: true },
  xxreg1: { bits: 128, format: 'hex', nxm: ['NXM_NX_XXREG1', 112], isMaskable: true },
  xxreg2: { bits: 128, format: 'hex', nxm: ['NXM_NX_XXREG2', 113], isMaskable: true },
  xxreg3: { bits: 128, format: 'hex', nxm: ['NXM_NX_XXREG3', 114], isMaskable: true },
  pkt_mark: { bits: 32, format: 'hex', nxm: ['NXM_NX_PKT_MARK', 33], isMaskable: true },
  ct_state: { bits: 32, format: 'ctState', nxm: ['NXM_NX_CT_STATE', 105], isMaskable: true },
  ct_zone: { bits: 16, format: 'hex', nxm: ['NXM_NX_CT_ZONE', 106] },
  ct_mark: { bits: 32, format: 'hex', nxm: ['NXM_NX_CT_MARK', 107], isMaskable: true },
  ct_label: { bits: 128, format: 'hex', nxm: ['NXM_NX_CT_LABEL', 108], isMaskable: true },
  ct_nw_src: { bits: 32, format: 'ipv4', nxm: ['NXM_NX_CT_NW_SRC', 120], isMaskable: true, needs: 'ct' },
  ct_ipv6_src: { bits: 128, format: 'ipv6', nxm: ['NXM_NX_CT_IPV6_SRC', 122], isMaskable: true, needs: 'ct' },
  ct_nw_dst: { bits: 32, format: 'ipv4', nxm: ['NXM_NX_CT_NW_DST', 121], isMaskable: true, needs: 'ct' },
  ct_ipv6_dst: { bits: 128, format: 'ipv6', nxm: ['NXM_NX_CT_IPV6_DST', 123], isMaskable: true, needs: 'ct' },
  ct_nw_proto: { bits: 8, format: 'dec', nxm: ['NXM_NX_CT_NW_PROTO', 119], needs: 'ct' },
  ct_tp_src: { bits: 16, format: 'dec', nxm: ['NXM_NX_CT_TP_SRC', 124], isMaskable: true, needs: 'ct' },
  ct_tp_dst: { bits: 16, format: 'dec', nxm: ['NXM_NX_CT_TP_DST', 125], isMaskable: true, needs: 'ct' },
  metadata: { bits: 64, format: 'hex', oxm: ['OXM_OF_METADATA', 2], isMaskable: true },
  nxm_in_port: { bits: 16, format: 'port', nxm: ['NXM_OF_IN_PORT', 0], textNames: ['in_port'] },
  vlan_tci: { bits: 16, format: 'hex', nxm: ['NXM_OF_VLAN_TCI', 4], isMaskable: true },
  nw_tos: { bits: 8, format: 'dec', nxm: ['NXM_OF_IP_TOS', 5], needs: 'ip' },
} as const satisfies Record<string, FieldRow>;
