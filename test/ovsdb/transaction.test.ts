import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError, type ErrorCode } from '../../src/lib/errors.js';
import { Transaction } from '../../src/ovsdb/transaction.js';
import type { Json, JsonObject, Row } from '../../src/ovsdb/types.js';
import { toUuid } from '../../src/ovsdb/values.js';
import { smallSchema } from '../fakes/small-schema.js';

const bridgeUuid = toUuid('0b000000-0000-4000-8000-000000000001');
const portUuid = toUuid('0b000000-0000-4000-8000-000000000002');
const atBridge = [['_uuid', '==', ['uuid', bridgeUuid]]];

function begin(): Transaction {
  return new Transaction(smallSchema);
}

function operations(transaction: Transaction): readonly JsonObject[] {
  return transaction.toOperations();
}

function codeOf(act: () => unknown): ErrorCode | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(AgentError);
    return (error as AgentError).code;
  }
}

describe('insert', () => {
  it('names each row, legally and once, and refers by that name', () => {
    const transaction = begin();
    const port = transaction.insert('Port', { name: 'p1', tags: [1] });
    transaction.insert('Bridge', { name: 'br', ports: [port] });
    expect(operations(transaction)).toEqual([
      { op: 'insert', table: 'Port', row: { name: 'p1', tags: ['set', [1]] }, 'uuid-name': 'row1' },
      {
        op: 'insert',
        table: 'Bridge',
        row: { name: 'br', ports: ['set', [['named-uuid', 'row1']]] },
        'uuid-name': 'row2',
      },
    ]);
  });

  it('sends the uuid that the caller chose instead of a name', () => {
    const transaction = begin();
    const port = transaction.insert('Port', { name: 'p1', tags: [1] }, { uuid: portUuid });
    transaction.addToSet('Bridge', bridgeUuid, 'ports', [port]);
    const [insert, mutate] = operations(transaction);
    expect(insert).toEqual({ op: 'insert', table: 'Port', row: { name: 'p1', tags: ['set', [1]] }, uuid: portUuid });
    expect(mutate?.['mutations']).toEqual([['ports', 'insert', ['set', [['uuid', portUuid]]]]]);
  });

  it('leaves out what is undefined, so that the default of the schema holds', () => {
    const transaction = begin();
    transaction.insert('Bridge', { name: 'br', counter: undefined, mode: undefined });
    expect(operations(transaction)[0]?.['row']).toEqual({ name: 'br' });
  });

  it.each(['row-1', '1st', ''])('refuses the name %j', (name) => {
    expect(codeOf(() => begin().insert('Port', { name: 'p', tags: [1] }, { name }))).toBe('OVSDB_VALUE_INVALID');
  });

  it('refuses a name twice, given or made up', () => {
    const transaction = begin();
    transaction.insert('Port', { name: 'p', tags: [1] }, { name: 'row2' });
    expect(codeOf(() => transaction.insert('Port', { name: 'q', tags: [1] }))).toBe('OVSDB_VALUE_INVALID');
  });

  it('refuses a handle of another transaction', () => {
    const foreign = begin().insert('Port', { name: 'p', tags: [1] });
    const transaction = begin();
    transaction.addToSet('Bridge', bridgeUuid, 'ports', [foreign]);
    expect(codeOf(() => transaction.toOperations())).toBe('OVSDB_VALUE_INVALID');
  });

  it('refuses tables and columns that the server lacks', () => {
    expect(codeOf(() => begin().insert('Nothing', {}))).toBe('OVSDB_SCHEMA_MISMATCH');
    expect(codeOf(() => begin().insert('Port', { nothing: 1 }))).toBe('OVSDB_SCHEMA_MISMATCH');
  });

  it.each(['a\u0000b', '\ud800', '\udc00x'])('refuses the text %j, for which the server hangs up', (name) => {
    expect(codeOf(() => begin().insert('Bridge', { name }))).toBe('OVSDB_VALUE_INVALID');
  });
});

