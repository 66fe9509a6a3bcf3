import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../src/openflow/wire/byte-writer.js';

describe('ByteWriter', () => {
  it('grows, pads, goes back for a length, and is cut', () => {
    const writer = new ByteWriter(1);
    writer.u8(1).u16(0).u32(0xdeadbeef).padTo8(0).zeros(3);
    writer.setU16(1, 0x0203);
    writer.truncate(8);
    expect(writer.asKey()).toBe('\u0001\u0002\u0003\u00de\u00ad\u00be\u00ef\u0000');
    expect(Buffer.from(writer.take()).toString('hex')).toBe('010203deadbeef00');
  });

  it('never touches again what it gave away', () => {
    const writer = new ByteWriter(8);
    const first = writer.u8(1).take();
    writer.u8(2).take();
    expect(first).toEqual(Uint8Array.of(1));
  });

  it('clears what a former message left behind', () => {
    const writer = new ByteWriter(8);
    writer.u64(0xffff_ffff_ffff_ffffn);
    writer.truncate(0);
    expect(writer.zeros(8).take()).toEqual(new Uint8Array(8));
  });
});
