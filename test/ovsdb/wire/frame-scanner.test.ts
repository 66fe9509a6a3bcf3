import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AgentError } from '../../../src/lib/errors.js';
import type { Json, JsonObject } from '../../../src/ovsdb/types.js';
import type { RowHook } from '../../../src/ovsdb/wire/frame-scanner.js';
import { FrameScanner, keepRow } from '../../../src/ovsdb/wire/frame-scanner.js';
import { isStorableReal, writeJson } from '../../../src/ovsdb/wire/json-exact.js';

interface Outcome {
  readonly messages: JsonObject[];
  readonly sizes: number[];
  readonly rows: [table: string, uuid: string, row: JsonObject, section: string][];
}

interface Setup {
  readonly sliceThreshold?: number;
  readonly frameSizeMax?: number;
  readonly depthMax?: number;
  readonly hasHook?: boolean;
}

/** Feeds chunks to a new scanner and ends it. */
function scan(chunks: readonly Buffer[], setup: Setup = {}): Outcome {
  const outcome: Outcome = { messages: [], sizes: [], rows: [] };
  const rowHook: RowHook = (table, uuid, row, section) => outcome.rows.push([table, uuid, row, section]);
  const scanner = new FrameScanner({
    frameSizeMax: setup.frameSizeMax ?? 1e9,
    depthMax: setup.depthMax ?? 1000,
    ...(setup.sliceThreshold === undefined ? {} : { sliceThreshold: setup.sliceThreshold }),
    onMessage: (message, { size }) => {
      outcome.messages.push(message);
      outcome.sizes.push(size);
    },
    rowHook: setup.hasHook === true ? rowHook : undefined,
  });
  for (const chunk of chunks) scanner.push(chunk);
  scanner.end();
  return outcome;
}

/** Cuts a buffer at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => Buffer.from(bytes.subarray(start, at[index] ?? bytes.length)));
}

const bytewise = (bytes: Buffer): Buffer[] => [...bytes].map((byte) => Buffer.from([byte]));

function failureOf(run: () => unknown): AgentError {
  try {
    run();
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('result', 'params', '', '\\', '"', '{}[],:', 'é', '日本', '\u{1f600}'),
);
const atom: fc.Arbitrary<Json> = fc.oneof(
  text,
  fc.boolean(),
  fc.constant(null),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n)),
  // Integers between the safe range and 20 digits come back as bigint: they have their own arbitrary above.
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter(isStorableReal)
    .filter((n) => Math.abs(n) < 2 ** 53 || Math.abs(n) > 1e20)
    .map((n) => n + 0),
);
const { value: anyJson } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(text, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));
const tables = fc.dictionary(text, fc.dictionary(text, anyJson, { maxKeys: 6, noNullPrototype: true }), {
  maxKeys: 4,
  noNullPrototype: true,
});
/** Keyed by uuid; the values hold what looks like the end of a row. */
const rowEnds = ['}},"', '}},"00000000-0000-4000-8000-000000000000":{"initial":{}}', '},"', '[1234567890123456]', '}}'];
const column = fc.oneof(
  anyJson,
  fc.constantFrom<Json>(...rowEnds, { n: { m: {} } }, 1234567890123456, -9007199254740993n, 0.1234567890123456),
);
const serverRow = fc
  .dictionary(fc.constantFrom('name', 'ports', '}},"', 'é'), column, { noNullPrototype: true })
  .map((initial): JsonObject => ({ initial }));
const serverTables = fc.dictionary(
  fc.constantFrom('Bridge', 'Port', 'Interface'),
  fc.dictionary(fc.uuid(), fc.oneof({ weight: 5, arbitrary: serverRow }, { weight: 1, arbitrary: column }), {
    maxKeys: 6,
    noNullPrototype: true,
  }),
  { noNullPrototype: true },
);
const nest = (json: Json, levels: number): Json => (levels === 0 ? json : nest([0, json, 'x'], levels - 1));
const message: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record({
    id: atom,
    error: fc.constant(null),
    result: fc.tuple(fc.oneof(tables, anyJson), fc.nat(3)).map(([t, n]) => nest(t, n)),
  }),
  fc.record({ method: text, params: fc.tuple(anyJson, tables), id: fc.constant(null) }),
  fc.dictionary(text, anyJson, { maxKeys: 4, noNullPrototype: true }),
);

/** JSON.stringify order and -0 aside, the same value. */
const stream = (messages: readonly JsonObject[], gaps: readonly string[]): Buffer =>
  Buffer.from(
    messages.map((m, i) => `${gaps[i % Math.max(1, gaps.length)] ?? ''}${writeJson(wellFormed(m))}`).join(''),
  );

