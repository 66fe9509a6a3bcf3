/**
 * Writes big-endian numbers one after the other into a buffer that grows. Used by every encoder. It knows no OpenFlow
 * beyond the habit of padding to eight bytes and of filling in a length once the end is known.
 */

import { assert } from '../../lib/assert.js';

export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #size = 0;

  /** @param capacity bytes to set aside at first */
  constructor(capacity = 512) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far; the offset of what comes next. */
  get size(): number {
    return this.#size;
  }

  u8(value: number): this {
    const at = this.#claim(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#claim(2);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.#claim(4);
    this.#view.setUint32(at, value);
    return this;
  }

  u64(value: bigint): this {
    if (value === 0n) return this.u32(0).u32(0);
    const at = this.#claim(8);
    this.#view.setBigUint64(at, value);
    return this;
  }

  /** The low `byteCount` bytes of the number, 1 to 16 of them. */
  uint(value: number | bigint, byteCount: number): this {
    if (typeof value === 'bigint') return this.#bigUint(value, byteCount);
    switch (byteCount) {
      case 1:
        return this.u8(value);
      case 2:
        return this.u16(value);
      case 4:
        return this.u32(value);
      default:
        return this.#bigUint(BigInt(value), byteCount);
    }
  }

  bytes(source: Uint8Array): this {
    const at = this.#claim(source.length);
    this.#bytes.set(source, at);
    return this;
  }

  zeros(count: number): this {
    const at = this.#claim(count);
    this.#bytes.fill(0, at, at + count);
    return this;
  }

  /** Zeros until the size, counted from `start`, is a multiple of eight. */
  padTo8(start: number): this {
    const rest = (this.#size - start) & 7;
    return rest === 0 ? this : this.zeros(8 - rest);
  }

  /** Overwrites two bytes that were written before, for example with a length. */
  setU16(at: number, value: number): void {
    assert(at + 2 <= this.#size, 'only what was written can be overwritten');
    this.#view.setUint16(at, value);
  }

  /** Forgets what was written from `size` on. */
  truncate(size: number): void {
    assert(size <= this.#size, 'a writer cannot be cut longer');
    this.#size = size;
  }

  /** Everything written so far as a text with one character for each byte, for use as a key. */
  asKey(): string {
    return Buffer.from(this.#bytes.buffer, 0, this.#size).toString('latin1');
  }

  /** Gives away everything written so far and starts anew; the bytes are never touched again. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#size);
    this.#bytes = new Uint8Array(Math.max(64, Math.min(this.#bytes.length, capacityKept)));
    this.#view = new DataView(this.#bytes.buffer);
    this.#size = 0;
    return taken;
  }

  #bigUint(value: bigint, byteCount: number): this {
    if (byteCount === 8) return this.u64(value);
    let at = this.#claim(byteCount) + byteCount;
    let rest = value;
    for (let index = 0; index < byteCount; index += 1) {
      at -= 1;
      this.#bytes[at] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    return this;
  }

  #claim(count: number): number {
    const at = this.#size;
    const end = at + count;
    if (end > this.#bytes.length) this.#grow(end);
    this.#size = end;
    return at;
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** A writer that once held a large batch does not set that much aside again. */
const capacityKept = 1 << 17;
