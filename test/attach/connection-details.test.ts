import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConnectionDetails } from '../../src/attach/connection-details.js';
import type { DetailsReading, NetworkDetails } from '../../src/attach/connection-details.js';
import { anyNadKey, anyText, isPrintable, trickyTexts, unparsableTexts } from './hostile-texts.js';

const sandboxId = 'ab'.repeat(32);
const wire = { pfId: '0', vfId: '3', sandboxId, vfNetdevName: 'enp1s0f0v3' };
const read = { kind: 'ok', pf: 0, vf: 3, sandboxId, vfNetdevName: 'enp1s0f0v3' };

function parse(value: unknown): DetailsReading {
  return parseConnectionDetails(JSON.stringify(value));
}

function networksOf(reading: DetailsReading): ReadonlyMap<string, NetworkDetails> {
  if (reading.kind !== 'read') throw new Error(`not read: ${reading.kind}`);
  return reading.networks;
}

/** The one network's details. */
function only(entry: unknown): NetworkDetails {
  const details = networksOf(parse({ 'ns/a': entry })).get('ns/a');
  if (details === undefined) throw new Error('the network is missing');
  return details;
}

const validId = fc.integer({ min: 0, max: 999 }).map(String);
const validSandbox = fc.stringMatching(/^[0-9a-zA-Z._-]{1,128}$/);
const validEntry = fc.record({ pfId: validId, vfId: validId, sandboxId: validSandbox });
const badEntry = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }).filter((value) => JSON.stringify(value).length < 300),
  fc.record({ pfId: fc.constantFrom(0, null, '01', '-1', [], {}), vfId: validId, sandboxId: validSandbox }),
);

describe('parseConnectionDetails: forms', () => {
  it('reads the map form', () => {
    const reading = parse({ default: wire, 'ns-a/blue/1': { ...wire, vfId: '4' } });
    expect(reading).toEqual({
      kind: 'read',
      networks: new Map([
        ['default', read],
        ['ns-a/blue/1', { ...read, vf: 4 }],
      ]),
      ignored: [],
    });
  });

  it('reads the legacy form as the default network', () => {
    expect(parse(wire)).toEqual({ kind: 'read', networks: new Map([['default', read]]), ignored: [] });
  });

  it('reads the legacy form beside members that it does not know', () => {
    const reading = parse({ ...wire, extra: { a: 1 }, version: 2 });
    expect(networksOf(reading)).toEqual(new Map([['default', read]]));
  });

  it('calls a wrong legacy text an invalid default network, and not absent', () => {
    const details = networksOf(parse({ pfId: 0, vfId: '3', sandboxId })).get('default');
    expect(details).toEqual({ kind: 'invalid', problem: 'pfId is a number, not a string.' });
  });

  it('tolerates the empty entries that Go leaves in a map that was legacy once', () => {
    const empty = { pfId: '', vfId: '', sandboxId: '' };
    const reading = parse({ default: wire, pfId: empty, vfId: empty, sandboxId: empty });
    expect(reading).toEqual({
      kind: 'read',
      networks: new Map([['default', read]]),
      ignored: ['pfId', 'vfId', 'sandboxId'],
    });
  });

  it('ignores junk beside networks, and says what', () => {
    const reading = parse({ default: wire, junk: 5, 'a\u0007b': 'x', Default: wire });
    expect(reading).toEqual({
      kind: 'read',
      networks: new Map([['default', read]]),
      ignored: ['junk', 'a\\u0007b', 'Default'],
    });
  });

  it('calls the default network invalid, not absent, where both forms are mixed', () => {
    const networks = networksOf(parse({ pfId: '0', vfId: '3', sandboxId, 'ns/a': wire }));
    expect(networks.get('ns/a')).toEqual(read);
    expect(networks.get('default')).toEqual({
      kind: 'invalid',
      problem: 'The text mixes the details of one network with a map of networks.',
    });
  });

  it('takes the entry of the default network where both forms are mixed', () => {
    expect(networksOf(parse({ pfId: '9', default: wire })).get('default')).toEqual(read);
  });

  it('reads an empty object as no network', () => {
    expect(parse({})).toEqual({ kind: 'read', networks: new Map(), ignored: [] });
  });

  it('reads no network from an object of junk', () => {
    expect(parse({ a: 'b' })).toEqual({ kind: 'read', networks: new Map(), ignored: ['a'] });
  });

  it.each([undefined, 'null'])('calls %s absent', (text) => {
    expect(parseConnectionDetails(text)).toEqual({ kind: 'absent' });
  });

  it.each(unparsableTexts)('calls %s unparsable', (_, text) => {
    expect(parseConnectionDetails(text).kind).toBe('unparsable');
  });

  it.each(trickyTexts)('finds no usable network in %s', (text) => {
    const usable = [...networksOf(parseConnectionDetails(text)).values()].filter((entry) => entry.kind === 'ok');
    expect(usable).toEqual([]);
  });

  it('calls a text that was not kept unparsable', () => {
    expect(parseConnectionDetails({ sizeBytes: 1_000_000 }).kind).toBe('unparsable');
  });
});

