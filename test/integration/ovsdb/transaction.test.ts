import { connect, type Socket } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/lib/errors.js';
import { AgentError } from '../../../src/lib/errors.js';
import { runTransaction } from '../../../src/ovsdb/run.js';
import { Transaction } from '../../../src/ovsdb/transaction.js';
import type { TransactionOutcome } from '../../../src/ovsdb/transaction-result.js';
import type { Json, JsonObject, Row, Uuid } from '../../../src/ovsdb/types.js';
import { toUuid } from '../../../src/ovsdb/values.js';
import { parseJsonExact, writeJson } from '../../../src/ovsdb/wire/json-exact.js';
import { smallSchema, smallSchemaJson } from '../../fakes/small-schema.js';
import { OvsLab } from '../lab/ovs.js';

/** Reals that the server keeps; the others are refused before they are sent. */
const isKept = (value: number): boolean => value === 0 || (Math.abs(value) >= 2 ** -1022 && Math.abs(value) < 1.7e308);

/** A connection to the server that knows nothing of the client under test: one call at a time. */
class Wire {
  readonly schema = smallSchema;
  readonly #socket: Socket;
  #text = '';
  #onReply: ((reply: JsonObject) => void) | undefined;
  #onClose: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.#receive(chunk));
    socket.on('close', () => this.#onClose?.(new Error('the server hung up')));
  }

  static open(path: string): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => resolve(new Wire(socket)));
      socket.once('error', reject);
    });
  }

  call(method: string, params: readonly Json[]): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) reject(new Error('the server hung up before'));
      this.#onReply = resolve;
      this.#onClose = reject;
      this.#socket.write(writeJson({ id: 1, method, params }));
    });
  }

  async transact(transaction: Transaction): Promise<TransactionOutcome> {
    const reply = await this.call('transact', [transaction.database, ...transaction.toOperations()]);
    return transaction.decodeOutcome(reply['result'] ?? null);
  }

  close(): void {
    this.#onClose = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: string): void {
    this.#text += chunk;
    // The server pauses only between messages, or in the middle of one that then does not parse yet.
    if (!this.#text.endsWith('}')) return;
    try {
      const reply = parseJsonExact(this.#text) as JsonObject;
      this.#text = '';
      this.#onReply?.(reply);
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof AgentError)) throw error;
    }
  }
}

let lab: OvsLab;
let schemaDir: string;
let wire: Wire;
let other: Wire;
let bridge: Uuid;

const begin = (): Transaction => new Transaction(smallSchema);