describe('update', () => {
  it('writes columns and empties optional ones', () => {
    const transaction = begin();
    transaction.update('Bridge', bridgeUuid, { mode: undefined, counter: 2n ** 62n });
    expect(operations(transaction)).toEqual([
      { op: 'update', table: 'Bridge', where: atBridge, row: { mode: ['set', []], counter: 2n ** 62n } },
    ]);
  });

  it.each(['external_ids', 'ports'])('refuses to write the shared column %s whole', (column) => {
    const values = column === 'ports' ? { ports: [portUuid] } : { external_ids: { a: 'b' } };
    expect(codeOf(() => begin().update('Bridge', bridgeUuid, values))).toBe('OVSDB_VALUE_INVALID');
    const transaction = begin();
    transaction.update('Bridge', bridgeUuid, values, { replaceWhole: [column] });
    expect(operations(transaction)).toHaveLength(1);
  });

  it('may write shared columns of a row that the transaction itself inserts', () => {
    const transaction = begin();
    const bridge = transaction.insert('Bridge', { name: 'br' });
    transaction.update('Bridge', bridge, { external_ids: { a: 'b' } });
    expect(operations(transaction)[1]?.['where']).toEqual([['_uuid', '==', ['named-uuid', 'row1']]]);
  });

  it('refuses immutable columns and updates of nothing', () => {
    expect(codeOf(() => begin().update('Bridge', bridgeUuid, { name: 'x' }))).toBe('OVSDB_VALUE_INVALID');
    expect(codeOf(() => begin().update('Bridge', bridgeUuid, {}))).toBe('OVSDB_VALUE_INVALID');
  });

  it('joins edits of one row into one update and one mutate', () => {
    const transaction = begin();
    const first = transaction.update('Bridge', bridgeUuid, { counter: 1 });
    const keys = transaction.setKeys('Bridge', bridgeUuid, 'external_ids', { a: '1' });
    const second = transaction.update('Bridge', bridgeUuid, { counter: 2, mode: 'secure' });
    transaction.addToSet('Bridge', bridgeUuid, 'ports', [portUuid]);
    expect(operations(transaction).map((operation) => operation['op'])).toEqual(['update', 'mutate']);
    expect([first.index, keys.index, second.index]).toEqual([0, 1, 0]);
  });

  it('keeps the order of an update and a mutation of the same column', () => {
    const transaction = begin();
    transaction.update('Bridge', bridgeUuid, { counter: 1 });
    transaction.increment('Bridge', bridgeUuid, 'counter');
    transaction.update('Bridge', bridgeUuid, { counter: 7 });
    transaction.increment('Bridge', bridgeUuid, 'counter');
    expect(operations(transaction).map((operation) => operation['op'])).toEqual([
      'update',
      'mutate',
      'update',
      'mutate',
    ]);
  });

  it('joins nothing across an operation that sees the rows', () => {
    const transaction = begin();
    transaction.update('Bridge', bridgeUuid, { counter: 1 });
    transaction.select('Bridge', bridgeUuid, ['counter']);
    transaction.update('Bridge', bridgeUuid, { counter: 2 });
    transaction.update('Bridge', { where: [['counter', '==', 2]] }, { mode: 'secure' });
    transaction.update('Bridge', bridgeUuid, { counter: 3 });
    expect(operations(transaction)).toHaveLength(5);
  });
});

/** A tiny server: applies updates and += of one column to one row, in order. */
function applied(list: readonly JsonObject[]): Readonly<Record<string, number>> {
  const row: Record<string, number> = { counter: 0, next: 0 };
  for (const operation of list) {
    for (const [column, value] of Object.entries((operation['row'] ?? {}) as Record<string, number>))
      row[column] = value;
    for (const [column, , by] of (operation['mutations'] ?? []) as [string, string, number][]) {
      row[column] = (row[column] ?? 0) + by;
    }
  }
  return row;
}

describe('joining edits', () => {
  it('never changes what a sequence of edits comes to', () => {
    const edit = fc.record({
      isUpdate: fc.boolean(),
      column: fc.constantFrom('counter', 'next'),
      by: fc.integer({ min: 1, max: 9 }),
    });
    const schema = { ...smallSchema, tables: new Map(smallSchema.tables) };
    const bridge = smallSchema.tables.get('Bridge')!;
    const counter = bridge.columns.get('counter')!;
    schema.tables.set('Bridge', { ...bridge, columns: new Map([...bridge.columns, ['next', counter]]) });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
        const transaction = new Transaction(schema);
        const expected: Record<string, number> = { counter: 0, next: 0 };
        for (const { isUpdate, column, by } of edits) {
          if (isUpdate) transaction.update('Bridge', bridgeUuid, { [column]: by });
          else transaction.increment('Bridge', bridgeUuid, column, by);
          expected[column] = isUpdate ? by : expected[column]! + by;
        }
        expect(applied(operations(transaction))).toEqual(expected);
      }),
    );
  });
});

