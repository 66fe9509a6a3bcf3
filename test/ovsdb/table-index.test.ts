import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { HashIndex, keyOfValues, OrderedIndex } from '../../src/ovsdb/table-index.js';
import type { Row, Value } from '../../src/ovsdb/types.js';
import { toUuid } from '../../src/ovsdb/values.js';

const rowOf = (index: number, n: Value): Row => ({
  _uuid: toUuid(`00000000-0000-0000-0000-0000000000${String(index).padStart(2, '0')}`),
  n,
});
const cells = fc.array(fc.option(fc.oneof(fc.nat(9), fc.constant(9007199254740993n)), { nil: undefined }), {
  maxLength: 20,
});

describe('OrderedIndex', () => {
  it('gives the rows of any range in order, after any additions and removals', () => {
    fc.assert(
      fc.property(
        cells,
        fc.array(fc.nat(19)),
        fc.nat(9),
        fc.nat(9),
        fc.boolean(),
        fc.boolean(),
        (values, gone, from, to, isFromExcluded, isToExcluded) => {
          const rows = values.map((value, index) => rowOf(index, value));
          const half = rows.length >> 1;
          const index = new OrderedIndex('n', rows.slice(0, half));
          for (const row of rows.slice(half)) index.add(row);
          const removed = new Set(gone.map((at) => rows[at]).filter((row) => row !== undefined));
          for (const row of removed) index.remove(row);
          const expected = rows
            .filter((row) => !removed.has(row) && row['n'] !== undefined)
            .map((row) => ({ key: row['n'] as number, uuid: row._uuid }))
            .filter(({ key }) => (isFromExcluded ? key > from : key >= from) && (isToExcluded ? key < to : key <= to))
            .sort((a, b) => (a.key === b.key ? (a.uuid < b.uuid ? -1 : 1) : a.key < b.key ? -1 : 1));
          expect(index.range({ from, to, isFromExcluded, isToExcluded })).toEqual(expected.map(({ uuid }) => uuid));
        },
      ),
    );
  });
});

describe('HashIndex', () => {
  it('forgets a row that is removed and nothing else', () => {
    const index = new HashIndex({ kind: 'columns', columns: ['n'] });
    const rows = [rowOf(1, 5), rowOf(2, 5), rowOf(3, undefined)];
    for (const row of rows) index.add(row);
    expect([...index.find(5n)]).toHaveLength(2);
    index.remove(rows[0]!);
    expect([...index.find(5)]).toEqual([rows[1]!._uuid]);
    expect([...index.find(undefined)]).toEqual([rows[2]!._uuid]);
  });
});

describe('keyOfValues', () => {
  it('is the same for the same values and differs for others', () => {
    const values: Value[][] = [
      [1, 2],
      [1, '2'],
      ['1', 2],
      [[1, 2]],
      [[1], [2]],
      [undefined, 2],
      [new Map([[1, 2]])],
      ['', ''],
      [''],
      [true, false],
    ];
    expect(new Set(values.map((tuple) => keyOfValues(tuple))).size).toBe(values.length);
    expect(keyOfValues([[2, 1], 'x'])).toBe(keyOfValues([[1, 2], 'x']));
    expect(
      keyOfValues([
        new Map([
          ['a', 1],
          ['b', 2],
        ]),
        0,
      ]),
    ).toBe(
      keyOfValues([
        new Map([
          ['b', 2],
          ['a', 1],
        ]),
        0,
      ]),
    );
  });
});
