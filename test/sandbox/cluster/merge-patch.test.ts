import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/sandbox/cluster/json.js';
import { applyMergePatch } from '../../../src/sandbox/cluster/merge-patch.js';
import { applyStrategicPatch } from '../../../src/sandbox/cluster/strategic-patch.js';

describe('a merge patch', () => {
  // The examples of RFC 7386, appendix A, that start and end with an object.
  it.each<[JsonObject, JsonObject, JsonObject]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('turns %j by %j into %j', (document, patch, expected) => {
    expect(applyMergePatch(document, patch)).toEqual(expected);
  });

  it('is refused when it is no object', () => {
    expect(() => applyMergePatch({}, ['a'])).toThrow(/Invalid JSON Patch/);
  });
});

describe('a strategic merge patch', () => {
  const pod = {
    metadata: { finalizers: ['a', 'b'], annotations: { x: '1', y: '2' } },
    spec: {
      containers: [
        { name: 'one', image: 'i1', env: [{ name: 'E', value: 'v' }] },
        { name: 'two', image: 'i2' },
      ],
    },
    status: { conditions: [{ type: 'Ready', status: 'False' }] },
  };

  it.each<[string, Json, JsonObject]>([
    [
      'changes the container of the same name',
      { spec: { containers: [{ name: 'one', image: 'new' }] } },
      {
        ...pod,
        spec: {
          containers: [
            { name: 'one', image: 'new', env: [{ name: 'E', value: 'v' }] },
            { name: 'two', image: 'i2' },
          ],
        },
      },
    ],
    [
      'adds a condition of a new type',
      { status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } },
      { ...pod, status: { conditions: [...pod.status.conditions, { type: 'PodScheduled', status: 'True' }] } },
    ],
    [
      'deletes an item by directive',
      { spec: { containers: [{ name: 'one', $patch: 'delete' }] } },
      { ...pod, spec: { containers: [{ name: 'two', image: 'i2' }] } },
    ],
    [
      'replaces a map by directive',
      { metadata: { annotations: { $patch: 'replace', z: '3' } } },
      { ...pod, metadata: { ...pod.metadata, annotations: { z: '3' } } },
    ],
    [
      'removes an annotation by null',
      { metadata: { annotations: { x: null } } },
      { ...pod, metadata: { ...pod.metadata, annotations: { y: '2' } } },
    ],
    [
      'adds to a list of plain values without repeating',
      { metadata: { finalizers: ['b', 'c'] } },
      { ...pod, metadata: { ...pod.metadata, finalizers: ['a', 'b', 'c'] } },
    ],
    [
      'deletes from a list of plain values',
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } },
      { ...pod, metadata: { ...pod.metadata, finalizers: ['b'] } },
    ],
    [
      'orders a list as told',
      { spec: { '$setElementOrder/containers': [{ name: 'two' }, { name: 'one' }], containers: [{ name: 'two' }] } },
      { ...pod, spec: { containers: [pod.spec.containers[1]!, pod.spec.containers[0]!] } },
    ],
    [
      'replaces a list that has no key whole',
      { spec: { tolerations: [{ key: 'a' }] } },
      { ...pod, spec: { ...pod.spec, tolerations: [{ key: 'a' }] } },
    ],
  ])('%s', (_name, patch, expected) => {
    expect(applyStrategicPatch(pod, patch, 'Pod')).toEqual(expected);
  });

  it('is refused when an item lacks its key', () => {
    const patch = { spec: { containers: [{ image: 'x' }] } };
    expect(() => applyStrategicPatch(pod, patch, 'Pod')).toThrow(/does not contain declared merge key: name/);
  });
});
