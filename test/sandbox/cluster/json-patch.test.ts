import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloneJson } from '../../../src/sandbox/cluster/json.js';
import type { Json, JsonObject } from '../../../src/sandbox/cluster/json.js';
import { applyJsonPatch } from '../../../src/sandbox/cluster/json-patch.js';
import { StatusError } from '../../../src/sandbox/cluster/status.js';

function refusal(document: JsonObject, patch: Json): StatusError {
  try {
    applyJsonPatch(document, patch);
  } catch (thrown) {
    if (thrown instanceof StatusError) return thrown;
  }
  throw new Error('the patch was not refused');
}

describe('a JSON patch', () => {
  const pod = { metadata: { uid: 'u1', annotations: { 'k8s.ovn.org/x': 'old' } }, list: [1, 2, 3] };

  it.each<[string, Json, JsonObject]>([
    ['adds a member', [{ op: 'add', path: '/a', value: 1 }], { ...pod, a: 1 }],
    ['inserts into a list', [{ op: 'add', path: '/list/1', value: 9 }], { ...pod, list: [1, 9, 2, 3] }],
    ['appends to a list', [{ op: 'add', path: '/list/-', value: 4 }], { ...pod, list: [1, 2, 3, 4] }],
    ['removes from a list', [{ op: 'remove', path: '/list/0' }], { ...pod, list: [2, 3] }],
    ['moves', [{ op: 'move', from: '/list', path: '/l' }], { metadata: pod.metadata, l: [1, 2, 3] }],
    ['copies', [{ op: 'copy', from: '/list/2', path: '/last' }], { ...pod, last: 3 }],
    [
      'finds a key with a slash by ~1',
      [{ op: 'replace', path: '/metadata/annotations/k8s.ovn.org~1x', value: 'new' }],
      { ...pod, metadata: { uid: 'u1', annotations: { 'k8s.ovn.org/x': 'new' } } },
    ],
    ['unescapes ~01 to ~1', [{ op: 'add', path: '/~01', value: 1 }], { ...pod, '~1': 1 }],
    ['takes a missing member for null in a test', [{ op: 'test', path: '/metadata/none', value: null }], pod],
  ])('%s', (_name, patch, expected) => {
    expect(applyJsonPatch(pod, patch)).toEqual(expected);
  });

  it.each<[string, Json]>([
    ['a test that fails', [{ op: 'test', path: '/metadata/uid', value: 'other' }]],
    ['a missing parent', [{ op: 'add', path: '/metadata/labels/a', value: 'b' }]],
    ['removing what is not there', [{ op: 'remove', path: '/metadata/labels' }]],
    ['replacing what is not there', [{ op: 'replace', path: '/none', value: 1 }]],
    ['an index beyond the list', [{ op: 'add', path: '/list/4', value: 1 }]],
    ['an index with a leading zero', [{ op: 'replace', path: '/list/01', value: 1 }]],
    ['an unknown operation', [{ op: 'frob', path: '/list' }]],
    ['a pointer without its slash', [{ op: 'add', path: 'list', value: 1 }]],
    ['an operation without its value', [{ op: 'add', path: '/a' }]],
  ])('answers %s with 422 as real servers do', (_name, patch) => {
    const { code, reason, message } = refusal(pod, patch);
    expect({ code, reason, message }).toEqual({
      code: 422,
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
    });
  });

  it('answers what is no list of operations with 400', () => {
    expect(refusal(pod, { op: 'add' }).code).toBe(400);
    expect(refusal(pod, [7]).code).toBe(400);
  });

  it('leaves the document alone, whether it fits or not', () => {
    const before = cloneJson(pod as JsonObject);
    applyJsonPatch(pod, [{ op: 'add', path: '/metadata/annotations/a', value: 'b' }]);
    refusal(pod, [
      { op: 'remove', path: '/metadata/annotations' },
      { op: 'test', path: '/metadata/uid', value: 'other' },
    ]);
    expect(pod).toEqual(before);
  });

  it('adds a member named __proto__ as a member', () => {
    const patched = applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]);
    expect(Object.keys(patched)).toEqual(['__proto__']);
    expect('polluted' in {}).toBe(false);
  });

  it('undoes with remove what add did, for any key', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (key, value) => {
        const path = `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        const added = applyJsonPatch({}, [{ op: 'add', path, value: value as Json }]);
        expect(Object.keys(added)).toEqual([key]);
        expect(applyJsonPatch(added, [{ op: 'remove', path }])).toEqual({});
      }),
    );
  });
});
