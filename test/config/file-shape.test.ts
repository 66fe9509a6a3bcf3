import { describe, expect, it } from 'vitest';
import { fileShapeOf, isLeaf, leafPathsOf } from '../../src/config/file-shape.js';
import { loadConfig } from '../../src/config/load.js';
import { formatPath } from '../../src/config/path.js';

const patch = (more: string): string => `{name: p, kind: patch, peer: {bridge: b, port: q}${more}}`;

const shapeOf = (text: string): unknown => fileShapeOf(loadConfig({ text }).config);

describe('fileShapeOf', () => {
  it('gives selectors back as they are written', () => {
    expect(shapeOf('bridges: [{name: a, ports: [{kind: representor, representor: {pf: 0, vf: 1}}]}]')).toMatchObject({
      bridges: [{ ports: [{ kind: 'representor', representor: { pf: 0, vf: 1 } }] }],
    });
  });

  it('gives chains back as they are written', () => {
    const ports = [
      { kind: 'representor', representor: { pf: 0, sf: 1, controller: 1 }, pinnedMacs: [] },
      { kind: 'labels', labels: { a: 'b' }, vlan: { kind: 'tagged', tag: 1 }, pinnedMacs: ['02:00:00:00:00:01'] },
    ];
    const chains = [{ name: 'c', switches: [{ name: 's', ports }] }];
    expect(shapeOf(JSON.stringify({ bridges: [{ name: 'br-sfc' }], chains }))).toMatchObject({ chains });
  });

  it('leaves implied sides out, and says what made them', () => {
    expect(shapeOf(`bridges: [{name: a, ports: [${patch('')}]}, {name: b}]`)).toMatchObject({
      bridges: [{ ports: [{ name: 'p', createPeer: true }] }, { ports: [] }],
    });
  });

  it('says that a side is left to somebody else', () => {
    expect(shapeOf(`bridges: [{name: a, ports: [${patch(', createPeer: false')}]}, {name: b}]`)).toMatchObject({
      bridges: [{ ports: [{ name: 'p', createPeer: false }] }, { ports: [] }],
    });
  });
});

describe('leaves', () => {
  it('are scalars, lists of scalars, and anything empty', () => {
    expect([1, 'x', false, [1, 2], [], {}].every((value) => isLeaf(value))).toBe(true);
    expect([[{}], { a: 1 }].some((value) => isLeaf(value))).toBe(false);
    const paths = leafPathsOf({ a: { b: 1, c: [] }, d: [{ e: 'x' }] }).map(formatPath);
    expect(paths).toEqual(['a.b', 'a.c', 'd[0].e']);
  });
});
