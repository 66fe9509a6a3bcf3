import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AgentError } from '../../src/lib/errors.js';
import type { IndexSpec, UpdateFormat } from '../../src/ovsdb/replica.js';
import { Replica } from '../../src/ovsdb/replica.js';
import type { DatabaseSchema } from '../../src/ovsdb/schema.js';
import { parseSchema } from '../../src/ovsdb/schema.js';
import type { Atom, ChangeSet, Json, JsonObject, Row, Uuid, Value } from '../../src/ovsdb/types.js';
import { decodeValue, sameValue, toUuid } from '../../src/ovsdb/values.js';
import { FrameScanner } from '../../src/ovsdb/wire/frame-scanner.js';
import { parseJsonExact } from '../../src/ovsdb/wire/json-exact.js';

/** What ovsdb-server 3.1.0 sent to three monitors while another client wrote at random. */
interface Streams {
  readonly schema: Json;
  readonly streams: Readonly<
    Record<'update' | 'update2' | 'update3', { readonly reply: string; readonly notifications: readonly string[] }>
  >;
  readonly dump: Readonly<Record<string, string>>;
}
const recorded = parseJsonExact(
  readFileSync(new URL('../vectors/ovsdb/streams.json', import.meta.url), 'utf8'),
) as unknown as Streams;
const schema = parseSchema(recorded.schema);

function monitorAll(of: DatabaseSchema): Map<string, string[]> {
  return new Map([...of.tables].map(([name, { columns }]) => [name, [...columns.keys()]]));
}

/** Every row of a replica, in a form that compares without regard to order. */
function contentOf(replica: Replica): Map<string, Map<Uuid, Record<string, Value>>> {
  return new Map(replica.tableNames.map((name) => [name, rowsOf(replica.table(name).rows())]));
}

function rowsOf(rows: Iterable<Row>): Map<Uuid, Record<string, Value>> {
  return new Map(
    Array.from(rows, (row) => [row._uuid, Object.fromEntries(Object.entries(row).map(([k, v]) => [k, sorted(v)]))]),
  );
}

function sorted(value: Value): Value {
  if (Array.isArray(value)) return (value as Atom[]).toSorted((a, b) => (String(a) < String(b) ? -1 : 1));
  return value;
}

