import { describe, expect, it } from 'vitest';
import { ProblemList } from '../../src/config/problem-list.js';
import { nodeAt } from '../../src/config/source-tree.js';
import { readYaml } from '../../src/config/yaml-source.js';

function read(text: string): { root: ReturnType<typeof readYaml>; problems: readonly string[] } {
  const list = new ProblemList(text);
  const root = readYaml(text, list);
  return { root, problems: list.all.map(({ line, path, message }) => `${line ?? '-'} ${path}: ${message}`) };
}

describe('readYaml', () => {
  it('keeps the place and the spelling of every value', () => {
    const { root, problems } = read('a:\n  b: 007\n  c: [true, "1"]\n');
    expect(problems).toEqual([]);
    expect(nodeAt(root!, ['a', 'b'])).toEqual({
      kind: 'scalar',
      place: { kind: 'file', line: 2, column: 6 },
      value: 7,
      text: '007',
    });
    expect(nodeAt(root!, ['a', 'c', 0])).toMatchObject({ value: true, text: 'true' });
    expect(nodeAt(root!, ['a', 'c', 1])).toMatchObject({ value: '1', text: '1' });
  });

  it.each(['', '\n', '# nothing\n', '---\n', '~', '\ufeff'])('takes %j for an empty map', (text) => {
    expect(read(text).problems).toEqual([]);
    expect(read(text).root).toMatchObject({ kind: 'map', entries: new Map() });
  });

  it('takes "on" and "no" for words, as YAML 1.2 does', () => {
    expect(nodeAt(read('a: on').root!, ['a'])).toMatchObject({ value: 'on' });
    expect(nodeAt(read('a: no').root!, ['a'])).toMatchObject({ value: 'no' });
  });

  it('says what is wrong with a tab, and what to do', () => {
    const list = new ProblemList('a:\n\tb: 1\n');
    expect(readYaml('a:\n\tb: 1\n', list)).toBeUndefined();
    expect(list.all[0]).toMatchObject({
      line: 2,
      message: 'a tab is used for indentation',
      remedy: 'Indent with spaces.',
    });
  });

  it('refuses a key that is given twice, with both lines', () => {
    expect(read('a: 1\nb:\n  c: 1\n  c: 2\na: 2\n').problems).toEqual([
      '4 b.c: this key was already given on line 3',
      '5 a: this key was already given on line 1',
    ]);
  });

  it('refuses what is no plain configuration', () => {
    expect(read('a: !foo 1').problems).toEqual(['1 $: YAML: Unresolved tag: !foo']);
    expect(read('a: 1\n---\nb: 1\n').problems).toEqual(['2 $: a second YAML document; the file must hold exactly one']);
    expect(read('? [a]\n: 1\n').problems).toEqual(['1 $: this key is not a plain word']);
    expect(read(': 1\n').problems).toEqual(['1 $: this key is not a plain word']);
    expect(read('__proto__: {x: 1}\n').problems).toEqual(['1 $: this key is not a plain word']);
    expect(read('a: [1\n').root).toBeUndefined();
  });

  it('resolves aliases, the latest anchor before each', () => {
    const { root, problems } = read('a: &x 1\nb: *x\nc: &x 2\nd: *x\n');
    expect(problems).toEqual([]);
    expect(nodeAt(root!, ['b'])).toMatchObject({ value: 1 });
    expect(nodeAt(root!, ['d'])).toMatchObject({ value: 2 });
  });

  it('refuses aliases that lead nowhere or to themselves', () => {
    expect(read('a: *x\n').problems).toEqual(['1 a: no anchor &x before this alias']);
    expect(read('a: &x [*x]\n').problems).toEqual(['1 a[0]: the alias *x contains itself']);
  });

  it('counts what aliases expand to without expanding it', () => {
    const levels = Array.from({ length: 60 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`);
    const { root, problems } = read(['a0: &a0 1', ...levels].join('\n'));
    expect(root).toBeUndefined();
    expect(problems[0]).toMatch(/at most 100000 are read$/);
  });

  it.each(['[', '{a: ', '- ', '? '])('refuses %j nested twenty thousand deep', (opening) => {
    const { root, problems } = read(opening.repeat(20_000));
    expect(root).toBeUndefined();
    expect(problems).toEqual(['1 $: more than 32 levels of nesting']);
  });

  it('bounds the number of syntax errors', () => {
    expect(read('a: b: c\n'.repeat(5000)).problems.length).toBeLessThanOrEqual(20);
  });

  it('gives everything one place when told to', () => {
    const list = new ProblemList('');
    expect(readYaml('{a: 1}', list, { kind: 'flag' })).toMatchObject({ place: { kind: 'flag' } });
  });
});
