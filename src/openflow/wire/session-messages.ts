/**
 * The messages that make and keep a session: hello, echo, features, configuration, async filter, role. Used by the
 * connection.
 *
 *   hello    => element*, element => type(2) length(2) bitmaps(4)* pad, type 1 is the set of versions
 *   features => dpid(8) buffers(4) tables(1) auxiliary(1) pad2 capabilities(4) reserved(4)
 *   config   => flags(2) miss_send_len(2)
 *   async 1.3 => packet_in(4)*2 port_status(4)*2 flow_removed(4)*2;  1.4 => property*, property => type(2) 8 mask(4)
 *   role     => role(4) pad4 generation(8)
 */

import { version13 } from '../version.js';
import type { Version } from '../version.js';
import { expectWire } from './byte-reader.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { encodeMessage, messageType } from './header.js';

const elementVersions = 1;

/** Writes a hello that offers these versions. */
export function encodeHello(writer: ByteWriter, xid: number, versions: readonly Version[]): void {
  const top = versions.reduce((highest, version) => (version > highest ? version : highest), version13);
  const bitmap = versions.reduce((bits, version) => bits | (1 << version), 0);
  encodeMessage(writer, top, messageType.hello, xid, () => writer.u16(elementVersions).u16(8).u32(bitmap));
}

/**
 * The highest version of `offered` that the peer's hello admits. Open vSwitch sends no bitmap while all its versions are
 * on: then the version of its header is the highest that it speaks, and every lower one is meant as well.
 */
export function negotiate(offered: readonly Version[], headerVersion: number, body: ByteReader): Version | undefined {
  const bitmap = decodeHello(body);
  const admits = (version: Version): boolean =>
    bitmap === undefined ? version <= headerVersion : ((bitmap >>> version) & 1) === 1;
  return [...offered].sort((a, b) => b - a).find(admits);
}

/** The low 32 versions that a hello names, if it names any. */
function decodeHello(body: ByteReader): number | undefined {
  let bitmap: number | undefined;
  while (body.remaining >= 4) {
    const start = body.offset;
    const type = body.u16();
    const size = body.u16();
    expectWire(size >= 4, 'an element of hello is shorter than its header');
    const element = body.sub(size - 4);
    if (type === elementVersions && element.remaining >= 4) bitmap ??= element.u32();
    body.skipPadTo8(start);
  }
  return bitmap;
}

export interface Features {
  /** Identity of the bridge. */
  readonly datapathId: bigint;
  readonly buffers: number;
  readonly tables: number;
  readonly capabilities: number;
}

export function decodeFeatures(body: ByteReader): Features {
  const datapathId = body.u64();
  const buffers = body.u32();
  const tables = body.u8();
  body.skip(3);
  return { datapathId, buffers, tables, capabilities: body.u32() };
}

export interface SwitchConfig {
  /** Handling of IP fragments: 0 normal, 1 drop, 2 reassemble. */
  readonly flags: number;
  /** Bytes of a packet without a flow that go to the controller. Zero on a management socket means: send nothing at all. */
  readonly missSendLength: number;
}

export function encodeSetConfig(writer: ByteWriter, version: Version, xid: number, config: SwitchConfig): void {
  encodeMessage(writer, version, messageType.setConfig, xid, () => writer.u16(config.flags).u16(config.missSendLength));
}

export function decodeConfig(body: ByteReader): SwitchConfig {
  return { flags: body.u16(), missSendLength: body.u16() };
}

/** Which unasked messages the switch shall send. */
export interface AsyncFilter {
  readonly packetIn: boolean;
  readonly portStatus: boolean;
  readonly flowRemoved: boolean;
}

// The properties of a slave have even numbers, those of a master or equal the odd ones after them.
const asyncProperty = { packetIn: 0, portStatus: 2, flowRemoved: 4 } as const;
const asyncMasks = { packetIn: 0x3f, portStatus: 7, flowRemoved: 0x3f } as const;
const asyncKinds = ['packetIn', 'portStatus', 'flowRemoved'] as const;

export function encodeSetAsync(writer: ByteWriter, version: Version, xid: number, filter: AsyncFilter): void {
  const maskOf = (kind: (typeof asyncKinds)[number]): number => {
    // Reasons 4 and 5 of both kinds are newer than 1.3, where Open vSwitch refuses them.
    const known = version === version13 ? asyncMasks[kind] & 0x0f : asyncMasks[kind];
    return filter[kind] ? known : 0;
  };
  encodeMessage(writer, version, messageType.setAsync, xid, () => {
    for (const kind of asyncKinds) {
      if (version === version13) writer.u32(maskOf(kind)).u32(0);
      else
        writer
          .u16(asyncProperty[kind] + 1)
          .u16(8)
          .u32(maskOf(kind));
    }
  });
}

export type Role = 'nochange' | 'equal' | 'primary' | 'secondary';
const roles: readonly Role[] = ['nochange', 'equal', 'primary', 'secondary'];

export interface RoleState {
  readonly role: Role | 'unknown';
  readonly generation: bigint | undefined;
}

/** Writes a role request. `nochange` only asks. */
export function encodeRoleRequest(
  writer: ByteWriter,
  version: Version,
  xid: number,
  role: Role,
  generation: bigint,
): void {
  encodeMessage(writer, version, messageType.roleRequest, xid, () =>
    writer.u32(roles.indexOf(role)).u32(0).u64(generation),
  );
}

export function decodeRole(body: ByteReader): RoleState {
  const role = roles[body.u32()] ?? 'unknown';
  body.skip(4);
  return { role, generation: body.counter() };
}
