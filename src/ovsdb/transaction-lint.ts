/**
 * Finds what a transaction probably does not mean although the server would accept it. Pure; for logs and tests, never a
 * reason to refuse.
 */
import { encodedValues, forEachReference, type InsertOperation, type RowOperation } from './operation.js';
import type { DatabaseSchema } from './schema.js';

/** Something that the server will do silently. */
export interface Hint {
  /** `vanishes`: the row is of a non-root table and nothing in the transaction refers to it, so the commit drops it. */
  readonly kind: 'vanishes';
  readonly table: string;
  /** The `uuid-name` of the insert. */
  readonly name: string;
}

/** The hints for `operations`. A row that another row of the transaction keeps alive through a chain counts as referred to. */
export function lintOperations(schema: DatabaseSchema, operations: readonly RowOperation[]): readonly Hint[] {
  const referred = new Set<string>();
  for (const operation of operations) {
    for (const value of encodedValues(operation)) forEachReference(value, (_tag, id) => referred.add(id));
  }
  return operations
    .filter((operation): operation is InsertOperation => operation.op === 'insert')
    .filter(({ table, handle }) => {
      const isRoot = schema.tables.get(table)?.isRoot === true;
      return !isRoot && !referred.has(handle.uuid ?? handle.name);
    })
    .map(({ table, handle }) => ({ kind: 'vanishes', table, name: handle.name }));
}
