/**
 * One transaction on the wire: the locks' assertions in front, the reply behind, and the count of how it went. Used by the
 * client. What the operations mean is the transaction's business.
 */

import { AgentError } from '../lib/errors.js';
import { protocolError } from './rpc.js';
import type { CallOptions, RpcConnection } from './rpc.js';
import { errorFromReply } from './server-errors.js';
import type { ClientStats } from './stats.js';
import type { Json } from './types.js';

/** What can be carried out: a Transaction is. */
export interface Transactable<Outcome> {
  /** Asked for once, when it is sent. */
  toOperations(): readonly Json[];
  /** The outcome that the reply tells; throws when it was not applied. */
  decodeOutcome(reply: Json): Outcome;
}

export interface TransactTarget {
  readonly rpc: RpcConnection;
  readonly database: string;
  /** The locks to assert. */
  readonly locks: readonly string[];
}

/**
 * Sends a transaction and waits for its outcome.
 * @throws AgentError by the server's error; those of RpcConnection.call
 */
export async function sendTransaction<Outcome>(
  target: TransactTarget,
  transaction: Transactable<Outcome> | readonly Json[],
  options: CallOptions,
  stats: ClientStats,
  nowMs: () => number,
): Promise<Outcome | readonly Json[]> {
  const operations = isOperations(transaction) ? transaction : transaction.toOperations();
  const asserts = target.locks.map((lock) => ({ op: 'assert', lock }));
  const startMs = nowMs();
  stats.transactionsInFlight += 1;
  try {
    const reply = await target.rpc.call('transact', [target.database, ...asserts, ...operations], options);
    stats.transactionMs += nowMs() - startMs;
    const results = withoutAsserts(reply, target.locks);
    const outcome = isOperations(transaction) ? checkResults(results) : transaction.decodeOutcome(results);
    stats.transactionsCommitted += 1;
    return outcome;
  } catch (error) {
    if (error instanceof AgentError && error.isOutcomeUnknown) stats.transactionsUnknown += 1;
    else stats.transactionsRefused += 1;
    throw error;
  } finally {
    stats.transactionsInFlight -= 1;
  }
}

/** The results of the operations that the caller knows of: what was put in front never shifts them. */
function withoutAsserts(reply: Json, locks: readonly string[]): readonly Json[] {
  if (!isArray(reply)) throw protocolError('the reply to a transaction is not an array');
  if (locks.length === 0) return reply;
  for (const [index, lock] of locks.entries()) {
    const result = reply[index] ?? null;
    if (hasError(result)) throw errorFromReply(result, { method: 'transact', lock });
  }
  return reply.slice(locks.length);
}

/** Raw operations: the results as they came, unless one is an error. The last can be one too many: that of the commit. */
function checkResults(results: readonly Json[]): readonly Json[] {
  for (const [index, result] of results.entries()) {
    if (hasError(result)) throw errorFromReply(result, { method: 'transact', operationIndex: index });
  }
  return results;
}

function hasError(result: Json): boolean {
  if (typeof result !== 'object' || result === null || isArray(result)) return false;
  return result['error'] !== undefined && result['error'] !== null;
}

function isOperations<Outcome>(transaction: Transactable<Outcome> | readonly Json[]): transaction is readonly Json[] {
  return Array.isArray(transaction);
}

function isArray(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}
