/**
 * Ports: descriptions, their changes, and counters. Used by the client. From 1.4 on a record has a length and a list of
 * properties, of which Open vSwitch sends one of its own; records are therefore stepped over by their length.
 *
 *   ofp_port 1.3 => number(4) pad4 mac(6) pad2 name(16) config(4) state(4) curr(4) adv(4) supp(4) peer(4) speed(4) max(4)
 *   ofp_port 1.4 => number(4) length(2) pad2 mac(6) pad2 name(16) config(4) state(4) property*
 *     ethernet   => 0 32 pad4 curr(4) adv(4) supp(4) peer(4) speed(4) max(4)
 *   status       => reason(1) pad7 ofp_port
 *   stats 1.3    => number(4) pad4 counter(8)*12 s(4) ns(4)
 *   stats 1.4    => length(2) pad2 number(4) s(4) ns(4) counter(8)*8 property*, ethernet => 0 40 pad4 counter(8)*4
 */

import { version13, version14 } from '../version.js';
import type { Version } from '../version.js';
import { expectWire } from './byte-reader.js';
import type { ByteReader } from './byte-reader.js';
import type { Duration } from '../flow.js';

/** A port as the switch describes it. */
export interface PortDesc {
  readonly port: number;
  /** Address in the low 48 bits. */
  readonly mac: bigint;
  /** At most 15 bytes: OpenFlow cuts longer names, so identify ports by number. */
  readonly name: string;
  /** `ofp_port_config`: 1 down, 4 no_recv, 32 no_fwd, 64 no_packet_in. */
  readonly config: number;
  /** `ofp_port_state`: 1 link_down, 2 blocked, 4 live. */
  readonly state: number;
  /** Features and speeds in kbit/s; zero where the switch does not know. */
  readonly current: number;
  readonly advertised: number;
  readonly supported: number;
  readonly peer: number;
  readonly speedKbps: number;
  readonly speedKbpsMax: number;
}

export interface PortStatus {
  readonly reason: 'add' | 'delete' | 'modify' | 'unknown';
  readonly desc: PortDesc;
}

/** Counters of a port; what the switch does not keep is undefined. */
export interface PortStats {
  readonly port: number;
  readonly duration: Duration | undefined;
  readonly rxPackets: bigint | undefined;
  readonly txPackets: bigint | undefined;
  readonly rxBytes: bigint | undefined;
  readonly txBytes: bigint | undefined;
  readonly rxDropped: bigint | undefined;
  readonly txDropped: bigint | undefined;
  readonly rxErrors: bigint | undefined;
  readonly txErrors: bigint | undefined;
  readonly rxFrameErrors: bigint | undefined;
  readonly rxOverErrors: bigint | undefined;
  readonly rxCrcErrors: bigint | undefined;
  readonly collisions: bigint | undefined;
}

const nameSize = 16;
const portSize13 = 64;
const propertyEthernet = 0;

/** Reads one description. @throws AgentError PEER_PROTOCOL */
export function decodePortDesc(reader: ByteReader, version: Version): PortDesc {
  const start = reader.remaining;
  const port = reader.u32();
  const size = version === version13 ? portSize13 : reader.u16();
  reader.skip(version === version13 ? 4 : 2);
  expectWire(size >= 40 && size <= start, 'the description of a port has no possible length');
  const rest = reader.sub(size - 8);
  const mac = BigInt(rest.uint(6));
  rest.skip(2);
  const name = textOf(rest.bytes(nameSize));
  const base = { port, mac, name, config: rest.u32(), state: rest.u32() };
  return { ...base, ...(version === version13 ? decodeSpeeds(rest) : decodeSpeedProperty(rest)) };
}

/** Reads every description of a part. */
export function decodePortDescs(body: ByteReader, version: Version): readonly PortDesc[] {
  const list: PortDesc[] = [];
  while (body.remaining > 0) list.push(decodePortDesc(body, version));
  return list;
}

