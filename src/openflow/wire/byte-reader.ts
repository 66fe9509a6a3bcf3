/**
 * Reads big-endian numbers out of one message and refuses to read past its end. Used by every decoder: no inner length
 * of a peer is believed before this reader has checked it. It copies nothing; whoever keeps bytes copies them.
 */

import { AgentError } from '../../lib/errors.js';

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;

  /** Reads `bytes` from `start` to before `end`. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length, view?: DataView) {
    this.#bytes = bytes;
    this.#view = view ?? new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = start;
    this.#end = end;
  }

  /** Offset of what comes next, in the bytes that the first reader was made of. */
  get offset(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#claim(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#claim(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#claim(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#claim(8));
  }

  /** A counter: all ones is how OpenFlow says that the switch does not keep it. */
  counter(): bigint | undefined {
    const value = this.u64();
    return value === 0xffff_ffff_ffff_ffffn ? undefined : value;
  }

  /** A number of `byteCount` bytes: a bigint when it may not fit 32 bits. */
  uint(byteCount: number): number | bigint {
    switch (byteCount) {
      case 1:
        return this.u8();
      case 2:
        return this.u16();
      case 4:
        return this.u32();
      case 8:
        return this.u64();
      default:
        return this.#bigUint(byteCount);
    }
  }

  /** The next bytes, copied. */
  bytes(count: number): Uint8Array {
    const at = this.#claim(count);
    return this.#bytes.slice(at, at + count);
  }

  /** Bytes that were read already, from `start` to here, copied. */
  since(start: number): Uint8Array {
    return this.#bytes.slice(start, this.#at);
  }

  skip(count: number): void {
    this.#claim(count);
  }

  /** Skips the zeros that fill up to a multiple of eight, counted from `start`; fewer when the end comes first. */
  skipPadTo8(start: number): void {
    const rest = (this.#at - start) & 7;
    if (rest !== 0) this.skip(Math.min(8 - rest, this.remaining));
  }

  /** The next two bytes, not consumed. */
  peekU16(): number {
    const value = this.u16();
    this.#at -= 2;
    return value;
  }

  /** A reader of the next `count` bytes, which are consumed here. */
  sub(count: number): ByteReader {
    const at = this.#claim(count);
    return new ByteReader(this.#bytes, at, at + count, this.#view);
  }

  #bigUint(byteCount: number): bigint {
    const at = this.#claim(byteCount);
    let value = 0n;
    for (let index = at; index < at + byteCount; index += 1) {
      value = (value << 8n) | BigInt(this.#view.getUint8(index));
    }
    return value;
  }

  #claim(count: number): number {
    const at = this.#at;
    if (count < 0 || count > this.#end - at) throw malformed('an inner length reaches past its end', { count });
    this.#at = at + count;
    return at;
  }
}

/** The error of a message that contradicts itself or the specification. */
export function malformed(reason: string, facts: Readonly<Record<string, number | string>> = {}): AgentError {
  return new AgentError('PEER_PROTOCOL', 'an OpenFlow message is malformed', { facts: { reason, ...facts } });
}

/** Throws PEER_PROTOCOL unless `condition` holds. */
export function expectWire(condition: boolean, reason: string): asserts condition {
  if (!condition) throw malformed(reason);
}