describe('mutations', () => {
  it('overwrites keys by deleting them first in the same operation', () => {
    const transaction = begin();
    transaction.setKeys(
      'Bridge',
      bridgeUuid,
      'external_ids',
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    );
    expect(operations(transaction)[0]?.['mutations']).toEqual([
      ['external_ids', 'delete', ['set', ['a', 'b']]],
      [
        'external_ids',
        'insert',
        [
          'map',
          [
            ['a', '1'],
            ['b', '2'],
          ],
        ],
      ],
    ]);
  });

  it('reads integer keys of a record', () => {
    const transaction = begin();
    transaction.setKeys('Bridge', bridgeUuid, 'flow_tables', { 5: 'x' });
    expect(operations(transaction)[0]?.['mutations']).toEqual([
      ['flow_tables', 'delete', ['set', [5]]],
      ['flow_tables', 'insert', ['map', [[5, 'x']]]],
    ]);
  });

  it('deletes keys by name, or only where the value matches', () => {
    const transaction = begin();
    transaction.deleteKeys('Bridge', bridgeUuid, 'external_ids', ['a']);
    transaction.deleteKeys('Bridge', bridgeUuid, 'external_ids', { b: '2' });
    expect(operations(transaction)[0]?.['mutations']).toEqual([
      ['external_ids', 'delete', ['set', ['a']]],
      ['external_ids', 'delete', ['map', [['b', '2']]]],
    ]);
  });

  it('removes the members of a set whose least size it would fall below only at commit', () => {
    const transaction = begin();
    transaction.removeFromSet('Port', portUuid, 'tags', []);
    expect(operations(transaction)[0]?.['mutations']).toEqual([['tags', 'delete', ['set', []]]]);
  });

  it('refuses to count up a column that may be empty', () => {
    expect(codeOf(() => begin().increment('Bridge', bridgeUuid, 'limit'))).toBe('OVSDB_VALUE_INVALID');
  });

  it('refuses map operations on sets, set operations on maps, and immutable columns', () => {
    expect(codeOf(() => begin().setKeys('Bridge', bridgeUuid, 'ports', {}))).toBe('OVSDB_VALUE_INVALID');
    expect(codeOf(() => begin().addToSet('Bridge', bridgeUuid, 'external_ids', []))).toBe('OVSDB_VALUE_INVALID');
    expect(codeOf(() => begin().mutate('Bridge', bridgeUuid, 'name', 'insert', 'x'))).toBe('OVSDB_VALUE_INVALID');
  });
});

describe('targets', () => {
  it('never takes an empty condition for "every row"', () => {
    expect(codeOf(() => begin().delete('Bridge', { where: [] }))).toBe('OVSDB_VALUE_INVALID');
    expect(codeOf(() => begin().delete('Bridge', {} as never))).toBe('OVSDB_VALUE_INVALID');
    expect(codeOf(() => begin().delete('Bridge', undefined as never))).toBe('OVSDB_VALUE_INVALID');
    expect(codeOf(() => begin().delete('Bridge', { all: false } as never))).toBe('OVSDB_VALUE_INVALID');
  });

  it('takes every row when told so', () => {
    const transaction = begin();
    transaction.delete('Bridge', { all: true });
    expect(operations(transaction)).toEqual([{ op: 'delete', table: 'Bridge', where: [] }]);
  });

  it('checks the values of conditions', () => {
    const transaction = begin();
    transaction.delete('Bridge', {
      where: [
        ['external_ids', 'includes', { a: 'b' }],
        ['counter', '>', 3],
      ],
    });
    expect(operations(transaction)[0]?.['where']).toEqual([
      ['external_ids', 'includes', ['map', [['a', 'b']]]],
      ['counter', '>', 3],
    ]);
    expect(codeOf(() => begin().delete('Bridge', { where: [['counter', '>', 'x']] }))).toBe('OVSDB_VALUE_INVALID');
  });
});

