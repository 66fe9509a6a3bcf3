import { describe, expect, it } from 'vitest';
import { isRowName, RowHandle } from '../../src/ovsdb/row-handle.js';
import { toUuid } from '../../src/ovsdb/values.js';

describe('RowHandle', () => {
  it('refers by name', () => {
    expect(new RowHandle('Port', 'row1').toJson()).toEqual(['named-uuid', 'row1']);
  });

  it('refers by the uuid that the caller chose', () => {
    const uuid = toUuid('11111111-2222-4333-8444-555555555555');
    expect(new RowHandle('Port', 'row1', uuid).toJson()).toEqual(['uuid', uuid]);
  });
});

describe('isRowName', () => {
  it.each(['row1', '_x', 'A_9'])('takes the identifier %s', (name) => {
    expect(isRowName(name)).toBe(true);
  });

  it.each(['', 'row-1', '1row', 'a b', 'é', 'row1\n'])('refuses %j', (name) => {
    expect(isRowName(name)).toBe(false);
  });
});
