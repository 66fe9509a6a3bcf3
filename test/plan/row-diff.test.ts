import { describe, expect, it } from 'vitest';
import { managedKeysKey, ownerKey, pinsKey } from '../../src/model/ownership.js';
import type { CellValue } from '../../src/plan/action.js';
import {
  cellsEqual,
  diffRow,
  formatCell,
  isEmptyEdit,
  type PresentRow,
  type WantedRow,
} from '../../src/plan/row-diff.js';
import { mapOf, owner } from '../fakes/plan-rows.js';

function wanted(fields: Partial<WantedRow> = {}): WantedRow {
  return { table: 'Port', cells: new Map(), maps: new Map([['external_ids', new Map()]]), pins: new Map(), ...fields };
}

function present(cells: Readonly<Record<string, CellValue>>, maps: PresentRow['maps']): PresentRow {
  return { cells: new Map(Object.entries(cells)), maps };
}

const marks = { [ownerKey]: owner };
const bare = present({}, new Map([['external_ids', mapOf(marks)]]));

describe('two cells', () => {
  it.each<[CellValue, CellValue, boolean]>([
    ['a', 'a', true],
    ['a', 'b', false],
    [undefined, undefined, true],
    [undefined, '', false],
    [1, '1', false],
    [[1, 2], [2, 1], true],
    [[1, 1], [1], true],
    [[1, 2], [1], false],
    [[], undefined, false],
  ])('%j and %j are equal: %s', (a, b, isEqual) => {
    expect(cellsEqual(a, b)).toBe(isEqual);
    expect(cellsEqual(b, a)).toBe(isEqual);
  });

  it('are shown so that an unset one can be told from an empty one', () => {
    expect([undefined, '', 'x', 7, [3, 1, 20], []].map((cell) => formatCell(cell))).toEqual([
      '(unset)',
      '(empty)',
      'x',
      '7',
      '[1, 3, 20]',
      '[]',
    ]);
  });
});

describe('the difference of a row', () => {
  it('is empty when the row holds what is wanted, beside foreign keys', () => {
    const row = present({ tag: 7, other: 'x' }, new Map([['external_ids', mapOf({ ...marks, theirs: '1' })]]));
    const { edit, differences } = diffRow(wanted({ cells: new Map([['tag', 7]]) }), row, owner);
    expect(isEmptyEdit(edit)).toBe(true);
    expect(differences).toEqual([]);
  });

  it('names each cell and each key with both values', () => {
    const row = present({ tag: undefined }, new Map([['external_ids', mapOf({ ...marks, a: 'old' })]]));
    const want = wanted({ cells: new Map([['tag', 7]]), maps: new Map([['external_ids', mapOf({ a: 'new' })]]) });
    expect(diffRow(want, row, owner).differences).toEqual([
      { table: 'Port', field: 'tag', from: '(unset)', to: '7' },
      { table: 'Port', field: 'external_ids:a', from: 'old', to: 'new' },
      { table: 'Port', field: `external_ids:${managedKeysKey}`, from: '(unset)', to: '["external_ids:a"]' },
    ]);
  });

  it('leaves out defaults where the row is new, and writes them where it is not', () => {
    const cells = new Map<string, CellValue>([
      ['type', ''],
      ['tag', undefined],
      ['trunks', []],
    ]);
    expect(diffRow(wanted({ cells }), undefined, owner).edit.set.size).toBe(0);
    const row = present({ type: 'patch', tag: 4, trunks: [1] }, bare.maps);
    expect(diffRow(wanted({ cells }), row, owner).edit.set).toEqual(cells);
  });

  it('removes the keys that were noted and are no longer declared, in every column', () => {
    const note = '["external_ids:mine","options:mine"]';
    const row = present(
      {},
      new Map([
        ['external_ids', mapOf({ ...marks, [managedKeysKey]: note, mine: '1', theirs: '1' })],
        ['options', mapOf({ mine: '1', theirs: '1' })],
      ]),
    );
    const { deleteKeys, setKeys } = diffRow(wanted(), row, owner).edit;
    expect(setKeys.size).toBe(0);
    expect(deleteKeys).toEqual(
      new Map([
        ['external_ids', [managedKeysKey, 'mine']],
        ['options', ['mine']],
      ]),
    );
  });

  it('keeps a key whose name holds a colon apart from its column', () => {
    const row = present(
      {},
      new Map([['external_ids', mapOf({ ...marks, [managedKeysKey]: '["external_ids:a:b"]', 'a:b': '1' })]]),
    );
    expect(diffRow(wanted(), row, owner).edit.deleteKeys.get('external_ids')).toEqual([managedKeysKey, 'a:b']);
  });

  it.each(['{', '"external_ids:theirs"', '{"0":"external_ids:theirs"}', '[["external_ids:theirs"]]'])(
    'removes no key for the sake of a damaged note: %s',
    (note) => {
      const row = present({}, new Map([['external_ids', mapOf({ ...marks, [managedKeysKey]: note, theirs: '1' })]]));
      expect(diffRow(wanted(), row, owner).edit.deleteKeys.get('external_ids')).toEqual([managedKeysKey]);
    },
  );

  it('does not ask for what is gone already, or lies in a column that is not a map of the row', () => {
    const row = present(
      {},
      new Map([['external_ids', mapOf({ ...marks, [managedKeysKey]: '["external_ids:gone","status:x"]' })]]),
    );
    expect(diffRow(wanted(), row, owner).edit.deleteKeys).toEqual(new Map([['external_ids', [managedKeysKey]]]));
  });

  it('never lets an intent write, or a note remove, the agent’s own keys', () => {
    const maps = new Map([['external_ids', mapOf({ [ownerKey]: 'me', [pinsKey]: '{}', [managedKeysKey]: '[]' })]]);
    const created = diffRow(wanted({ maps, pins: mapOf({ ofport: '7' }) }), undefined, owner).edit.setKeys;
    expect(created.get('external_ids')?.get(ownerKey)).toBe(owner);
    expect(created.get('external_ids')?.get(pinsKey)).toBe('{"ofport":"7"}');
    const note = `["external_ids:${ownerKey}"]`;
    const row = present({}, new Map([['external_ids', mapOf({ ...marks, [managedKeysKey]: note })]]));
    expect(diffRow(wanted(), row, owner).edit.deleteKeys.get('external_ids')).toEqual([managedKeysKey]);
  });

  it('comes in one order, whatever that of the maps', () => {
    const differences = (keys: string[]) => {
      const maps = new Map([['external_ids', new Map(keys.map((key) => [key, '1']))]]);
      return diffRow(wanted({ maps }), undefined, owner).differences;
    };
    expect(differences(['b', 'a', 'c'])).toEqual(differences(['c', 'b', 'a']));
  });
});