describe('guards', () => {
  const row = { _uuid: bridgeUuid, counter: 5, mode: undefined, ratio: 0.3, weights: [0.5] } as unknown as Row;

  it('stand before every operation, or they would see its changes', () => {
    const transaction = begin();
    transaction.update('Bridge', bridgeUuid, { counter: 6 });
    transaction.verify('Bridge', row, ['counter', 'mode']);
    transaction.requireAbsent('Port', [['name', '==', 'p1']]);
    expect(operations(transaction)).toEqual([
      {
        op: 'wait',
        table: 'Bridge',
        timeout: 0,
        where: atBridge,
        columns: ['counter', 'mode'],
        until: '==',
        rows: [{ counter: 5, mode: ['set', []] }],
      },
      {
        op: 'wait',
        table: 'Port',
        timeout: 0,
        where: [['name', '==', 'p1']],
        columns: ['name'],
        until: '==',
        rows: [],
      },
      expect.objectContaining({ op: 'update' }),
    ]);
  });

  it('compares a real within the digits that the server prints', () => {
    const transaction = begin();
    transaction.update('Bridge', bridgeUuid, { counter: 6 });
    transaction.verify('Bridge', row, ['ratio']);
    const where = operations(transaction)[0]?.['where'] as [string, string, number][];
    expect(where.slice(1).map(([column, fn]) => [column, fn])).toEqual([
      ['ratio', '>='],
      ['ratio', '<='],
    ]);
    expect(where[1]![2]).toBeLessThanOrEqual(0.3);
    expect(where[2]![2]).toBeGreaterThanOrEqual(0.30000000000000004);
    expect(codeOf(() => begin().verify('Bridge', row, ['weights']))).toBe('OVSDB_VALUE_INVALID');
  });

  it('require a row with "!=" to no row', () => {
    const transaction = begin();
    transaction.requirePresent('Bridge', [['name', '==', 'br']]);
    expect(operations(transaction)[0]).toMatchObject({ until: '!=', rows: [], columns: ['name'] });
    expect(codeOf(() => begin().requirePresent('Bridge', []))).toBe('OVSDB_VALUE_INVALID');
  });

  it('wait for a bounded time only', () => {
    const wait = (timeoutMs: number) => () =>
      begin().wait('Root', {
        target: { all: true },
        until: '==',
        columns: ['next_cfg'],
        rows: [{ next_cfg: 1 }],
        timeoutMs,
      });
    expect(codeOf(wait(300))).toBeUndefined();
    for (const timeoutMs of [-1, 0.5, 60_001, Infinity, NaN])
      expect(codeOf(wait(timeoutMs))).toBe('OVSDB_VALUE_INVALID');
  });

  it('alone are nothing to do', () => {
    const transaction = begin();
    transaction.verify('Bridge', row, ['counter']);
    transaction.comment('why');
    transaction.assert('lock');
    expect(transaction.isEmpty).toBe(true);
  });
});

describe('the whole transaction', () => {
  it('asserts locks first and once, comments and ends last', () => {
    const transaction = begin();
    transaction.comment('why');
    transaction.commitDurably();
    transaction.delete('Port', portUuid);
    transaction.assert('lock');
    transaction.assert('lock');
    expect(operations(transaction).map((operation) => operation['op'])).toEqual([
      'assert',
      'delete',
      'comment',
      'commit',
    ]);
    transaction.assert('lock');
    expect(transaction.toOperations()).toHaveLength(4);
  });

  it('can be a dry run, once', () => {
    const transaction = begin();
    transaction.delete('Port', portUuid);
    transaction.abort();
    expect(() => transaction.commitDurably()).toThrow('ends once');
    expect(operations(transaction).at(-1)).toEqual({ op: 'abort' });
  });

  it('is not changed after it was sent', () => {
    const transaction = begin();
    transaction.toOperations();
    expect(() => transaction.delete('Port', portUuid)).toThrow('not changed after');
    expect(() => transaction.update('Bridge', bridgeUuid, { counter: 1 })).toThrow('not changed after');
    expect(() => transaction.assert('late')).toThrow('not changed after');
  });
});