async function codeOf(outcome: Promise<unknown>): Promise<ErrorCode> {
  const error = await outcome.then(
    () => expect.unreachable('the transaction succeeded'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AgentError);
  return (error as AgentError).code;
}

async function readRow(table: string, uuid: Uuid): Promise<Row | undefined> {
  const transaction = begin();
  const select = transaction.select(table, uuid);
  return (await wire.transact(transaction)).rows(select)[0];
}

beforeAll(async () => {
  schemaDir = await mkdtemp(join(tmpdir(), 'schema-'));
  const schema = join(schemaDir, 'small.ovsschema');
  await writeFile(schema, JSON.stringify(smallSchemaJson));
  lab = await OvsLab.start({ schema });
  wire = await Wire.open(lab.socket);
  other = await Wire.open(lab.socket);
});

afterAll(async () => {
  wire.close();
  other.close();
  await lab.stop();
  await rm(schemaDir, { recursive: true });
});

beforeEach(async () => {
  const transaction = begin();
  transaction.delete('Root', { all: true });
  const handle = transaction.insert('Bridge', { name: 'br', external_ids: { foreign: 'keep' } });
  transaction.insert('Root', { bridges: [handle] });
  bridge = (await wire.transact(transaction)).insertedUuid(handle);
});

describe('rows', () => {
  it('refer to each other by handles, also before their insert', async () => {
    const transaction = begin();
    const port = transaction.insert('Port', { name: 'p1', tags: [1, 2] });
    transaction.addToSet('Bridge', bridge, 'ports', [port]);
    const portUuid = (await wire.transact(transaction)).insertedUuid(port);
    expect((await readRow('Bridge', bridge))?.['ports']).toEqual([portUuid]);
    expect(await readRow('Port', portUuid)).toMatchObject({ name: 'p1', tags: [1, 2] });
  });

  it('of non-root tables vanish when nothing refers to them, which lint foretells', async () => {
    const transaction = begin();
    const port = transaction.insert('Port', { name: 'lost', tags: [1] });
    expect(transaction.lint()).toMatchObject([{ kind: 'vanishes', table: 'Port' }]);
    const uuid = (await wire.transact(transaction)).insertedUuid(port);
    expect(await readRow('Port', uuid)).toBeUndefined();
  });

  it('with a chosen uuid are made once, however often it is said', async () => {
    const uuid = toUuid('0c000000-0000-4000-8000-000000000001');
    const create = (): Transaction => {
      const transaction = begin();
      const port = transaction.insert('Port', { name: 'once', tags: [1] }, { uuid });
      transaction.addToSet('Bridge', bridge, 'ports', [port]);
      return transaction;
    };
    const first = create();
    await wire.transact(first);
    expect(await readRow('Port', uuid)).toMatchObject({ name: 'once' });
    expect(await codeOf(wire.transact(create()))).toBe('OVSDB_DUPLICATE_UUID');
  });

  it('that are referred to cannot be deleted', async () => {
    const transaction = begin();
    transaction.delete('Bridge', bridge);
    const error = await wire.transact(transaction).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'OVSDB_REFERENTIAL', facts: { phase: 'commit' } });
  });

  it('of a whole table go only when all are meant', async () => {
    const transaction = begin();
    transaction.delete('Root', { all: true });
    expect((await wire.transact(transaction)).count({ index: 0 })).toBe(1);
    expect(await readRow('Bridge', bridge)).toBeUndefined();
  });
});

