/**
 * Optimistic transactions: read the replica, build, send; when somebody else was faster, read again. Only a conflict is
 * repeated, because only then it is certain that nothing was applied. A lost connection never is: the caller looks first.
 */
import { type Clock, systemClock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { backoffMs } from '../lib/backoff.js';
import { ReadSet } from './read-set.js';
import type { DatabaseSchema } from './schema.js';
import { type AnyDatabase } from './transaction-input.js';
import type { TransactionOutcome } from './transaction-result.js';
import { Transaction } from './transaction.js';
import type { DatabaseTypes } from './types.js';

export interface TransactOptions {
  readonly signal?: AbortSignal;
  /** How long the reply may take, ms. */
  readonly deadlineMs?: number;
}

/** What can carry out a transaction; `OvsdbClient` is one. */
export interface Transactor<Database extends DatabaseTypes> {
  /** The schema of the server, as of the last connection. */
  readonly schema: DatabaseSchema;
  transact(transaction: Transaction<Database>, options?: TransactOptions): Promise<TransactionOutcome>;
}

/** What `runTransaction` needs besides: a replica that tells when it changes. */
export interface ReplicaTransactor<
  Database extends DatabaseTypes,
  ReplicaView extends { readonly version: number },
> extends Transactor<Database> {
  readonly replica: ReplicaView;
  /** Calls `listener` after each change of the replica; returns how to stop that. */
  onChange(listener: () => void): () => void;
}

export interface RunOptions extends TransactOptions {
  /** How often the transaction is built at most. Default 10. */
  readonly attemptsMax?: number;
  readonly clock?: Clock;
  /** A number in [0, 1) that spreads the waits of several writers. Default: each wait has its full length. */
  readonly random?: () => number;
}

export interface RunResult {
  /** Undefined when `build` had nothing to do. */
  readonly outcome: TransactionOutcome | undefined;
  readonly attempts: number;
}

const attemptsMaxDefault = 10;
/** The wait for news before a repeat; the conflict may be about a column that the replica does not hold. */
const newsTiming = { baseMs: 20, capMs: 2000 };

/**
 * Builds and sends a transaction until no `verify`, guard or `wait` of it fails.
 * @param build adds operations from what the replica says now; called anew for each attempt, so it must have no other
 *   effect. Columns that it reads through `reads` are verified. Returns false to leave everything as it is.
 * @throws AgentError OVSDB_WAIT_FAILED after `attemptsMax` conflicts; any other failure of `transact` at once
 */
export async function runTransaction<
  Database extends DatabaseTypes = AnyDatabase,
  ReplicaView extends { readonly version: number } = { readonly version: number },
>(
  client: ReplicaTransactor<Database, ReplicaView>,
  build: (transaction: Transaction<Database>, replica: ReplicaView, reads: ReadSet<Database>) => unknown,
  options: RunOptions = {},
): Promise<RunResult> {
  const attemptsMax = options.attemptsMax ?? attemptsMaxDefault;
  for (let attempts = 1; ; attempts++) {
    const version = client.replica.version;
    const transaction = buildOnce(client, build);
    if (transaction === undefined) return { outcome: undefined, attempts };
    try {
      return { outcome: await client.transact(transaction, options), attempts };
    } catch (error) {
      if (!isConflict(error) || attempts >= attemptsMax) throw error;
    }
    await news(client, version, attempts, options);
  }
}

function buildOnce<Database extends DatabaseTypes, ReplicaView extends { readonly version: number }>(
  client: ReplicaTransactor<Database, ReplicaView>,
  build: (transaction: Transaction<Database>, replica: ReplicaView, reads: ReadSet<Database>) => unknown,
): Transaction<Database> | undefined {
  const transaction = new Transaction<Database>(client.schema);
  const reads = new ReadSet<Database>();
  if (build(transaction, client.replica, reads) === false || transaction.isEmpty) return undefined;
  reads.verifyIn(transaction);
  return transaction;
}

function isConflict(error: unknown): boolean {
  return error instanceof AgentError && error.code === 'OVSDB_WAIT_FAILED';
}

/**
 * Resolves once the replica is newer than what the failed attempt was built from. Often it is already: the server sends
 * updates before the reply that they make fail.
 */
async function news(
  client: ReplicaTransactor<never, { readonly version: number }>,
  version: number,
  attempts: number,
  options: RunOptions,
): Promise<void> {
  const { signal, clock = systemClock, random = () => 1 } = options;
  if (client.replica.version !== version) return;
  await new Promise<void>((resolve, reject) => {
    const finish = (settle: () => void): void => {
      timer.cancel();
      unsubscribe();
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = (): void => finish(() => reject(aborted(signal)));
    const timer = clock.after(backoffMs(attempts, newsTiming, random()), () => finish(resolve));
    const unsubscribe = client.onChange(() => finish(resolve));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });
}

function aborted(signal: AbortSignal | undefined): AgentError {
  return new AgentError('ABORTED', 'the transaction was given up between two attempts', { cause: signal?.reason });
}