type Speeds = Pick<PortDesc, 'current' | 'advertised' | 'supported' | 'peer' | 'speedKbps' | 'speedKbpsMax'>;

function decodeSpeeds(reader: ByteReader): Speeds {
  return {
    current: reader.u32(),
    advertised: reader.u32(),
    supported: reader.u32(),
    peer: reader.u32(),
    speedKbps: reader.u32(),
    speedKbpsMax: reader.u32(),
  };
}

function decodeSpeedProperty(rest: ByteReader): Speeds {
  const ethernet = findProperty(rest, propertyEthernet);
  if (ethernet === undefined) {
    return { current: 0, advertised: 0, supported: 0, peer: 0, speedKbps: 0, speedKbpsMax: 0 };
  }
  ethernet.skip(4);
  return decodeSpeeds(ethernet);
}

/** The value of the property with this type, if it is there. */
function findProperty(reader: ByteReader, wanted: number): ByteReader | undefined {
  let found: ByteReader | undefined;
  while (reader.remaining > 0) {
    const start = reader.offset;
    const type = reader.u16();
    const size = reader.u16();
    expectWire(size >= 4, 'a property is shorter than its header');
    const value = reader.sub(size - 4);
    reader.skipPadTo8(start);
    if (type === wanted) found ??= value;
  }
  return found;
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}

/** Reads the body of a port-status message. */
export function decodePortStatus(body: ByteReader, version: Version): PortStatus {
  const reason = (['add', 'delete', 'modify'] as const)[body.u8()] ?? 'unknown';
  body.skip(7);
  return { reason, desc: decodePortDesc(body, version) };
}

/** Reads every record of a part. */
export function decodePortStatsList(body: ByteReader, version: Version): readonly PortStats[] {
  const list: PortStats[] = [];
  while (body.remaining > 0) list.push(version >= version14 ? decodeStats14(body) : decodeStats13(body));
  return list;
}

type Traffic = Omit<PortStats, 'port' | 'duration' | keyof EthernetCounters>;
type EthernetCounters = Pick<PortStats, 'rxFrameErrors' | 'rxOverErrors' | 'rxCrcErrors' | 'collisions'>;

function decodeTraffic(reader: ByteReader): Traffic {
  return {
    rxPackets: reader.counter(),
    txPackets: reader.counter(),
    rxBytes: reader.counter(),
    txBytes: reader.counter(),
    rxDropped: reader.counter(),
    txDropped: reader.counter(),
    rxErrors: reader.counter(),
    txErrors: reader.counter(),
  };
}

function decodeEthernet(reader: ByteReader): EthernetCounters {
  return {
    rxFrameErrors: reader.counter(),
    rxOverErrors: reader.counter(),
    rxCrcErrors: reader.counter(),
    collisions: reader.counter(),
  };
}

const noEthernet: EthernetCounters = {
  rxFrameErrors: undefined,
  rxOverErrors: undefined,
  rxCrcErrors: undefined,
  collisions: undefined,
};

function decodeStats13(body: ByteReader): PortStats {
  const port = body.u32();
  body.skip(4);
  const counters = { ...decodeTraffic(body), ...decodeEthernet(body) };
  return { port, ...counters, duration: durationOf(body.u32(), body.u32()) };
}

function decodeStats14(body: ByteReader): PortStats {
  const size = body.u16();
  body.skip(2);
  expectWire(size >= 80, 'the counters of a port have no possible length');
  const record = body.sub(size - 4);
  const port = record.u32();
  const duration = durationOf(record.u32(), record.u32());
  const traffic = decodeTraffic(record);
  const ethernet = findProperty(record, propertyEthernet);
  ethernet?.skip(4);
  return { port, duration, ...traffic, ...(ethernet === undefined ? noEthernet : decodeEthernet(ethernet)) };
}

function durationOf(s: number, ns: number): Duration | undefined {
  return s === 0xffff_ffff && ns === 0xffff_ffff ? undefined : { s, ns };
}