describe('shared columns', () => {
  it('keep the elements of two writers at once', async () => {
    const addPort = (name: string): Transaction => {
      const transaction = begin();
      transaction.addToSet('Bridge', bridge, 'ports', [transaction.insert('Port', { name, tags: [1] })]);
      return transaction;
    };
    await Promise.all([wire.transact(addPort('mine')), other.transact(addPort('theirs'))]);
    expect((await readRow('Bridge', bridge))?.['ports']).toHaveLength(2);
  });

  it('have their keys set, although a mere insert never overwrites', async () => {
    const insert = begin();
    insert.mutate('Bridge', bridge, 'external_ids', 'insert', { foreign: 'new' });
    await wire.transact(insert);
    expect((await readRow('Bridge', bridge))?.['external_ids']).toEqual(new Map([['foreign', 'keep']]));
    const set = begin();
    set.setKeys('Bridge', bridge, 'external_ids', { foreign: 'new', mine: '1' });
    await wire.transact(set);
    expect((await readRow('Bridge', bridge))?.['external_ids']).toEqual(
      new Map([
        ['foreign', 'new'],
        ['mine', '1'],
      ]),
    );
  });

  it('lose a key with a value only when the value matches', async () => {
    const transaction = begin();
    transaction.deleteKeys('Bridge', bridge, 'external_ids', { foreign: 'other' });
    await wire.transact(transaction);
    expect((await readRow('Bridge', bridge))?.['external_ids']).toEqual(new Map([['foreign', 'keep']]));
  });

  type Edit =
    | { readonly kind: 'set' | 'deletePairs'; readonly entries: Record<string, string> }
    | { readonly kind: 'deleteKeys'; readonly keys: readonly string[] }
    | { readonly kind: 'count'; readonly by: number }
    | { readonly kind: 'write'; readonly counter: number };

  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const entries = fc.dictionary(key, fc.constantFrom('1', '2'), { maxKeys: 3, noNullPrototype: true });
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.record({ kind: fc.constantFrom('set' as const, 'deletePairs' as const), entries }),
    fc.record({ kind: fc.constant('deleteKeys' as const), keys: fc.uniqueArray(key, { maxLength: 3 }) }),
    fc.record({ kind: fc.constant('count' as const), by: fc.integer({ min: -5, max: 5 }) }),
    fc.record({ kind: fc.constant('write' as const), counter: fc.integer({ min: -100, max: 100 }) }),
  );

  interface Model {
    readonly ids: Map<string, string>;
    counter: number;
  }

  function expectEdit(model: Model, step: Edit): void {
    if (step.kind === 'count') model.counter += step.by;
    else if (step.kind === 'write') model.counter = step.counter;
    else if (step.kind === 'deleteKeys') for (const name of step.keys) model.ids.delete(name);
    else
      for (const [name, value] of Object.entries(step.entries)) {
        if (step.kind === 'set') model.ids.set(name, value);
        else if (model.ids.get(name) === value) model.ids.delete(name);
      }
  }

  function addEdit(transaction: Transaction, step: Edit): void {
    if (step.kind === 'count') transaction.increment('Bridge', bridge, 'counter', step.by);
    else if (step.kind === 'write') transaction.update('Bridge', bridge, { counter: step.counter });
    else if (step.kind === 'deleteKeys') transaction.deleteKeys('Bridge', bridge, 'external_ids', step.keys);
    else if (step.kind === 'set') transaction.setKeys('Bridge', bridge, 'external_ids', step.entries);
    else transaction.deleteKeys('Bridge', bridge, 'external_ids', step.entries);
  }

  it('come to what the edits say one by one, in one transaction of few operations', async () => {
    const model: Model = { ids: new Map([['foreign', 'keep']]), counter: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 10 }), async (steps) => {
        const transaction = begin();
        for (const step of steps) {
          addEdit(transaction, step);
          expectEdit(model, step);
        }
        await wire.transact(transaction);
        const row = await readRow('Bridge', bridge);
        expect({ ids: row?.['external_ids'], counter: row?.['counter'] }).toEqual(model);
      }),
      { numRuns: 150, endOnFailure: true },
    );
  });
});

describe('values', () => {
  it('are exact to 64 bits, in writing, reading and comparing', async () => {
    for (const counter of [9007199254740993n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      const write = begin();
      write.update('Bridge', bridge, { counter });
      await wire.transact(write);
      const row = await readRow('Bridge', bridge);
      expect(row?.['counter']).toBe(counter);
      const verified = begin();
      verified.verify('Bridge', row!, ['counter']);
      verified.update('Bridge', bridge, { mode: 'secure' });
      await wire.transact(verified);
    }
  });

  it('of type real are the same row again although the server prints 15 digits', async () => {
    for (const ratio of [0.1 + 0.2, 1 / 3, -1e300 / 7, 5e-300, 0, 12345678.9]) {
      const write = begin();
      write.update('Bridge', bridge, { ratio });
      await wire.transact(write);
      const row = await readRow('Bridge', bridge);
      const verified = begin();
      verified.verify('Bridge', row!, ['ratio']);
      verified.increment('Bridge', bridge, 'counter');
      expect((await wire.transact(verified)).count({ index: 0 })).toBe(1);
    }
  });

  it('that the builder takes are taken by the server', async () => {
    const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));
    const values = fc.record(
      {
        external_ids: fc.dictionary(text, text, { maxKeys: 4 }).map((record) => new Map(Object.entries(record))),
        protocols: fc.uniqueArray(text, { maxLength: 4 }),
        counter: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
        limit: fc.option(fc.integer(), { nil: undefined }),
        mode: fc.option(fc.constantFrom('secure', 'standalone'), { nil: undefined }),
        weights: fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }).filter(isKept), { maxLength: 3 }),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(values, async (update) => {
        if (Object.keys(update).length === 0) return;
        const transaction = begin();
        transaction.update('Bridge', bridge, update, { replaceWhole: ['external_ids'] });
        expect((await wire.transact(transaction)).count({ index: 0 })).toBe(1);
        const row = await readRow('Bridge', bridge);
        if (update.external_ids !== undefined) expect(row?.['external_ids']).toEqual(update.external_ids);
        if (update.protocols !== undefined)
          expect(new Set(row?.['protocols'] as string[])).toEqual(new Set(update.protocols));
        if (update.counter !== undefined) expect(BigInt(row?.['counter'] as number)).toBe(BigInt(update.counter));
      }),
      { numRuns: 150, endOnFailure: true },
    );
  });

  it.each(['a\u0000b', '\ud83d', '\udc00'])(
    'for which the server hangs up, such as %j, never reach it',
    async (text) => {
      expect(() => begin().setKeys('Bridge', bridge, 'external_ids', { key: text })).toThrow(AgentError);
      expect(await wire.call('echo', ['still there'])).toMatchObject({ result: ['still there'] });
    },
  );
});

