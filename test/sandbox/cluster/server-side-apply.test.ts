import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import { changedFields, difference, fieldsOf, overlap, union } from '../../../src/sandbox/cluster/field-set.js';
import { objectAt, textAt, valueAt } from '../../../src/sandbox/cluster/json.js';
import type { JsonObject } from '../../../src/sandbox/cluster/json.js';
import { applyPatchType, mergePatchType } from '../../../src/sandbox/cluster/patch-plan.js';
import { StatusError } from '../../../src/sandbox/cluster/status.js';
import { podOf } from './fixtures.js';

let cluster: ClusterApi;
const web = { namespace: 'default', name: 'web' };

beforeEach(() => {
  cluster = new ClusterApi();
});

function apply(manager: string, metadata: JsonObject, rest: JsonObject = {}, isForced = false): JsonObject {
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', ...metadata }, ...rest };
  return cluster.direct.patch('pods', web, body, { contentType: applyPatchType, manager, isForced });
}

function conflictOf(act: () => unknown): StatusError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof StatusError) return thrown;
  }
  throw new Error('there was no conflict');
}

const annotations = (pod: JsonObject): JsonObject => objectAt(pod, 'metadata', 'annotations') ?? {};

describe('server-side apply', () => {
  it('creates what is not there, and owns what it applied', () => {
    const { spec } = podOf('web');
    const pod = apply('one', { annotations: { a: '1' } }, { spec: spec! });
    expect(valueAt(pod, 'metadata', 'managedFields')).toEqual([
      expect.objectContaining({
        manager: 'one',
        operation: 'Apply',
        fieldsV1: {
          'f:metadata': { 'f:annotations': { 'f:a': {} } },
          'f:spec': {
            'f:nodeName': {},
            'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:name': {}, 'f:image': {} } },
          },
        },
      }) as unknown,
    ]);
  });

  it('removes what the manager applied before and no longer does, and nothing else', () => {
    cluster.direct.create('pods', podOf('web', { annotations: { foreign: 'x' } }));
    apply('one', { annotations: { a: '1', b: '2' } });
    apply('two', { annotations: { b: '2' } });
    const pod = apply('one', { annotations: {} });
    expect(annotations(pod)).toEqual({ foreign: 'x', b: '2' });
  });

  it('lets two managers share a field as long as they agree', () => {
    cluster.direct.create('pods', podOf('web'));
    apply('one', { annotations: { a: '1' } });
    expect(annotations(apply('two', { annotations: { a: '1' } }))).toEqual({ a: '1' });
    expect(conflictOf(() => apply('two', { annotations: { a: '2' } })).message).toBe(
      'Apply failed with 1 conflict: conflict with "one": .metadata.annotations.a',
    );
  });

  it('tells a conflict with an ordinary writer by name, version and time, with its causes', () => {
    cluster.direct.create('pods', podOf('web'));
    const patch = { metadata: { annotations: { a: '1', b: '1' } } };
    cluster.direct.patch('pods', web, patch, { contentType: mergePatchType, manager: 'kubectl-annotate' });
    const error = conflictOf(() => apply('one', { annotations: { a: '2', b: '2' } }));
    expect([error.code, error.reason]).toEqual([409, 'Conflict']);
    expect(error.message).toMatch(
      /^Apply failed with 2 conflicts: conflicts with "kubectl-annotate" using v1 at .*Z:\n- \.metadata\.annotations\.a\n- \.metadata\.annotations\.b$/,
    );
    expect(valueAt(objectAt(error.status, 'details'), 'causes')).toEqual(
      ['a', 'b'].map((key) => ({
        reason: 'FieldManagerConflict',
        message: expect.stringContaining('conflict with "kubectl-annotate"') as unknown,
        field: `.metadata.annotations.${key}`,
      })),
    );
  });

  it('takes fields by force, and the former owner has them no more', () => {
    cluster.direct.create('pods', podOf('web'));
    apply('one', { annotations: { a: '1', b: '1' } });
    apply('two', { annotations: { a: '2' } }, {}, true);
    const pod = apply('one', { annotations: { b: '1' } });
    expect(annotations(pod)).toEqual({ a: '2', b: '1' });
  });

  it('merges lists by their keys and keeps the items of others', () => {
    cluster.direct.create('pods', podOf('web'));
    const status = (type: string): JsonObject => ({ status: { conditions: [{ type, status: 'True' }] } });
    const at = { ...web, subresource: 'status' as const };
    const body = (type: string): JsonObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web' },
      ...status(type),
    });
    cluster.direct.patch('pods', at, body('A'), { contentType: applyPatchType, manager: 'one' });
    const pod = cluster.direct.patch('pods', at, body('B'), { contentType: applyPatchType, manager: 'two' });
    expect(valueAt(pod, 'status', 'conditions')).toEqual([
      { type: 'A', status: 'True' },
      { type: 'B', status: 'True' },
    ]);
    const empty = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } };
    const left = cluster.direct.patch('pods', at, empty, { contentType: applyPatchType, manager: 'one' });
    expect(valueAt(left, 'status', 'conditions')).toEqual([{ type: 'B', status: 'True' }]);
  });

  it('writes nothing when it is repeated', () => {
    cluster.direct.create('pods', podOf('web'));
    const first = apply('one', { annotations: { a: '1' } });
    const second = apply('one', { annotations: { a: '1' } });
    expect(textAt(second, 'metadata', 'resourceVersion')).toBe(textAt(first, 'metadata', 'resourceVersion'));
  });

  it('refuses books that come with what is applied', () => {
    cluster.direct.create('pods', podOf('web'));
    expect(() => apply('one', { managedFields: [{ manager: 'x' }] })).toThrow('metadata.managedFields must be nil');
  });
});

describe('sets of fields', () => {
  const tree = fc.letrec<{ node: JsonObject }>((tie) => ({
    node: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof({ maxDepth: 3 }, fc.nat(2), tie('node')), {
      maxKeys: 3,
    }),
  })).node;

  it('lose with a difference exactly what the other has', () => {
    fc.assert(
      fc.property(tree, tree, (left, right) => {
        const [l, r] = [fieldsOf(left, 'X'), fieldsOf(right, 'X')];
        const rest = difference(l, r) ?? {};
        expect(overlap(rest, r).filter((path) => overlap(l, r).includes(path))).toEqual([]);
        expect(difference(l, union(l, r))).toBeUndefined();
      }),
    );
  });

  it('are empty for what did not change', () => {
    fc.assert(fc.property(tree, (value) => changedFields(value, value, 'X') === undefined));
  });
});
