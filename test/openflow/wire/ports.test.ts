import { describe, expect, it } from 'vitest';
import { decodePortDescs, decodePortStatsList, decodePortStatus } from '../../../src/openflow/wire/ports.js';
import { plain, readerOf } from '../support/hex.js';

const name = Buffer.from('pf0vf3').toString('hex').padEnd(32, '0');
const none = 'ffffffffffffffff';
const one = '0000000000000001';
const desc = { port: 3, mac: 0x001122334455n, name: 'pf0vf3', config: 1, state: 4 };
const speeds = { current: 1, advertised: 2, supported: 3, peer: 4, speedKbps: 5, speedKbpsMax: 6 };
const speedHex = '00000001 00000002 00000003 00000004 00000005 00000006';
const old = `00000003 00000000 001122334455 0000 ${name} 00000001 00000004 ${speedHex}`;
// An experimenter property of Open vSwitch in front of the one that is known.
const now = `00000003 0058 0000 001122334455 0000 ${name} 00000001 00000004
  ffff 0010 000f0e0d 00000001 00000002 0000 0020 00000000 ${speedHex}`;

describe('decodePortDescs', () => {
  it('reads the fixed record of 1.3 and the properties of later versions', () => {
    expect(decodePortDescs(readerOf(old + old), 4)).toEqual([
      { ...desc, ...speeds },
      { ...desc, ...speeds },
    ]);
    expect(decodePortDescs(readerOf(now), 6)).toEqual([{ ...desc, ...speeds }]);
  });

  it('reads a name that fills its sixteen bytes', () => {
    const full = plain(old).replace(plain(name), '78'.repeat(16));
    expect(decodePortDescs(readerOf(full), 4)[0]?.name).toBe('x'.repeat(16));
  });

  it('refuses a record whose length cannot be', () => {
    const short = plain(now).replace('000000030058', '000000030008');
    expect(() => decodePortDescs(readerOf(short), 6)).toThrow(expect.objectContaining({ code: 'PEER_PROTOCOL' }));
  });
});

describe('decodePortStatus', () => {
  it.each([
    ['00', 'add'],
    ['01', 'delete'],
    ['02', 'modify'],
    ['09', 'unknown'],
  ])('reads reason %s', (hex, reason) => {
    expect(decodePortStatus(readerOf(`${hex} 00000000000000 ${now}`), 6)).toMatchObject({ reason, desc });
  });
});

describe('decodePortStatsList', () => {
  it('knows which counters are not kept', () => {
    const traffic = [one, none, one, none, one, none, one, none].join('');
    const counters = { rxPackets: 1n, txPackets: undefined, rxErrors: 1n, txErrors: undefined };
    const before = readerOf(`00000003 00000000 ${traffic} ${none.repeat(3)} ${one} 00000007 00000008`);
    const duration = { s: 7, ns: 8 };
    expect(decodePortStatsList(before, 4)).toMatchObject([{ port: 3, ...counters, collisions: 1n, duration }]);
    const after = readerOf(
      `0078 0000 00000003 00000007 00000008 ${traffic} 0000 0028 00000000 ${none.repeat(3)} ${one}`,
    );
    expect(decodePortStatsList(after, 6)).toMatchObject([{ port: 3, ...counters, collisions: 1n, duration }]);
  });
});