/** The text arbitrary may make what OVSDB cannot store. */
function wellFormed<T extends Json>(json: T): T {
  // eslint-disable-next-line no-control-regex -- U+0000 is what cannot be stored
  if (typeof json === 'string') return json.replace(/[\u0000\ud800-\udfff]/gu, '?') as T;
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map((item: Json) => wellFormed(item)) as unknown as T;
  return Object.fromEntries(Object.entries(json).map(([k, v]) => [wellFormed(k), wellFormed(v)])) as T;
}

const gaps = fc.array(fc.constantFrom('', ' ', '\n', '\t\r\n '), { minLength: 1, maxLength: 3 });

describe('FrameScanner', () => {
  it('gives the same messages whole, byte by byte and cut at random, sliced or not', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 4 }),
        gaps,
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.constantFrom(0, 1, 17, 200, 1e9),
        (messages, between, places, sliceThreshold) => {
          const bytes = stream(messages, between);
          const whole = scan([bytes], { sliceThreshold: 1e9 });
          expect(whole.messages).toEqual(messages.map((m) => wellFormed(m)));
          for (const chunks of [[bytes], bytewise(bytes), cut(bytes, places)]) {
            expect(scan(chunks, { sliceThreshold })).toEqual(whole);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it.each([
    ['of any shape', tables],
    ['as ovsdb-server sends them', serverTables],
  ])('hands the same rows %s to the hook however the stream is cut', (_which, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, fc.nat(2), fc.array(fc.nat(), { maxLength: 12 }), (rows, levels, places) => {
        const clean = wellFormed(rows);
        const bytes = stream([{ id: 1, result: nest(clean, levels) }], []);
        const whole = scan([bytes], { sliceThreshold: 0, hasHook: true });
        const expected = Object.entries(clean).flatMap(([table, map]) =>
          Object.entries(map)
            .filter(([, row]) => typeof row === 'object' && row !== null && !Array.isArray(row))
            .map(([uuid, row]) => [table, uuid, row, 'result']),
        );
        expect(whole.rows).toEqual(expected);
        expect(scan(bytewise(bytes), { sliceThreshold: 0, hasHook: true })).toEqual(whole);
        expect(scan(cut(bytes, places), { sliceThreshold: 0, hasHook: true })).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  it('drops hooked rows from the message and keeps those that the hook wants kept', () => {
    const messages: JsonObject[] = [];
    const scanner = new FrameScanner({
      frameSizeMax: 1e6,
      depthMax: 1000,
      sliceThreshold: 8,
      onMessage: (m) => messages.push(m),
      rowHook: (_table, uuid) => (uuid === 'b' ? keepRow : undefined),
    });
    scanner.push(Buffer.from('{"id":1,"result":[false,"z",{"T":{"a":{"x":1},"b":{"x":2}},"U":{}}],"error":null}'));
    expect(messages).toEqual([{ id: 1, result: [false, 'z', { T: { b: { x: 2 } }, U: {} }], error: null }]);
  });

  it('keeps integers of 64 bits exact in rows and beside them', () => {
    const bytes = Buffer.from('{"id":9007199254740993,"result":{"T":{"u":{"n":-9223372036854775808},"v":{"n":1}}}}');
    const expected = { id: 9007199254740993n, result: { T: { u: { n: -9223372036854775808n }, v: { n: 1 } } } };
    expect(scan([bytes]).messages).toEqual([expected]);
    expect(scan(bytewise(bytes), { sliceThreshold: 0 }).messages).toEqual([expected]);
  });

  it('does not let a table or row called __proto__ reach a prototype', () => {
    const bytes = Buffer.from('{"result":{"__proto__":{"__proto__":{"polluted":1}}}}');
    const [sliced] = scan([bytes], { sliceThreshold: 0 }).messages;
    expect(JSON.stringify(sliced)).toBe(bytes.toString());
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('reads a reply that ovsdb-server sends after an error, and notifications after it in the same chunk', () => {
    const bytes = Buffer.from('{"error":"unknown method","id":5}{"id":"echo","method":"echo","params":[]} ');
    const { messages, sizes } = scan([bytes]);
    expect(messages).toEqual([
      { error: 'unknown method', id: 5 },
      { id: 'echo', method: 'echo', params: [] },
    ]);
    expect(sizes).toEqual([33, 41]);
  });

  it.each([
    ['a bare array', '[]'],
    ['a bare word', 'nonsense'],
    ['a trailing comma', '{"a":1,}'],
    ['mismatched brackets', '{"a":[}}'],
    ['a raw control character', '{"a":"\n"}'],
    ['a missing colon', '{"result":{"T":{"u" {}}}}'],
    ['a missing comma between rows', '{"result":{"T":{"u":{}"v":{}}}}'],
    ['a trailing comma after rows', '{"result":{"T":{"u":{},}}}'],
    ['a missing value', '{"result":{"T":{"u":}}}'],
    ['a key that is no string', '{"result":{"T":{1:{}}}}'],
    ['a bracket too many', '{"result":{"T":{"u":{}}]}}'],
    ['a bad word as a row', '{"result":{"T":{"u":nil}}}'],
  ])('refuses %s with a typed error, sliced or not', (_what, bad) => {
    for (const sliceThreshold of [0, 1e6]) {
      for (const chunks of [[Buffer.from(bad)], bytewise(Buffer.from(bad))]) {
        expect(failureOf(() => scan(chunks, { sliceThreshold })).code).toBe('PEER_PROTOCOL');
      }
    }
  });

  it('refuses invalid UTF-8 instead of replacing characters', () => {
    const bad = Buffer.concat([
      Buffer.from('{"result":{"T":{"u":{"a":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}}}}'),
    ]);
    for (const sliceThreshold of [0, 1e6]) {
      expect(failureOf(() => scan([bad], { sliceThreshold })).facts['what']).toBe('invalid UTF-8');
    }
  });

  it('says at the end when the stream stopped inside a message', () => {
    expect(failureOf(() => scan([Buffer.from('{"a":')])).code).toBe('PEER_PROTOCOL');
    expect(failureOf(() => scan([Buffer.from('{"a":')], { sliceThreshold: 0 })).code).toBe('PEER_PROTOCOL');
  });

  it('limits the size of a frame before and after its end is seen', () => {
    const bytes = Buffer.from(`{"a":"${'x'.repeat(100)}"}`);
    for (const chunks of [[bytes], bytewise(bytes), [bytes.subarray(0, 90)]]) {
      for (const sliceThreshold of [0, 1e6]) {
        expect(failureOf(() => scan(chunks, { frameSizeMax: 80, sliceThreshold })).code).toBe('LIMIT_EXCEEDED');
      }
    }
    expect(scan([bytes], { frameSizeMax: bytes.length }).messages).toHaveLength(1);
  });

  it.each(['{"x":#}', '{"result":#}', '{"result":[[#]]}', '{"result":{"T":#}}', '{"result":{"T":{"u":#}}}'])(
    'limits the depth of %s',
    (shape) => {
      const fill = (depth: number): Buffer => {
        const around = shape.split('#')[0]!.replace(/[^[{]/g, '').length;
        return Buffer.from(shape.replace('#', '['.repeat(depth - around) + ']'.repeat(depth - around)));
      };
      for (const sliceThreshold of [0, 1e6]) {
        expect(scan([fill(50)], { depthMax: 50, sliceThreshold }).messages).toHaveLength(1);
        expect(failureOf(() => scan([fill(51)], { depthMax: 50, sliceThreshold })).code).toBe('LIMIT_EXCEEDED');
      }
    },
  );

  it('keeps at most 256 escaped characters of the bad input', () => {
    const bad = Buffer.from(`{"a":"${'\u0001'.repeat(5000)}"}`);
    const { facts } = failureOf(() => scan([bad]));
    expect(String(facts['context']).length).toBeLessThanOrEqual(256);
    expect(String(facts['context'])).toContain('\\u0001');
  });

  it('throws the same error for ever once it has failed', () => {
    const scanner = new FrameScanner({ frameSizeMax: 1e6, depthMax: 10, onMessage: () => undefined });
    const first = failureOf(() => scanner.push(Buffer.from('x')));
    expect(failureOf(() => scanner.push(Buffer.from('{}')))).toBe(first);
    expect(failureOf(() => scanner.end())).toBe(first);
  });

  it('turns every flipped or lost byte into a message or a typed error, never anything else', () => {
    fc.assert(
      fc.property(
        message,
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom(0, 30, 1e9),
        fc.boolean(),
        (m, at, byte, sliceThreshold, isLoss) => {
          const bytes = stream([m, { id: 2, result: {} }], []);
          const place = at % bytes.length;
          const bad = isLoss ? bytes.subarray(0, place) : Buffer.from(bytes);
          if (!isLoss) bad[place] = byte;
          const run = (chunks: Buffer[]): unknown => {
            try {
              return scan(chunks, { sliceThreshold, hasHook: true, depthMax: 100 });
            } catch (error) {
              expect(error).toBeInstanceOf(AgentError);
              return (error as AgentError).code;
            }
          };
          expect(run(bytewise(bad))).toEqual(run([bad]));
        },
      ),
      { numRuns: 500 },
    );
  });
});