describe('parseConnectionDetails: one entry', () => {
  it.each([
    [
      { PFID: '0', vfid: '3', SandboxID: sandboxId },
      { ...read, vfNetdevName: undefined },
    ],
    [{ ...wire, PFID: '7' }, read],
    [{ ...wire, unknown: [1], __proto__: 1 }, read],
    [
      { ...wire, vfNetdevName: '' },
      { ...read, vfNetdevName: undefined },
    ],
    [
      { ...wire, vfNetdevName: 5 },
      { ...read, vfNetdevName: undefined },
    ],
    [
      { ...wire, vfNetdevName: 'a\nb' },
      { ...read, vfNetdevName: 'a\\u000ab' },
    ],
    [
      { ...wire, vfNetdevName: 'x'.repeat(1000) },
      { ...read, vfNetdevName: `${'x'.repeat(64)}…` },
    ],
    [
      { ...wire, pfId: '1', vfId: '999' },
      { ...read, pf: 1, vf: 999 },
    ],
    [
      { ...wire, sandboxId: 'A.b_c-0' },
      { ...read, sandboxId: 'A.b_c-0' },
    ],
    [
      { ...wire, sandboxId: 'x'.repeat(128) },
      { ...read, sandboxId: 'x'.repeat(128) },
    ],
  ])('reads %j', (entry, expected) => expect(only(entry)).toEqual(expected));

  it.each([
    [null, 'The entry is null, not an object.'],
    [5, 'The entry is a number, not an object.'],
    ['0', 'The entry is a string, not an object.'],
    [[wire], 'The entry is a list, not an object.'],
    [{}, 'pfId is missing.'],
    [{ pfId: '0' }, 'vfId is missing.'],
    [{ pfId: '0', vfId: '3' }, 'sandboxId is missing.'],
    [{ ...wire, pfId: null }, 'pfId is missing.'],
    [{ ...wire, pfId: 0 }, 'pfId is a number, not a string.'],
    [{ ...wire, pfId: ['0'] }, 'pfId is a list, not a string.'],
    [{ ...wire, vfId: true }, 'vfId is a boolean, not a string.'],
    [{ ...wire, vfId: {} }, 'vfId is an object, not a string.'],
    [{ PFID: '0', pfid: '1', vfId: '3', sandboxId }, 'pfId is given several times with different values.'],
    [{ ...wire, vfId: '03' }, 'vfId is "03", which is not a number from 0 to 999 without leading zeros.'],
  ])('refuses %j and says why', (entry, problem) => expect(only(entry)).toEqual({ kind: 'invalid', problem }));

  it.each([
    '',
    ' ',
    '00',
    '1000',
    '-1',
    '+1',
    '1.0',
    '1e2',
    '0x1',
    ' 1',
    '1\n',
    '٣',
    '../0',
    '0-1',
    '\u0000',
    '9'.repeat(9999),
  ])('refuses the id %.20j', (id) => {
    for (const entry of [
      { ...wire, pfId: id },
      { ...wire, vfId: id },
    ]) {
      const details = only(entry);
      expect(details.kind).toBe('invalid');
      if (details.kind === 'invalid') expect(isPrintable(details.problem)).toBe(true);
    }
  });

  it.each(['', 'a b', 'a=b', 'a\tb', 'x\n', 'é', 'a/b', '\u202e', '"', 'x'.repeat(129), 'x'.repeat(10_000)])(
    'refuses the sandbox id %.20j',
    (id) => {
      const details = only({ ...wire, sandboxId: id });
      expect(details.kind).toBe('invalid');
      if (details.kind === 'invalid') expect(isPrintable(details.problem)).toBe(true);
    },
  );
});

describe('parseConnectionDetails: properties', () => {
  it('never throws; what it reads is within bounds and what it says is printable', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const reading = parseConnectionDetails(text);
        if (reading.kind === 'unparsable') expect(isPrintable(reading.problem)).toBe(true);
        if (reading.kind !== 'read') return;
        expect(reading.ignored.every(isPrintable)).toBe(true);
        for (const details of reading.networks.values()) {
          if (details.kind === 'invalid') expect(isPrintable(details.problem)).toBe(true);
          else {
            expect(details.pf).toSatisfy((id: number) => Number.isInteger(id) && id >= 0 && id <= 999);
            expect(details.vf).toSatisfy((id: number) => Number.isInteger(id) && id >= 0 && id <= 999);
            expect(details.sandboxId).toMatch(/^[0-9a-zA-Z._-]{1,128}$/);
          }
        }
      }),
    );
  });

  it('reads back what the host half writes', () => {
    fc.assert(
      fc.property(fc.dictionary(anyNadKey, validEntry, { maxKeys: 8 }), (entries) => {
        const expected = Object.entries(entries).map(([key, entry]) => {
          const { pfId, vfId } = entry;
          const ids = { pf: Number(pfId), vf: Number(vfId), sandboxId: entry.sandboxId };
          return [key, { kind: 'ok', ...ids, vfNetdevName: undefined }] as const;
        });
        expect(networksOf(parse(entries))).toEqual(new Map(expected));
      }),
    );
  });

  it('reads a network alike whatever stands beside it', () => {
    fc.assert(
      fc.property(
        validEntry,
        anyNadKey,
        fc.string({ maxLength: 10 }),
        badEntry,
        fc.boolean(),
        (good, key, other, bad, isFirst) => {
          fc.pre(key !== other);
          const pairs: (readonly [string, unknown])[] = [
            [key, good],
            [other, bad],
          ];
          const text = JSON.stringify(Object.fromEntries(isFirst ? pairs : pairs.reverse()));
          expect(networksOf(parseConnectionDetails(text)).get(key)).toEqual(only(good));
        },
      ),
    );
  });

  it('never takes a network whose key is there for absent', () => {
    fc.assert(
      fc.property(anyNadKey, badEntry, (key, bad) => {
        const reading = parse({ [key]: bad });
        expect(networksOf(reading).has(key)).toBe(true);
      }),
    );
  });
});
