/**
 * What the builder of transactions refuses although the protocol allows it, because it is never meant and does harm in
 * silence: emptying other writers' keys, waiting without end, counting up what is not there.
 */
import { AgentError } from '../lib/errors.js';
import type { TableSchema } from './schema.js';
import { findColumn, isShared } from './transaction-input.js';

/** The longest wait that a transaction may ask the server for, ms: it holds the transaction, and state, all that time. */
export const waitMsMax = 60_000;

/** Refuses columns that are no maps. */
export function requireMap(table: TableSchema, column: string): void {
  const { type } = findColumn(table, column);
  if (type.kind !== 'map') throw misused(table.name, column, 'only a map column has keys');
}

/** Refuses columns that are no sets; an optional value is a set of at most one. */
export function requireSet(table: TableSchema, column: string): void {
  const { type } = findColumn(table, column);
  if (type.kind === 'map' || type.kind === 'scalar') {
    throw misused(table.name, column, 'only a set column has elements');
  }
}

/** Refuses columns that may be empty: the server would count up nothing and report success. */
export function requireSingle(table: TableSchema, column: string): void {
  const { type } = findColumn(table, column);
  if (type.kind === 'scalar') return;
  throw misused(table.name, column, 'only a column of exactly one value can be incremented');
}

/** Refuses immutable columns, and shared columns unless they are meant to be written whole. */
export function checkWrite(table: TableSchema, column: string, isWholeWanted: boolean | undefined): void {
  const { mutable, type } = findColumn(table, column);
  if (!mutable) throw misused(table.name, column, 'the column cannot be changed after the insert');
  if (isWholeWanted !== true && isShared(type)) {
    throw new AgentError('OVSDB_VALUE_INVALID', 'writing the column whole would drop the elements of other writers', {
      facts: { table: table.name, column },
      remedy: 'Use setKeys, deleteKeys, addToSet or removeFromSet, or name the column in replaceWhole.',
    });
  }
}

/** The timeout of a wait, ms, if it is in range. */
export function checkWait(table: string, timeoutMs: number): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 0 && timeoutMs <= waitMsMax) return timeoutMs;
  throw new AgentError('OVSDB_VALUE_INVALID', 'the timeout of a wait is out of range', {
    facts: { table, timeoutMs, timeoutMsMax: waitMsMax },
  });
}

function misused(table: string, column: string, rule: string): AgentError {
  return new AgentError('OVSDB_VALUE_INVALID', rule, { facts: { table, column } });
}

/** The refusal of an update that names no column. */
export function nothingToDo(table: TableSchema): AgentError {
  return new AgentError('OVSDB_VALUE_INVALID', 'an update without columns', { facts: { table: table.name } });
}

/** A `wait` needs a column to compare; any one tells presence. */
export function guardColumn<Column extends string>(where: readonly (readonly [Column, ...unknown[]])[]): Column {
  const [first] = where;
  if (first === undefined) throw new AgentError('OVSDB_VALUE_INVALID', 'a guard without a condition');
  return first[0];
}
