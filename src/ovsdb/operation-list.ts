/**
 * The operations of one transaction in order, with edits of the same row folded into one operation, as the other OVSDB
 * clients do at commit: the server's work is per operation. Used by `Transaction` alone.
 */
import { AgentError } from '../lib/errors.js';
import {
  encodedValues,
  forEachReference,
  type MutateOperation,
  type RowOperation,
  type UpdateOperation,
} from './operation.js';
import { RowHandle } from './row-handle.js';

/** The operations on one row that later edits may still be folded into. */
interface OpenEdits {
  update?: { readonly index: number; readonly operation: UpdateOperation };
  mutate?: { readonly index: number; readonly operation: MutateOperation };
}

export class OperationList {
  readonly #operations: RowOperation[] = [];
  /** By table, then by row. */
  readonly #open = new Map<string, Map<string, OpenEdits>>();

  get operations(): readonly RowOperation[] {
    return this.#operations;
  }

  /**
   * Appends an operation and returns its index. A read, a wait or a change by condition sees the rows as they are at its
   * place, so nothing is folded across it.
   */
  add(operation: RowOperation): number {
    if (operation.op !== 'insert') this.#open.delete(operation.table);
    return this.#append(operation);
  }

  /** Joins an update to the last update of the same row, unless a mutation of the same column stands between. */
  addUpdate(operation: UpdateOperation, target: unknown): number {
    const edits = this.#openEdits(operation.table, target);
    if (edits === undefined) return this.add(operation);
    const { update, mutate } = edits;
    const isMutated = mutate?.operation.mutations.some(([column]) => operation.row.has(column)) === true;
    if (update !== undefined && !isMutated) {
      for (const [column, value] of operation.row) update.operation.row.set(column, value);
      return update.index;
    }
    if (isMutated) delete edits.mutate;
    edits.update = { index: this.#append(operation), operation };
    return edits.update.index;
  }

  /** Joins a mutation to the last one of the same row, unless an update of the same column stands between. */
  addMutate(operation: MutateOperation, target: unknown): number {
    const edits = this.#openEdits(operation.table, target);
    if (edits === undefined) return this.add(operation);
    const { update, mutate } = edits;
    const isUpdated = operation.mutations.some(([column]) => update?.operation.row.has(column) === true);
    if (mutate !== undefined && !isUpdated) {
      mutate.operation.mutations.push(...operation.mutations);
      return mutate.index;
    }
    if (isUpdated) delete edits.update;
    edits.mutate = { index: this.#append(operation), operation };
    return edits.mutate.index;
  }

  /**
   * Refuses references to rows that no operation inserts: the handle came from another transaction, and the server would
   * only say "referential integrity violation" at the end.
   * @throws AgentError OVSDB_VALUE_INVALID
   */
  checkReferences(names: ReadonlySet<string>): void {
    for (const operation of this.#operations) {
      for (const value of encodedValues(operation)) {
        forEachReference(value, (tag, id) => {
          if (tag === 'uuid' || names.has(id)) return;
          throw new AgentError('OVSDB_VALUE_INVALID', 'the transaction refers to a row that it does not insert', {
            facts: { table: operation.table, operation: operation.op, name: id },
          });
        });
      }
    }
  }

  #append(operation: RowOperation): number {
    return this.#operations.push(operation) - 1;
  }

  /** The edits of one named row, or undefined when the target may be several rows. */
  #openEdits(table: string, target: unknown): OpenEdits | undefined {
    const key = target instanceof RowHandle ? (target.uuid ?? `@${target.name}`) : target;
    if (typeof key !== 'string') {
      this.#open.delete(table);
      return undefined;
    }
    const rows = this.#open.get(table) ?? new Map<string, OpenEdits>();
    this.#open.set(table, rows);
    const edits = rows.get(key) ?? {};
    rows.set(key, edits);
    return edits;
  }
}
