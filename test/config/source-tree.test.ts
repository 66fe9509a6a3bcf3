import { describe, expect, it } from 'vitest';
import { ProblemList } from '../../src/config/problem-list.js';
import {
  keyPlaceAt,
  nodeAt,
  originOf,
  placeAt,
  resolvePath,
  withValue,
  type SourceNode,
} from '../../src/config/source-tree.js';
import { readYaml } from '../../src/config/yaml-source.js';

function tree(text: string): SourceNode {
  const root = readYaml(text, new ProblemList(text));
  if (root === undefined) throw new Error('no tree');
  return root;
}

const root = tree('bridges:\n  - name: a\n    mtu: 1\n  - name: b\nlog:\n');
const scalar: SourceNode = { kind: 'scalar', place: { kind: 'flag' }, value: 'x', text: 'x' };

describe('source tree', () => {
  it('finds nodes and places', () => {
    expect(nodeAt(root, ['bridges', 0, 'mtu'])).toMatchObject({ value: 1, place: { line: 3, column: 10 } });
    expect(nodeAt(root, ['bridges', 7])).toBeUndefined();
    expect(nodeAt(root, ['bridges', 0, 'mtu', 'x', 'y'])).toBeUndefined();
    expect(placeAt(root, ['bridges', 1, 'mtu'])).toMatchObject({ line: 4, column: 5 });
    expect(keyPlaceAt(root, ['bridges', 0, 'mtu'])).toMatchObject({ line: 3, column: 5 });
    expect(keyPlaceAt(root, ['bridges', 1])).toMatchObject({ line: 4 });
  });

  it('names the origin of each place', () => {
    expect(originOf({ kind: 'file', line: 3, column: 1 })).toBe('file:3');
    expect(originOf({ kind: 'env', name: 'X' })).toBe('env:X');
    expect(originOf({ kind: 'flag' })).toBe('flag');
  });

  it('resolves names of list items to positions', () => {
    expect(resolvePath(root, ['bridges', 'b', 'mtu'])).toEqual({ path: ['bridges', 1, 'mtu'] });
    expect(resolvePath(root, ['bridges', 'c', 'mtu'])).toEqual({ missing: 'c', at: ['bridges'] });
    expect(resolvePath(root, ['bridges', 2])).toEqual({ missing: 2, at: ['bridges'] });
    expect(resolvePath(root, ['log', 0])).toEqual({ missing: 0, at: ['log'] });
    expect(resolvePath(root, ['new', 'key'])).toEqual({ path: ['new', 'key'] });
  });

  it('sets a value without changing the old tree, and makes maps on the way', () => {
    const changed = withValue(withValue(root, ['bridges', 1, 'mtu'], scalar), ['log', 'level'], scalar);
    expect(nodeAt(changed, ['bridges', 1, 'mtu'])).toBe(scalar);
    expect(nodeAt(changed, ['log', 'level'])).toBe(scalar);
    expect(nodeAt(changed, ['bridges', 0])).toBe(nodeAt(root, ['bridges', 0]));
    expect(nodeAt(root, ['bridges', 1, 'mtu'])).toBeUndefined();
  });
});
