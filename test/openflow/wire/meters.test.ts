import { describe, expect, it } from 'vitest';
import { decodeMeterConfigs, encodeMeterMod } from '../../../src/openflow/wire/meters.js';
import { hexOf, plain, readerOf } from '../support/hex.js';

describe('encodeMeterMod', () => {
  it('writes what ovs-ofctl add-meter writes', () => {
    // ovs-ofctl -O OpenFlow15 add-meter br0 meter=7,pktps,burst,stats,band=type=drop,rate=1000,burst_size=50
    const band = { kind: 'drop', rate: 1000, burst: 50 } as const;
    const hex = hexOf((writer) =>
      encodeMeterMod(writer, 6, 2, { kind: 'meterMod', command: 'add', meter: 7, flags: 14, bands: [band] }),
    );
    expect(hex).toBe(plain('061d0020 00000002 0000 000e 00000007 0001 0010 000003e8 00000032 00000000'));
  });
});

describe('decodeMeterConfigs', () => {
  it('reads bands, and leaves out those of other kinds', () => {
    const hex = `0038 000e 00000007 0001 0010 000003e8 00000032 00000000
      0002 0010 00000001 00000002 05 000000 ffff 0010 00000000 00000000 00000000`;
    expect(decodeMeterConfigs(readerOf(hex))).toEqual([
      {
        meter: 7,
        flags: 14,
        bands: [
          { kind: 'drop', rate: 1000, burst: 50 },
          { kind: 'dscp_remark', rate: 1, burst: 2, level: 5 },
        ],
      },
    ]);
  });
});
