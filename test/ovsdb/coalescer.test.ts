import { describe, expect, it } from 'vitest';
import { AgentError } from '../../src/lib/errors.js';
import { Coalescer, type CoalescerOptions } from '../../src/ovsdb/coalescer.js';
import type { Transactor } from '../../src/ovsdb/run.js';
import type { AnyDatabase } from '../../src/ovsdb/transaction-input.js';
import type { TransactionOutcome } from '../../src/ovsdb/transaction-result.js';
import type { Transaction } from '../../src/ovsdb/transaction.js';
import type { Json, JsonObject } from '../../src/ovsdb/types.js';
import { smallSchema } from '../fakes/small-schema.js';

const uuidOf = (digit: number): string => `0b000000-0000-4000-8000-${String(digit).padStart(12, '0')}`;

/** Accepts inserts but of ports named in `refused`; counts what was sent and how much was under way at once. */
class FakeClient implements Transactor<AnyDatabase> {
  readonly schema = smallSchema;
  readonly batches: string[][] = [];
  readonly refused = new Set<string>();
  inFlight = 0;
  inFlightMax = 0;
  failure: AgentError | undefined;

  async transact(transaction: Transaction): Promise<TransactionOutcome> {
    const operations = transaction.toOperations() as JsonObject[];
    const names = operations.map((operation) => (operation['row'] as { name: string }).name);
    this.batches.push(names);
    this.inFlightMax = Math.max(this.inFlightMax, ++this.inFlight);
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.inFlight -= 1;
    if (this.failure !== undefined) throw this.failure;
    const isRefused = names.some((name) => this.refused.has(name));
    const results: Json[] = names.map((name) => ({ uuid: ['uuid', uuidOf(Number(name.slice(1)))] }));
    return transaction.decodeOutcome(isRefused ? [...results, { error: 'constraint violation' }] : results);
  }
}

function begin(options: CoalescerOptions = {}) {
  const client = new FakeClient();
  const coalescer = new Coalescer(client, options);
  const add = (name: string) => coalescer.submit((transaction) => transaction.insert('Port', { name, tags: [1] }));
  return { client, coalescer, add };
}

describe('Coalescer', () => {
  it('joins what one turn of the event loop brings, and gives each caller its own result', async () => {
    const { client, add } = begin();
    const results = await Promise.all(['p1', 'p2', 'p3'].map(add));
    expect(client.batches).toEqual([['p1', 'p2', 'p3']]);
    expect(results.map(({ built, outcome }) => outcome.insertedUuid(built))).toEqual([uuidOf(1), uuidOf(2), uuidOf(3)]);
  });

  it('collects while a transaction is under way, so there is never more than one', async () => {
    const { client, coalescer, add } = begin();
    const first = add('p1');
    while (client.inFlight === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    const rest = [add('p2'), add('p3')];
    expect(coalescer.waitingCount).toBe(2);
    await Promise.all([first, ...rest]);
    expect(client.batches).toEqual([['p1'], ['p2', 'p3']]);
    expect(client.inFlightMax).toBe(1);
    await add('p4');
    expect(client.batches).toHaveLength(3);
  });

  it('tries each part alone when the joint transaction is refused', async () => {
    const { client, add } = begin();
    client.refused.add('p2');
    const results = await Promise.allSettled(['p1', 'p2', 'p3'].map(add));
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(client.batches).toEqual([['p1', 'p2', 'p3'], ['p1'], ['p2'], ['p3']]);
  });

  it('lets nobody suffer for a part that cannot be built', async () => {
    const { client, coalescer, add } = begin();
    const good = add('p1');
    const bad = coalescer.submit((transaction) => transaction.insert('Port', { name: 5, tags: [1] }));
    await expect(bad).rejects.toMatchObject({ code: 'OVSDB_VALUE_INVALID' });
    await good;
    expect(client.batches).toEqual([['p1']]);
  });

  it('repeats nothing when the outcome is unknown', async () => {
    const { client, add } = begin();
    client.failure = new AgentError('CONNECTION_LOST', 'gone');
    const results = await Promise.allSettled(['p1', 'p2'].map(add));
    expect(results).toMatchObject([{ reason: { code: 'CONNECTION_LOST' } }, { reason: { code: 'CONNECTION_LOST' } }]);
    expect(client.batches).toHaveLength(1);
  });

  it('sends at most so many parts at once', async () => {
    const { client, add } = begin({ partsMax: 2 });
    await Promise.all(['p1', 'p2', 'p3'].map(add));
    expect(client.batches).toEqual([['p1', 'p2'], ['p3']]);
  });
});
