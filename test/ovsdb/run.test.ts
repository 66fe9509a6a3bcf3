import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import { errorFromServer } from '../../src/ovsdb/server-errors.js';
import { runTransaction, type ReplicaTransactor } from '../../src/ovsdb/run.js';
import type { AnyDatabase } from '../../src/ovsdb/transaction-input.js';
import type { Transaction } from '../../src/ovsdb/transaction.js';
import type { Json, JsonObject, Row } from '../../src/ovsdb/types.js';
import { toUuid } from '../../src/ovsdb/values.js';
import { smallSchema } from '../fakes/small-schema.js';

const uuid = toUuid('0b000000-0000-4000-8000-000000000001');

/** A counter behind a replica: a transaction succeeds when its guard fits the counter of the "server". */
class FakeClient implements ReplicaTransactor<AnyDatabase, { readonly version: number }> {
  readonly schema = smallSchema;
  readonly replica = { version: 1 };
  readonly sent: (readonly Json[])[] = [];
  /** What happens to each transaction, in order; the last one repeats. */
  readonly answers: (() => Json)[] = [];
  readonly #listeners = new Set<() => void>();

  get listenerCount(): number {
    return this.#listeners.size;
  }

  transact(transaction: Transaction) {
    const operations = transaction.toOperations();
    this.sent.push(operations);
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    return Promise.resolve().then(() => transaction.decodeOutcome(answer!()));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change(): void {
    this.replica.version += 1;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** A clock whose timers fire only when told. */
class StillClock implements Clock {
  readonly timers = new Set<() => void>();
  readonly delays: number[] = [];
  nowMs = () => 0;
  wallMs = () => 0;
  after(delayMs: number, callback: () => void) {
    this.delays.push(delayMs);
    this.timers.add(callback);
    return { cancel: () => void this.timers.delete(callback) };
  }
}

const conflict = (): Json => [{ error: 'timed out' }];
const increment = (transaction: Transaction) => transaction.increment('Root', { all: true }, 'next_cfg');

async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe('runTransaction', () => {
  it('sends nothing when there is nothing to do', async () => {
    const client = new FakeClient();
    expect(await runTransaction(client, () => false)).toEqual({ outcome: undefined, attempts: 1 });
    expect(await runTransaction(client, (transaction) => transaction.comment('why'))).toMatchObject({ attempts: 1 });
    expect(client.sent).toEqual([]);
  });

  it('builds again at once when the replica moved on while the conflict came back', async () => {
    const client = new FakeClient();
    const seen: number[] = [];
    client.answers.push(
      () => {
        client.change();
        return conflict();
      },
      () => [{ count: 1 }],
    );
    const result = await runTransaction(client, (transaction, replica) => {
      seen.push(replica.version);
      increment(transaction);
    });
    expect(result.attempts).toBe(2);
    expect(result.outcome?.count({ index: 0 })).toBe(1);
    expect(seen).toEqual([1, 2]);
  });

  it('waits for the replica to change before it builds again', async () => {
    const client = new FakeClient();
    const clock = new StillClock();
    client.answers.push(conflict, () => [{ count: 1 }]);
    const running = runTransaction(client, increment, { clock });
    await settled(() => client.listenerCount === 1);
    expect(client.sent).toHaveLength(1);
    client.change();
    expect((await running).attempts).toBe(2);
    expect([client.listenerCount, clock.timers.size]).toEqual([0, 0]);
  });

  it('tries again after a while although the replica says nothing', async () => {
    const client = new FakeClient();
    const clock = new StillClock();
    client.answers.push(conflict, () => [{ count: 1 }]);
    const running = runTransaction(client, increment, { clock, random: () => 0.5 });
    await settled(() => clock.timers.size === 1);
    for (const fire of clock.timers) fire();
    expect((await running).attempts).toBe(2);
    expect(clock.delays).toEqual([20]);
  });

  it('gives up after so many conflicts', async () => {
    const client = new FakeClient();
    client.answers.push(() => {
      client.change();
      return conflict();
    });
    await expect(runTransaction(client, increment, { attemptsMax: 3 })).rejects.toMatchObject({
      code: 'OVSDB_WAIT_FAILED',
    });
    expect(client.sent).toHaveLength(3);
  });

  it.each([
    ['an unknown outcome', () => new AgentError('CONNECTION_LOST', 'gone')],
    ['a refusal', () => errorFromServer('constraint violation')],
  ])('never repeats %s', async (_what, error) => {
    const client = new FakeClient();
    client.answers.push(() => {
      throw error();
    });
    await expect(runTransaction(client, increment)).rejects.toMatchObject({ code: error().code });
    expect(client.sent).toHaveLength(1);
  });

  it('stops between two attempts when it is aborted', async () => {
    const client = new FakeClient();
    const clock = new StillClock();
    const abort = new AbortController();
    client.answers.push(conflict);
    const running = runTransaction(client, increment, { clock, signal: abort.signal });
    await settled(() => client.listenerCount === 1);
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect([client.listenerCount, clock.timers.size]).toEqual([0, 0]);
  });

  it('verifies exactly the columns that were read', async () => {
    const client = new FakeClient();
    client.answers.push(() => [{}, { count: 1 }]);
    const row = { _uuid: uuid, counter: 4, mode: 'secure', ratio: 0.5 } as unknown as Row;
    await runTransaction(client, (transaction, _replica, reads) => {
      const bridge = reads.row('Bridge', row);
      transaction.update('Bridge', bridge._uuid, { counter: Number(bridge['counter']) + 1 });
    });
    const [wait] = client.sent[0] as readonly JsonObject[];
    expect(wait).toMatchObject({ op: 'wait', columns: ['counter'], rows: [{ counter: 4 }], until: '==', timeout: 0 });
  });
});
