/** A dump of datapath flows as Open vSwitch 3.5 and newer print it with -m: different flows, a third of them in hardware. */

/** One flow, without its newline. */
function flowLine(index: number): string {
  const hex = index.toString(16).padStart(12, '0');
  const address = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
  const place = ['offloaded:yes, dp:tc', 'offloaded:partial, dp:ovs', 'dp:ovs'][index % 3] ?? '';
  return (
    `ufid:9d31611f-7e87-4f3e-8c17-${hex}, recirc_id(${index % 2 === 0 ? '0' : '0x2a'}),dp_hash(0/0),` +
    `skb_priority(0/0),in_port(pf0vf${index % 128}),skb_mark(0/0),ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),` +
    'packet_type(ns=0,id=0),eth(src=0a:58:0a:f4:00:05/00:00:00:00:00:00,dst=0a:58:0a:f4:00:01/00:00:00:00:00:00),' +
    `eth_type(0x0800),ipv4(src=${address},dst=10.244.1.0/255.255.255.0,proto=6,tos=0/0,ttl=64/0,frag=no),` +
    `tcp(src=${index & 65535},dst=443/0), packets:${index * 7}, bytes:${index * 9001}, used:${(index % 9000) / 1000}s, ` +
    `flags:SFP., ${place}, actions:ct(commit,zone=5),recirc(0x2b),p${index % 2}, dp-extra-info:miniflow_bits(2,3)`
  );
}

/** The text in pieces, each of whole lines that end with `newline`. */
export function dumpPieces(flowCount: number, newline: string): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let start = 0; start < flowCount; start += piecesOf) {
    const lines = Array.from(
      { length: Math.min(piecesOf, flowCount - start) },
      (_, at) => flowLine(start + at) + newline,
    );
    pieces.push(Buffer.from(lines.join('')));
  }
  return pieces;
}

const piecesOf = 500;

/** Flows of such a dump that are in hardware. */
export const offloadedOf = (flowCount: number): number => Math.ceil(flowCount / 3);