describe('guards', () => {
  it('turn a change by somebody else into a conflict that changed nothing', async () => {
    const row = await readRow('Bridge', bridge);
    const theirs = begin();
    theirs.increment('Bridge', bridge, 'counter');
    await other.transact(theirs);
    const mine = begin();
    mine.verify('Bridge', row!, ['counter']);
    mine.update('Bridge', bridge, { counter: 100 });
    expect(await codeOf(wire.transact(mine))).toBe('OVSDB_WAIT_FAILED');
    expect((await readRow('Bridge', bridge))?.['counter']).toBe(1);
  });

  it('see the state before the transaction, wherever they are added', async () => {
    const row = await readRow('Bridge', bridge);
    const transaction = begin();
    transaction.update('Bridge', bridge, { counter: 1 });
    transaction.verify('Bridge', row!, ['counter']);
    expect((await wire.transact(transaction)).count({ index: 0 })).toBe(1);
  });

  it('let a row be made once by its name', async () => {
    const create = (): Transaction => {
      const transaction = begin();
      transaction.requireAbsent('Port', [['name', '==', 'guarded']]);
      const port = transaction.insert('Port', { name: 'guarded', tags: [1] });
      transaction.addToSet('Bridge', bridge, 'ports', [port]);
      return transaction;
    };
    await wire.transact(create());
    const error = await wire.transact(create()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'OVSDB_WAIT_FAILED', facts: { operationIndex: 0, table: 'Port' } });
  });

  it('require what must be there', async () => {
    const present = begin();
    present.requirePresent('Bridge', [['name', '==', 'br']]);
    present.increment('Bridge', bridge, 'counter');
    await wire.transact(present);
    const absent = begin();
    absent.requirePresent('Bridge', [['name', '==', 'nothing']]);
    absent.increment('Bridge', bridge, 'counter');
    expect(await codeOf(wire.transact(absent))).toBe('OVSDB_WAIT_FAILED');
  });

  it('wait for somebody else when told how long', async () => {
    const waiting = begin();
    waiting.wait('Root', {
      target: { all: true },
      until: '==',
      columns: ['next_cfg'],
      rows: [{ next_cfg: 7 }],
      timeoutMs: 10_000,
    });
    const waited = wire.transact(waiting);
    const bump = begin();
    bump.update('Root', { all: true }, { next_cfg: 7 });
    await other.transact(bump);
    expect((await waited).results).toEqual([{}]);
  });

  it('and a retry let two counting writers lose no step', async () => {
    const steps = 40;
    const count = async (connection: Wire): Promise<void> => {
      for (let step = 0; step < steps; step++) {
        const replica = { version: 0 };
        const client = {
          schema: smallSchema,
          replica,
          onChange: (listener: () => void) => {
            setImmediate(listener);
            return () => undefined;
          },
          transact: (transaction: Transaction) => connection.transact(transaction),
        };
        let row = await readCounter(connection);
        await runTransaction(
          client,
          (transaction, _replica, reads) => {
            const watched = reads.row('Bridge', row);
            transaction.update('Bridge', bridge, { counter: Number(watched['counter']) + 1 });
          },
          { attemptsMax: 1 },
        ).catch(async (error: unknown) => {
          expect(error).toMatchObject({ code: 'OVSDB_WAIT_FAILED' });
          row = await readCounter(connection);
          step -= 1;
        });
      }
    };
    await Promise.all([count(wire), count(other)]);
    expect((await readRow('Bridge', bridge))?.['counter']).toBe(2 * steps);
  });

  async function readCounter(connection: Wire): Promise<Row> {
    const transaction = begin();
    const select = transaction.select('Bridge', bridge, ['_uuid', 'counter']);
    return (await connection.transact(transaction)).rows(select)[0]!;
  }
});

