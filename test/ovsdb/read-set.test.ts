import { describe, expect, it } from 'vitest';
import { ReadSet } from '../../src/ovsdb/read-set.js';
import type { AnyDatabase } from '../../src/ovsdb/transaction-input.js';
import { Transaction } from '../../src/ovsdb/transaction.js';
import type { JsonObject, Row } from '../../src/ovsdb/types.js';
import { toUuid } from '../../src/ovsdb/values.js';
import { smallSchema } from '../fakes/small-schema.js';

const uuid = toUuid('0b000000-0000-4000-8000-000000000001');
const row = { _uuid: uuid, counter: 4, mode: 'secure' } as unknown as Row;

function waits(reads: ReadSet<AnyDatabase>): readonly JsonObject[] {
  const transaction = new Transaction(smallSchema);
  reads.verifyIn(transaction);
  return transaction.toOperations();
}

describe('ReadSet', () => {
  it('verifies nothing for a row that was only identified', () => {
    const reads = new ReadSet<AnyDatabase>();
    expect(reads.row('Bridge', row)._uuid).toBe(uuid);
    expect(waits(reads)).toEqual([]);
  });

  it('verifies each column once, however it was read', () => {
    const reads = new ReadSet<AnyDatabase>();
    const bridge = reads.row('Bridge', row);
    expect(bridge['counter']).toBe(4);
    expect(reads.row('Bridge', row)['counter']).toBe(4);
    reads.note('Bridge', row, ['counter', 'mode']);
    expect(waits(reads)).toMatchObject([{ columns: ['counter', 'mode'], rows: [{ counter: 4, mode: 'secure' }] }]);
  });

  it('takes a copy of the row for a read of every column', () => {
    const reads = new ReadSet<AnyDatabase>();
    expect({ ...reads.row('Bridge', row) }).toEqual(row);
    expect(waits(reads)).toMatchObject([{ columns: ['counter', 'mode'] }]);
  });
});