function failureOf(run: () => unknown): AgentError {
  try {
    run();
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Applies a change set to a plain model: what a user of the events would do. */
function applyChanges(model: Map<string, Map<Uuid, Row>>, set: ChangeSet): void {
  for (const change of set.changes) {
    const rows = model.get(change.table) ?? new Map<Uuid, Row>();
    model.set(change.table, rows);
    if (change.kind === 'insert') expect(rows.has(change.uuid)).toBe(false);
    else expect(rows.get(change.uuid)).toBe(change.old);
    if (change.kind === 'modify') {
      expect(change.columns.length).toBeGreaterThan(0);
      for (const column of Object.keys(change.row)) {
        expect(sameValue(change.row[column], change.old[column])).toBe(!change.columns.includes(column));
      }
    }
    if (change.kind === 'delete') rows.delete(change.uuid);
    else rows.set(change.uuid, change.row);
  }
}

const tablesOf = (message: Json): JsonObject => {
  const { params, result } = message as { params?: Json[]; result?: Json | Json[] };
  const holder = params ?? result;
  return (Array.isArray(holder) ? holder.at(-1) : holder) as JsonObject;
};

describe('Replica, fed with what a real server sent', () => {
  const expected = new Map(
    Object.entries(recorded.dump).map(([name, text]) => {
      const { rows } = (parseJsonExact(text) as { result: { rows: JsonObject[] }[] }).result[0]!;
      const { columns } = schema.tables.get(name)!;
      const decoded = rows.map((json) => {
        const row = Object.entries(json).filter(([column]) => column !== '_uuid');
        const uuid = toUuid((json['_uuid'] as string[])[1]!);
        return {
          _uuid: uuid,
          ...Object.fromEntries(row.map(([c, v]) => [c, decodeValue(columns.get(c)!.type, v)])),
        };
      });
      return [name, rowsOf(decoded)];
    }),
  );

  it.each(['update', 'update2', 'update3'] as const)('ends with the content of the server by %s', (name) => {
    const format: UpdateFormat = name === 'update' ? 'update' : 'update2';
    const { reply, notifications } = recorded.streams[name];
    const replica = new Replica(schema, monitorAll(schema));
    const load = replica.beginReload(format);
    load.tables(tablesOf(parseJsonExact(reply)));
    const model = new Map<string, Map<Uuid, Row>>();
    applyChanges(model, load.commit());
    for (const text of notifications) applyChanges(model, replica.applyUpdate(format, tablesOf(parseJsonExact(text))));
    expect(contentOf(replica)).toEqual(expected);
    expect(new Map([...model].map(([table, rows]) => [table, rowsOf(rows.values())]))).toEqual(expected);
    expect(replica.version).toBe(1 + notifications.length);
  });

  it('takes rows from the frame scanner as they arrive, wherever the stream is cut', () => {
    const bytes = Buffer.from(recorded.streams.update3.reply);
    const load = (cut: number): Replica => {
      const replica = new Replica(schema, monitorAll(schema));
      const reload = replica.beginReload('update2');
      const scanner = new FrameScanner({
        frameSizeMax: 1e6,
        depthMax: 1000,
        sliceThreshold: 0,
        rowHook: (table, uuid, row) => reload.row(table, uuid, row),
        onMessage: (message) => reload.tables(tablesOf(message)),
      });
      for (let at = 0; at < bytes.length; at += cut) scanner.push(bytes.subarray(at, at + cut));
      reload.commit();
      return replica;
    };
    const whole = contentOf(load(bytes.length));
    expect(whole.get('Item')!.size).toBe(4);
    for (const cut of [1, 7, 64]) expect(contentOf(load(cut))).toEqual(whole);
  });

  it('is never changed by a message that was damaged, and says so with a typed error', () => {
    const { reply, notifications } = recorded.streams.update2;
    fc.assert(
      fc.property(fc.nat(notifications.length - 1), fc.nat(), fc.integer({ min: 0, max: 7 }), (index, at, bit) => {
        const replica = new Replica(schema, monitorAll(schema));
        const load = replica.beginReload('update2');
        load.tables(tablesOf(parseJsonExact(reply)));
        load.commit();
        for (const text of notifications.slice(0, index))
          replica.applyUpdate('update2', tablesOf(parseJsonExact(text)));
        const before = contentOf(replica);
        const { version } = replica;
        const bytes = Buffer.from(notifications[index]!);
        const place = at % bytes.length;
        bytes[place] = bytes[place]! ^ (1 << bit);
        try {
          const messages: JsonObject[] = [];
          const scanner = new FrameScanner({ frameSizeMax: 1e6, depthMax: 1000, onMessage: (m) => messages.push(m) });
          scanner.push(bytes);
          scanner.end();
          const tables = (messages[0]!['params'] as Json[] | undefined)?.[1];
          if (typeof tables === 'object') replica.applyUpdate('update2', tables as JsonObject);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
          expect(contentOf(replica)).toEqual(before);
          expect(replica.version).toBe(version);
        }
      }),
      { numRuns: 150 },
    );
  });
});

const uuids = Array.from({ length: 6 }, (_, i) => toUuid(`00000000-0000-0000-0000-00000000000${i}`));
const small = parseSchema({
  name: 'D',
  version: '1.0.0',
  tables: {
    Port: {
      columns: {
        name: { type: 'string' },
        tag: { type: { key: 'integer', min: 0, max: 1 } },
        trunks: { type: { key: 'integer', min: 0, max: 'unlimited' } },
        external_ids: { type: { key: 'string', value: 'string', min: 0, max: 'unlimited' } },
        next: { type: { key: { type: 'uuid', refTable: 'Port' }, min: 0, max: 'unlimited' } },
        queues: { type: { key: 'integer', value: { type: 'uuid', refTable: 'Port' }, min: 0, max: 'unlimited' } },
      },
      indexes: [['name']],
    },
    Other: { columns: { x: { type: 'integer' } } },
  },
});
const port = (): Replica => new Replica(small, monitorAll(small));

type Model = Map<Uuid, JsonObject>;
const columnValues: fc.Arbitrary<JsonObject> = fc.record({
  name: fc.constantFrom('a', 'b', 'c'),
  tag: fc.option(fc.nat(3), { nil: ['set', []] as Json }),
  trunks: fc.uniqueArray(fc.nat(4)).map((members): Json => ['set', members]),
  external_ids: fc
    .dictionary(fc.constantFrom('iface-id', 'vm', 'k'), fc.constantFrom('x', 'y'))
    .map((o): Json => ['map', Object.entries(o)]),
  next: fc.uniqueArray(fc.constantFrom(...uuids)).map((all): Json => ['set', all.map((u) => ['uuid', u])]),
  queues: fc
    .uniqueArray(fc.tuple(fc.nat(2), fc.constantFrom(...uuids)), { selector: ([k]) => k })
    .map((all): Json => ['map', all.map(([k, u]) => [k, ['uuid', u]])]),
});
const modelArbitrary: fc.Arbitrary<Model> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...uuids), columnValues), { selector: ([u]) => u })
  .map((rows) => new Map(rows));

