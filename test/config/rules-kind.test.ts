import { describe, expect, it } from 'vitest';
import { formatPath } from '../../src/config/path.js';
import { checkKindKeys, type KindTables } from '../../src/config/rules-kind.js';

const tables: KindTables<'a' | 'b'> = {
  noun: 'thing',
  needed: { a: ['x'], b: [] },
  kindsOf: { x: ['a'], y: ['a', 'b'] },
};

const judge = (kind: 'a' | 'b' | undefined, ...given: readonly string[]): readonly string[] => {
  const reported: string[] = [];
  const value = kind === undefined ? {} : { kind };
  checkKindKeys({ path: ['t'], given: new Set(given), value }, tables, (path, message, remedy) => {
    reported.push(`${formatPath(path)}: ${message}. ${remedy ?? ''}`);
  });
  return reported;
};

describe('checkKindKeys', () => {
  it('wants the keys of the kind', () => {
    expect(judge('a', 'kind')).toEqual(['t: a thing of kind a needs the key "x". ']);
    expect(judge('a', 'kind', 'x', 'y')).toEqual([]);
  });

  it('refuses the keys of other kinds, and says whose they are', () => {
    expect(judge('b', 'kind', 'x')).toEqual([
      't.x: a thing of kind b has no "x". Remove it, or choose the right kind: "x" belongs to kind a.',
    ]);
  });

  it('says nothing while the kind itself is wrong', () => {
    expect(judge(undefined, 'kind', 'x')).toEqual([]);
  });
});