describe('decodeOutcome', () => {
  it('finds results whatever was put in front', () => {
    const transaction = begin();
    const port = transaction.insert('Port', { name: 'p', tags: [1] });
    const update = transaction.update('Bridge', bridgeUuid, { counter: 1 });
    const select = transaction.select('Bridge', bridgeUuid, ['_uuid', 'counter', 'external_ids']);
    transaction.requireAbsent('Port', [['name', '==', 'p']]);
    transaction.assert('lock');
    transaction.comment('why');
    transaction.toOperations();
    const row = {
      _uuid: ['uuid', bridgeUuid],
      counter: 9007199254740993n,
      external_ids: ['map', [['a', 'b']]],
      newer: 1,
    };
    const reply: Json = [{}, {}, { uuid: ['uuid', portUuid] }, { count: 1 }, { rows: [row] }, {}];
    const outcome = transaction.decodeOutcome(reply);
    expect(outcome.insertedUuid(port)).toBe(portUuid);
    expect(outcome.count(update)).toBe(1);
    expect(outcome.rows(select)).toEqual([
      { _uuid: bridgeUuid, counter: 9007199254740993n, external_ids: new Map([['a', 'b']]) },
    ]);
    expect(() => outcome.count(select)).toThrow('no count');
    expect(() => outcome.insertedUuid(begin().insert('Port', { name: 'p', tags: [1] }))).toThrow('another transaction');
  });

  it('names the operation that failed', () => {
    const transaction = begin();
    transaction.delete('Port', portUuid);
    transaction.requireAbsent('Port', [['name', '==', 'p']]);
    transaction.toOperations();
    const reply: Json = [{ error: 'timed out', details: '"where" clause test failed' }, null];
    const decode = () => transaction.decodeOutcome(reply);
    expect(codeOf(decode)).toBe('OVSDB_WAIT_FAILED');
    expect(decode).toThrow(
      expect.objectContaining({
        facts: expect.objectContaining({ phase: 'operation', operationIndex: 0, table: 'Port' }) as unknown,
      }),
    );
  });

  it('finds the failure of the commit behind the last result', () => {
    const transaction = begin();
    transaction.delete('Port', portUuid);
    transaction.toOperations();
    const decode = () => transaction.decodeOutcome([{ count: 1 }, { error: 'referential integrity violation' }]);
    expect(codeOf(decode)).toBe('OVSDB_REFERENTIAL');
    expect(decode).toThrow(expect.objectContaining({ facts: expect.objectContaining({ phase: 'commit' }) as unknown }));
  });
});

describe('lint', () => {
  it('tells of rows that nothing refers to', () => {
    const transaction = begin();
    transaction.insert('Port', { name: 'lost', tags: [1] });
    const kept = transaction.insert('Port', { name: 'kept', tags: [1] });
    const chosen = transaction.insert('Port', { name: 'chosen', tags: [1] }, { uuid: portUuid });
    transaction.addToSet('Bridge', bridgeUuid, 'ports', [kept, chosen]);
    transaction.insert('Root', {});
    expect(transaction.lint()).toEqual([{ kind: 'vanishes', table: 'Port', name: 'row1' }]);
  });
});

describe('describe', () => {
  it('speaks as ovs-vsctl does', () => {
    const transaction = begin();
    const port = transaction.insert('Port', { name: 'p 1', tags: [1, 2] });
    transaction.addToSet('Bridge', bridgeUuid, 'ports', [port]);
    transaction.setKeys('Bridge', bridgeUuid, 'external_ids', { a: '100%', b: '$&' });
    transaction.deleteKeys('Bridge', bridgeUuid, 'external_ids', { c: '3' });
    transaction.increment('Root', { all: true }, 'next_cfg');
    transaction.update('Bridge', { where: [['counter', '>', 3]] }, { mode: undefined });
    transaction.delete('Port', portUuid);
    transaction.select('Port', portUuid, ['name']);
    transaction.requireAbsent('Port', [['name', '==', 'p']]);
    expect(transaction.describe()).toEqual([
      'wait-until Port name=p == (no row)',
      '--id=@row1 create Port name="p 1" tags=[1, 2]',
      `add Bridge ${bridgeUuid} ports @row1 -- set Bridge ${bridgeUuid} external_ids:a="100%" external_ids:b="$&" -- remove Bridge ${bridgeUuid} external_ids c=3`,
      'set Root (all) next_cfg+=1',
      'set Bridge counter > 3 mode=[]',
      `destroy Port ${portUuid}`,
      `--columns=name find Port ${portUuid}`,
    ]);
  });
});