/** The v1 update that takes one model to another: whole rows, so it is plain to write down. */
function updateBetween(old: Model, next: Model): JsonObject {
  const rows: Record<string, Json> = {};
  for (const [uuid, row] of next) {
    const before = old.get(uuid);
    if (before === undefined) rows[uuid] = { new: row };
    else if (before !== row) rows[uuid] = { old: before, new: row };
  }
  for (const [uuid, row] of old) if (!next.has(uuid)) rows[uuid] = { old: row };
  return { Port: rows };
}

function loadModel(replica: Replica, model: Model): ChangeSet {
  const load = replica.beginReload('update2');
  for (const [uuid, json] of model) load.row('Port', uuid, { initial: json });
  return load.commit();
}

function freshFrom(model: Model): Replica {
  const replica = port();
  loadModel(replica, model);
  return replica;
}

/** All answers of all lookups; `isFresh` replicas build their indexes on the final content. */
function answersOf(replica: Replica): unknown {
  const table = replica.table('Port');
  const names = (rows: readonly Row[]): Uuid[] => rows.map((row) => row._uuid).sort();
  return {
    byName: ['a', 'b', 'c'].map((name) => names(table.by('name', name))),
    byTag: [undefined, 0, 1, 2n, 3].map((tag) => names(table.by('tag', tag))),
    byBoth: ['a', 'b'].map((name) => names(table.by(['name', 'tag'], name, undefined))),
    bySet: names(table.by('trunks', [2, 1])),
    byMap: names(
      table.by(
        'external_ids',
        new Map([
          ['vm', 'x'],
          ['k', 'y'],
        ]),
      ),
    ),
    byMapKey: ['x', 'y'].map((value) => names(table.byMapKey('external_ids', 'iface-id', value))),
    byMember: [0, 1, 2, 3, 4].map((member) => names(table.byMember('trunks', member))),
    byKey: names(table.byMember('external_ids', 'vm')),
    range: table.range('tag', { from: 1, to: 2 }).map((row) => row['tag']),
    rangeOpen: names(table.range('tag', { from: 0, isFromExcluded: true })),
    referrers: uuids.map((uuid) =>
      replica
        .referrers(uuid)
        .map((r) => `${r.uuid} ${r.column}`)
        .sort(),
    ),
  };
}