describe('the result', () => {
  it('is found behind a lock, a guard and a comment', async () => {
    await wire.call('lock', ['agent']);
    const transaction = begin();
    transaction.comment('for the log');
    const port = transaction.insert('Port', { name: 'p1', tags: [1] });
    const mutate = transaction.addToSet('Bridge', bridge, 'ports', [port]);
    transaction.requireAbsent('Port', [['name', '==', 'p1']]);
    transaction.assert('agent');
    transaction.commitDurably();
    const outcome = await wire.transact(transaction);
    expect(outcome.count(mutate)).toBe(1);
    expect((await readRow('Port', outcome.insertedUuid(port)))?.['name']).toBe('p1');
    await wire.call('unlock', ['agent']);
  });

  it('says that the lock is not ours', async () => {
    const transaction = begin();
    transaction.assert('nobody');
    transaction.increment('Bridge', bridge, 'counter');
    expect(await codeOf(wire.transact(transaction))).toBe('OVSDB_NOT_OWNER');
  });

  it('names the constraint that the commit broke', async () => {
    const transaction = begin();
    const ports = ['same', 'same'].map((name) => transaction.insert('Port', { name, tags: [1] }));
    transaction.addToSet('Bridge', bridge, 'ports', ports);
    const error = await wire.transact(transaction).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'OVSDB_CONSTRAINT', facts: { phase: 'commit' } });
  });

  it('of a dry run is that it was taken back', async () => {
    const transaction = begin();
    transaction.increment('Bridge', bridge, 'counter');
    transaction.abort();
    expect(await codeOf(wire.transact(transaction))).toBe('OVSDB_OPERATION_ABORTED');
    expect((await readRow('Bridge', bridge))?.['counter']).toBe(0);
  });

  it('is an error of range when a number overflows', async () => {
    const write = begin();
    write.update('Bridge', bridge, { counter: 2n ** 63n - 1n });
    await wire.transact(write);
    const transaction = begin();
    transaction.increment('Bridge', bridge, 'counter');
    expect(await codeOf(wire.transact(transaction))).toBe('OVSDB_CONSTRAINT');
  });

  it('tells conditions on any type from each other', async () => {
    const count = async (...clause: [string, '==' | '>' | 'includes' | 'excludes', unknown]): Promise<number> => {
      const transaction = begin();
      const select = transaction.select('Bridge', { where: [clause] }, ['name']);
      return (await wire.transact(transaction)).rows(select).length;
    };
    expect(await count('external_ids', 'includes', { foreign: 'keep' })).toBe(1);
    expect(await count('external_ids', 'excludes', { foreign: 'keep' })).toBe(0);
    expect(await count('ports', '==', [])).toBe(1);
    expect(await count('mode', '==', undefined)).toBe(1);
    expect(await count('counter', '>', -1)).toBe(1);
    expect(await count('_uuid', '==', bridge)).toBe(1);
  });
});
