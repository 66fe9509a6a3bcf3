/**
 * Meters: the message that changes them and their configuration as the switch reports it. Used by the client. A meter
 * cannot be changed inside a bundle (ofproto/ofproto.c).
 *
 *   meter_mod => command(2) flags(2) meter(4) band*      config => length(2) flags(2) meter(4) band*
 *   band      => type(2) len(2)=16 rate(4) burst(4) prec_level(1) pad3   OpenFlow 1.5.1 section 7.3.4.3
 */

import type { ByteReader } from './byte-reader.js';
import { expectWire } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { encodeMessage, messageType } from './header.js';
import type { Version } from '../version.js';

/** Bits of a meter's flags. */
export const meterFlag = { kbps: 1, packetsPerSecond: 2, burst: 4, stats: 8 } as const;
/** Every meter, in deletions and requests. */
export const meterAll = 0xffff_ffff;

export interface MeterBand {
  readonly kind: 'drop' | 'dscp_remark';
  /** In the unit that the meter's flags name. */
  readonly rate: number;
  readonly burst: number;
  /** By how much a remark raises the drop precedence. */
  readonly level?: number | undefined;
}

export interface Meter {
  readonly meter: number;
  readonly flags: number;
  readonly bands: readonly MeterBand[];
}

export interface MeterMod {
  readonly kind: 'meterMod';
  readonly command: 'add' | 'modify' | 'delete';
  readonly meter: number;
  readonly flags?: number | undefined;
  readonly bands?: readonly MeterBand[] | undefined;
}

const commands = { add: 0, modify: 1, delete: 2 } as const;
const bandSize = 16;

/** Writes the whole message. @throws AgentError LIMIT_EXCEEDED */
export function encodeMeterMod(writer: ByteWriter, version: Version, xid: number, mod: MeterMod): void {
  encodeMessage(writer, version, messageType.meterMod, xid, () => {
    writer
      .u16(commands[mod.command])
      .u16(mod.flags ?? 0)
      .u32(mod.meter);
    for (const band of mod.bands ?? []) {
      writer
        .u16(band.kind === 'drop' ? 1 : 2)
        .u16(bandSize)
        .u32(band.rate)
        .u32(band.burst);
      writer.u8(band.kind === 'drop' ? 0 : (band.level ?? 0)).zeros(3);
    }
  });
}

/** Reads the meters of one part. Bands of other kinds are left out. */
export function decodeMeterConfigs(body: ByteReader): readonly Meter[] {
  const list: Meter[] = [];
  while (body.remaining > 0) {
    const size = body.peekU16();
    expectWire(size >= 8, 'the configuration of a meter has no possible length');
    const record = body.sub(size);
    record.skip(2);
    list.push({ flags: record.u16(), meter: record.u32(), bands: decodeBands(record) });
  }
  return list;
}

function decodeBands(record: ByteReader): readonly MeterBand[] {
  const bands: MeterBand[] = [];
  while (record.remaining > 0) {
    const type = record.u16();
    const size = record.u16();
    expectWire(size >= bandSize, 'a meter band has no possible length');
    const body = record.sub(size - 4);
    const rate = body.u32();
    const burst = body.u32();
    if (type === 1) bands.push({ kind: 'drop', rate, burst });
    if (type === 2) bands.push({ kind: 'dscp_remark', rate, burst, level: body.u8() });
  }
  return bands;
}