describe('Replica', () => {
  it('answers every lookup after any updates as one that was loaded afresh', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(modelArbitrary, fc.boolean()), { minLength: 1, maxLength: 5 }), (steps) => {
        const replica = port();
        answersOf(replica);
        let last: Model = new Map();
        for (const [model, isReload] of steps) {
          if (isReload) loadModel(replica, model);
          else replica.applyUpdate('update', updateBetween(last, model));
          last = model;
        }
        expect(contentOf(replica)).toEqual(contentOf(freshFrom(last)));
        expect(answersOf(replica)).toEqual(answersOf(freshFrom(last)));
      }),
    );
  });

  it('finds by index what a scan finds', () => {
    fc.assert(
      fc.property(modelArbitrary, fc.constantFrom('a', 'b'), fc.nat(3), (model, name, tag) => {
        const table = freshFrom(model).table('Port');
        const scan = (test: (row: Row) => boolean): Row[] => [...table.rows()].filter(test);
        expect(table.by('name', name)).toEqual(scan((row) => row['name'] === name));
        expect(table.by(['name', 'tag'], name, tag)).toEqual(scan((row) => row['name'] === name && row['tag'] === tag));
        expect(table.byMember('trunks', tag)).toEqual(scan((row) => (row['trunks'] as number[]).includes(tag)));
      }),
    );
  });

  it('reloads as exact differences and keeps the object of every row that is the same', () => {
    fc.assert(
      fc.property(modelArbitrary, modelArbitrary, (before, after) => {
        const replica = freshFrom(before);
        const old = new Map(Array.from(replica.table('Port').rows(), (row) => [row._uuid, row]));
        const model = new Map([['Port', new Map(old)]]);
        const set = loadModel(replica, after);
        applyChanges(model, set);
        expect(set.cause).toBe('reload');
        expect(model.get('Port')).toEqual(new Map(Array.from(replica.table('Port').rows(), (row) => [row._uuid, row])));
        const changed = new Set(set.changes.map((change) => change.uuid));
        for (const row of replica.table('Port').rows())
          if (!changed.has(row._uuid)) expect(row).toBe(old.get(row._uuid));
      }),
    );
  });

  it('says nothing and counts nothing when a reload brings what was there', () => {
    const model: Model = new Map([[uuids[0]!, { name: 'a', trunks: ['set', [1, 2]] }]]);
    const replica = freshFrom(model);
    expect(replica.version).toBe(1);
    expect(loadModel(replica, new Map([[uuids[0]!, { name: 'a', trunks: ['set', [2, 1]] }]])).changes).toEqual([]);
    expect(replica.version).toBe(1);
  });

  it('shows the old content until a reload is committed, and for ever when it is abandoned', () => {
    const replica = freshFrom(new Map([[uuids[0]!, { name: 'a' }]]));
    const load = replica.beginReload('update2');
    load.row('Port', uuids[1]!, { initial: { name: 'b' } });
    expect([replica.table('Port').size, load.rowCount]).toEqual([1, 1]);
    load.abandon();
    expect(replica.table('Port').one('name', 'a')?._uuid).toBe(uuids[0]);
    expect(replica.applyUpdate('update2', { Port: { [uuids[0]!]: { delete: null } } }).changes).toHaveLength(1);
  });

  it('refuses a row that a dump holds twice', () => {
    const load = new Replica(schema, monitorAll(schema)).beginReload('update2');
    const uuid = '11111111-1111-4111-8111-111111111111';
    const [table = ''] = schema.tables.keys();
    load.row(table, uuid, { initial: {} });
    expect(failureOf(() => load.row(table, uuid, { initial: {} })).code).toBe('PEER_PROTOCOL');
  });

  it('gives every row all columns, absent ones with their defaults, in one order', () => {
    const replica = port();
    replica.applyUpdate('update2', {
      Port: { [uuids[0]!]: { insert: {} }, [uuids[1]!]: { insert: { tag: 5, name: 'x' } } },
    });
    const [first, second] = replica.table('Port').rows();
    expect(first).toEqual({
      _uuid: uuids[0],
      name: '',
      tag: undefined,
      trunks: [],
      external_ids: new Map(),
      next: [],
      queues: new Map(),
    });
    expect(Object.keys(second!)).toEqual(Object.keys(first!));
  });

  it('reports no change for a modify that changes nothing', () => {
    const replica = freshFrom(new Map([[uuids[0]!, { name: 'a' }]]));
    expect(replica.applyUpdate('update2', { Port: { [uuids[0]!]: { modify: { name: 'a' } } } }).changes).toEqual([]);
    expect(replica.version).toBe(1);
  });

  const known = uuids[0]!;
  const unknown = uuids[1]!;
  it.each<[string, UpdateFormat, JsonObject]>([
    ['a change of an unknown row', 'update2', { Port: { [unknown]: { modify: { name: 'b' } } } }],
    ['a deletion of an unknown row', 'update2', { Port: { [unknown]: { delete: null } } }],
    ['an insert of a known row', 'update2', { Port: { [known]: { insert: { name: 'b' } } } }],
    ['a table that is not monitored', 'update2', { Nope: {} }],
    ['a column that was not asked for', 'update2', { Port: { [known]: { modify: { nope: 1 } } } }],
    ['a value of another type', 'update2', { Port: { [known]: { modify: { name: 1 } } } }],
    ['an unknown kind of change', 'update2', { Port: { [known]: { upsert: { name: 'b' } } } }],
    ['two kinds of change at once', 'update2', { Port: { [known]: { modify: { name: 'b' }, delete: null } } }],
    ['a key that is no uuid', 'update2', { Port: { x: { insert: {} } } }],
    ['rows that are no object', 'update2', { Port: [] }],
    ['a row update that is no object', 'update2', { Port: { [known]: null } }],
    ['a change without columns', 'update2', { Port: { [known]: { modify: null } } }],
    ['neither old nor new', 'update', { Port: { [known]: {} } }],
    ['a v1 change of an unknown row', 'update', { Port: { [unknown]: { old: {}, new: { name: 'b' } } } }],
    ['a v1 insert of a known row', 'update', { Port: { [known]: { new: { name: 'b' } } } }],
  ])('applies nothing of a message with %s', (_what, format, bad) => {
    const replica = freshFrom(new Map([[known, { name: 'a' }]]));
    const before = contentOf(replica);
    // A good change goes first: it must not stay behind.
    const { Port: rows, ...others } = bad;
    const good = format === 'update' ? { new: {} } : { insert: {} };
    const tables = { Port: Array.isArray(rows) ? rows : { [uuids[5]!]: good, ...(rows as JsonObject) }, ...others };
    expect(failureOf(() => replica.applyUpdate(format, tables)).code).toBe('PEER_PROTOCOL');
    expect(contentOf(replica)).toEqual(before);
    expect(replica.version).toBe(1);
  });

  it.each<[string, Json]>([
    ['a table that is not monitored', { Nope: { [known]: { initial: {} } } }],
    ['a row that is no initial one', { Port: { [known]: { modify: {} } } }],
    ['a key that is no uuid', { Port: { x: { initial: {} } } }],
    ['no tables at all', null],
    ['rows that are no object', { Port: 1 }],
  ])('refuses a reload with %s', (_what, json) => {
    expect(failureOf(() => port().beginReload('update2').tables(json)).code).toBe('PEER_PROTOCOL');
  });

  it('takes on another schema with a reload and reports what it took away and brought', () => {
    const replica = freshFrom(
      new Map([
        [known, { name: 'a', tag: 5 }],
        [unknown, { name: 'b' }],
      ]),
    );
    replica.table('Port').by('name', 'a');
    const newer = parseSchema({
      name: 'D',
      version: '2.0.0',
      tables: { Port: { columns: { name: { type: 'string' }, speed: { type: 'integer' } } } },
    });
    const load = replica.beginReload('update2', { schema: newer, monitored: monitorAll(newer) });
    load.row('Port', known, { initial: { name: 'a', speed: 7 } });
    expect(replica.schema).toBe(small);
    const { changes } = load.commit();
    expect(changes.map((change) => [change.kind, change.uuid])).toEqual([
      ['modify', known],
      ['delete', unknown],
    ]);
    expect(changes[0]).toMatchObject({ row: { _uuid: known, name: 'a', speed: 7 } });
    expect(replica.table('Port').one('name', 'a')).toEqual({ _uuid: known, name: 'a', speed: 7 });
    expect([replica.schema, replica.has('Other'), replica.has('Port', 'speed')]).toEqual([newer, false, true]);
  });

  it('names tables and columns that are not there', () => {
    const replica = port();
    const specs: IndexSpec[] = [
      { kind: 'member', column: 'nope' },
      { kind: 'columns', columns: ['name', 'nope'] },
    ];
    for (const spec of specs)
      expect(failureOf(() => replica.addIndex('Port', spec)).code).toBe('OVSDB_SCHEMA_MISMATCH');
    for (const run of [
      () => replica.table('Nope'),
      () => replica.table('Port').by('nope', 1),
      () => replica.table('Port').range('nope'),
      () => replica.table('Port').where([['nope', '==', 1]]),
      () => new Replica(small, new Map([['Nope', []]])),
      () => new Replica(small, new Map([['Port', ['nope']]])),
    ]) {
      expect(failureOf(run).code).toBe('OVSDB_SCHEMA_MISMATCH');
    }
  });

  it('keeps 64-bit integers exact through changes', () => {
    const replica = port();
    const at = (x: Json): ChangeSet =>
      replica.applyUpdate('update2', {
        Other: { [known]: { [replica.table('Other').has(known) ? 'modify' : 'insert']: { x } } },
      });
    at(9007199254740993n);
    expect(at(9007199254740992n).changes).toHaveLength(1);
    expect(at(9007199254740992n).changes).toHaveLength(0);
    expect(replica.table('Other').by('x', 9007199254740992n)).toHaveLength(1);
  });
});
