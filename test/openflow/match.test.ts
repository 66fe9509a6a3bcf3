import { describe, expect, it } from 'vitest';
import { match, matchKey, normalMatch } from '../../src/openflow/match.js';
import { parseMatch } from '../../src/openflow/text/parse-flow.js';
import { ByteReader } from '../../src/openflow/wire/byte-reader.js';
import { ByteWriter } from '../../src/openflow/wire/byte-writer.js';
import { decodeMatch, encodeMatch } from '../../src/openflow/wire/oxm.js';

describe('match', () => {
  it('has one form for the same match, however it was written', () => {
    const written = [
      match({ ip_dst: { value: 0x0a010203, mask: 0xff000000 }, eth_type: 0x0800, in_port: 1 }),
      match({ in_port: 1, eth_type: 0x0800, ip_dst: { value: 0x0a000000, mask: 0xff000000 } }),
      parseMatch('ip,in_port=1,nw_dst=10.0.0.0/8'),
    ];
    expect(new Set(written.map(matchKey)).size).toBe(1);
  });

  it('takes extended registers apart', () => {
    expect(match({ xreg1: { value: 0x5_0000_0000n, mask: 0xff_0000_0000n } })).toEqual([
      { field: 'reg2', value: 5, mask: 0xff },
    ]);
    expect(match({ xxreg0: 1n }).map(({ field }) => field)).toEqual(['reg0', 'reg1', 'reg2', 'reg3']);
  });

  it('drops what it does not look at, and masks that cover everything', () => {
    expect(match({ reg0: { value: 5, mask: 0 }, reg1: { value: 5, mask: 0xffff_ffff } })).toEqual([
      { field: 'reg1', value: 5 },
    ]);
  });

  it('keeps a field that it does not know byte for byte', () => {
    const bytes = Uint8Array.of(0x12, 0x34, 0x56, 2, 0xab, 0xcd);
    const writer = new ByteWriter();
    encodeMatch(
      writer,
      6,
      normalMatch([
        { field: 'raw', bytes },
        { field: 'in_port', value: 1 },
      ]),
    );
    const decoded = decodeMatch(new ByteReader(writer.take()));
    expect(decoded).toEqual([
      { field: 'in_port', value: 1 },
      { field: 'raw', bytes },
    ]);
  });

  it.each([
    ['a value that is too wide', () => match({ vlan_pcp: 256 })],
    ['a negative value', () => match({ reg0: -1 })],
    ['a fraction', () => match({ reg0: 0.5 })],
    ['a mask on a field that cannot have one', () => match({ in_port: { value: 1, mask: 1 } })],
  ])('refuses %s', (_what, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'OPENFLOW_VALUE_INVALID' }));
  });
});
