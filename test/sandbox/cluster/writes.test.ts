import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import { objectAt, textAt, valueAt } from '../../../src/sandbox/cluster/json.js';
import type { JsonObject } from '../../../src/sandbox/cluster/json.js';
import { StatusError } from '../../../src/sandbox/cluster/status.js';
import { mergePatchType } from '../../../src/sandbox/cluster/patch-plan.js';
import { podOf } from './fixtures.js';

let cluster: ClusterApi;
const web = { namespace: 'default', name: 'web' };

beforeEach(() => {
  cluster = new ClusterApi({ kubelet: 'manual' });
});

function refusal(act: () => unknown): StatusError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof StatusError) return thrown;
    throw thrown;
  }
  throw new Error('it was not refused');
}

describe('creating', () => {
  it('gives a pod its identity and the state of a new pod, whatever it says', () => {
    const pod = cluster.direct.create('pods', { ...podOf('web'), status: { phase: 'Running' } });
    expect(textAt(pod, 'metadata', 'uid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(textAt(pod, 'metadata', 'creationTimestamp')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(textAt(pod, 'metadata', 'resourceVersion')).toBe(String(cluster.revision));
    expect(pod['status']).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
    expect(valueAt(pod, 'spec', 'terminationGracePeriodSeconds')).toBe(30);
  });

  it('keeps annotations that a tenant wrote in advance: nothing stops him', () => {
    const pod = cluster.direct.create(
      'pods',
      podOf('web', { annotations: { 'k8s.ovn.org/dpu.connection-status': '{}' } }),
    );
    expect(objectAt(pod, 'metadata', 'annotations')).toEqual({ 'k8s.ovn.org/dpu.connection-status': '{}' });
  });

  it('makes names from generateName, never the same', () => {
    const names = Array.from({ length: 20 }, () => {
      const object = { ...podOf('x'), metadata: { generateName: 'web-' } };
      return textAt(cluster.direct.create('pods', object), 'metadata', 'name');
    });
    expect(new Set(names).size).toBe(20);
    for (const name of names) expect(name).toMatch(/^web-[a-z0-9]{5}$/);
  });

  it('refuses a second object of the same name', () => {
    cluster.direct.create('pods', podOf('web'));
    const { code, reason, message } = refusal(() => cluster.direct.create('pods', podOf('web')));
    expect([code, reason, message]).toEqual([409, 'AlreadyExists', 'pods "web" already exists']);
  });

  it('refuses a namespace that is not there', () => {
    const error = refusal(() => cluster.direct.create('pods', podOf('web', { namespace: 'none' })));
    expect([error.code, error.message]).toEqual([404, 'namespaces "none" not found']);
  });

  it.each<[string, JsonObject, string]>([
    ['a name with capitals', podOf('Web'), 'metadata.name'],
    ['a label with a space', podOf('web', { labels: { a: 'b c' } }), 'metadata.labels'],
    ['an annotation key without a name', podOf('web', { annotations: { 'a/': '' } }), 'metadata.annotations'],
    [
      'more than 256 KiB of annotations',
      podOf('web', { annotations: { a: 'x'.repeat(263_000) } }),
      'metadata.annotations',
    ],
    ['a pod without containers', { ...podOf('web'), spec: {} }, 'spec.containers'],
    ['a pod without a name', { ...podOf('web'), metadata: {} }, 'metadata.name'],
  ])('refuses %s and names the field', (_what, object, field) => {
    const error = refusal(() => cluster.direct.create('pods', object));
    expect([error.code, error.reason]).toEqual([422, 'Invalid']);
    expect(valueAt(objectAt(error.status, 'details'), 'causes')).toEqual(
      expect.arrayContaining([expect.objectContaining({ field }) as unknown]),
    );
  });

  it('refuses an annotation that is no text as Go would', () => {
    const error = refusal(() => cluster.direct.create('pods', podOf('web', { annotations: { a: 1 } })));
    expect([error.code, error.message]).toEqual([
      400,
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.annotations of type string',
    ]);
  });
});

describe('updating', () => {
  it('refuses to overwrite what somebody else wrote meanwhile', () => {
    const pod = cluster.direct.create('pods', podOf('web'));
    cluster.direct.patch('pods', web, { metadata: { labels: { a: 'b' } } }, { contentType: mergePatchType });
    const error = refusal(() => cluster.direct.update('pods', pod));
    expect([error.code, error.reason]).toEqual([409, 'Conflict']);
    expect(error.message).toBe(
      'Operation cannot be fulfilled on pods "web": the object has been modified; please apply your changes to the ' +
        'latest version and try again',
    );
  });

  it('takes a lease without a version for an incomplete request, and makes one that is not there', () => {
    const lease = { metadata: { name: 'l', namespace: 'default' }, spec: { holderIdentity: 'a' } };
    expect(textAt(cluster.direct.update('leases', lease), 'spec', 'holderIdentity')).toBe('a');
    const error = refusal(() => cluster.direct.update('leases', lease));
    expect([error.code, error.message]).toEqual([
      422,
      'Lease.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    ]);
  });

  it.each(['soon', '2026-01-02T03:04:05.123Z', '2026-01-02T03:04:05Z'])(
    'cannot read %s as the time of a lease',
    (time) => {
      const metadata = { name: 'l', namespace: 'default' };
      const spec = { renewTime: time };
      expect(refusal(() => cluster.direct.create('leases', { metadata, spec })).code).toBe(400);
      cluster.direct.create('leases', { metadata, spec: { renewTime: '2026-01-02T03:04:05.123000Z' } });
      const error = refusal(() =>
        cluster.direct.patch('leases', metadata, { spec }, { contentType: 'application/merge-patch+json' }),
      );
      expect([error.code, error.message]).toEqual([422, expect.stringContaining(`parsing time "${time}"`)]);
    },
  );

  it('lets an object have one controller only', () => {
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u', controller: true };
    const ownerReferences = [owner, { ...owner, name: 'm', uid: 'v' }];
    const lease = { metadata: { name: 'l', namespace: 'default', ownerReferences }, spec: {} };
    const { message } = refusal(() => cluster.direct.create('leases', lease));
    expect(message).toContain('Only one reference can have Controller set to true');
  });

  it('calls another uid a conflict in an update, and invalid in a patch', () => {
    const pod = cluster.direct.create('pods', podOf('web'));
    const metadata = { ...(pod['metadata'] as JsonObject), uid: 'another' };
    expect(refusal(() => cluster.direct.update('pods', { ...pod, metadata })).code).toBe(409);
    const patch = [{ op: 'replace', path: '/metadata/uid', value: 'another' }];
    expect(refusal(() => cluster.direct.patch('pods', web, patch)).code).toBe(422);
  });

  it('does not make anew what somebody updates by the uid of what is gone', () => {
    const metadata = { name: 'l', namespace: 'default' };
    const lease = cluster.direct.create('leases', { metadata, spec: { holderIdentity: 'a' } });
    cluster.direct.delete('leases', metadata);
    expect(refusal(() => cluster.direct.update('leases', lease)).code).toBe(409);
    expect(cluster.direct.find('leases', metadata)).toBeUndefined();
  });

  it('writes nothing when nothing changes', () => {
    cluster.direct.create('pods', podOf('web', { annotations: { a: 'b' } }));
    const before = cluster.revision;
    cluster.direct.patch('pods', web, [{ op: 'add', path: '/metadata/annotations/a', value: 'b' }]);
    expect(cluster.revision).toBe(before);
  });

  it('ignores a status that comes with the pod', () => {
    const pod = cluster.direct.create('pods', podOf('web'));
    const next = cluster.direct.update('pods', { ...pod, status: { phase: 'Running' } });
    expect(textAt(next, 'status', 'phase')).toBe('Pending');
  });

  it('refuses to change the spec of a pod', () => {
    const pod = cluster.direct.create('pods', podOf('web'));
    const spec = { ...(pod['spec'] as JsonObject), nodeName: 'other' };
    const error = refusal(() => cluster.direct.update('pods', { ...pod, spec }));
    expect(error.code).toBe(422);
    expect(error.message).toContain('pod updates may not change fields other than');
  });
});

describe('pods/status', () => {
  const status = { ...web, subresource: 'status' as const };

  it('takes annotations and the status, but no spec, owners or deletion', () => {
    const before = cluster.direct.create('pods', podOf('web', { annotations: { a: '1' } }));
    const after = cluster.direct.patch('pods', status, [
      { op: 'test', path: '/metadata/uid', value: textAt(before, 'metadata', 'uid') },
      { op: 'add', path: '/metadata/annotations/k8s.ovn.org~1dpu.connection-status', value: '{}' },
      {
        op: 'add',
        path: '/metadata/ownerReferences',
        value: [{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' }],
      },
      { op: 'add', path: '/metadata/deletionTimestamp', value: '2020-01-01T00:00:00Z' },
      { op: 'replace', path: '/spec/containers/0/image', value: 'evil' },
      { op: 'replace', path: '/status/phase', value: 'Running' },
    ]);
    expect(objectAt(after, 'metadata', 'annotations')).toEqual({ a: '1', 'k8s.ovn.org/dpu.connection-status': '{}' });
    expect(objectAt(after, 'metadata')).not.toHaveProperty('ownerReferences');
    expect(objectAt(after, 'metadata')).not.toHaveProperty('deletionTimestamp');
    expect(after['spec']).toEqual(before['spec']);
    expect(after['status']).toEqual({ phase: 'Running', qosClass: 'BestEffort' });
  });

  it('refuses a patch for another incarnation of the pod with 422', () => {
    cluster.direct.create('pods', podOf('web'));
    const patch = [{ op: 'test', path: '/metadata/uid', value: 'of-the-former-pod' }];
    expect(refusal(() => cluster.direct.patch('pods', status, patch)).code).toBe(422);
  });

  it('calls a patch invalid that sets another uid, and one of another version a conflict', () => {
    cluster.direct.create('pods', podOf('web'));
    const byUid = refusal(() =>
      cluster.direct.patch('pods', status, { metadata: { uid: 'other' } }, { contentType: mergePatchType }),
    );
    const byVersion = refusal(() =>
      cluster.direct.patch('pods', status, { metadata: { resourceVersion: '1' } }, { contentType: mergePatchType }),
    );
    expect([byUid.code, byVersion.code]).toEqual([422, 409]);
    expect(byUid.message).toContain('metadata.uid: Invalid value: "other": field is immutable');
  });

  it('drops an empty map of annotations, so that the next patch must make it again', () => {
    cluster.direct.create('pods', podOf('web'));
    cluster.direct.patch('pods', status, [{ op: 'add', path: '/metadata/annotations', value: {} }]);
    const next = [{ op: 'add', path: '/metadata/annotations/a', value: 'b' }];
    expect(refusal(() => cluster.direct.patch('pods', status, next)).code).toBe(422);
  });

  it('books the fields under the subresource', () => {
    cluster.direct.create('pods', podOf('web'), 'creator');
    const patch = [{ op: 'add', path: '/metadata/annotations', value: { a: 'b' } }];
    const pod = cluster.direct.patch('pods', status, patch, { manager: 'agent' });
    expect(valueAt(pod, 'metadata', 'managedFields')).toEqual([
      expect.objectContaining({ manager: 'creator', operation: 'Update' }) as unknown,
      expect.objectContaining({
        manager: 'agent',
        subresource: 'status',
        fieldsV1: { 'f:metadata': { 'f:annotations': { '.': {}, 'f:a': {} } } },
      }) as unknown,
    ]);
  });
});

describe('events', () => {
  it('are one thing in both of their groups', () => {
    const event: JsonObject = {
      metadata: { name: 'e', namespace: 'default' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'dpu-node-agent',
      reportingInstance: 'dpu-1',
      action: 'Plug',
      reason: 'Plugged',
      type: 'Normal',
      note: 'text',
      regarding: { kind: 'Pod', namespace: 'default', name: 'web' },
    };
    cluster.direct.create('events.events.k8s.io', event);
    const old = cluster.direct.list('events', { fieldSelector: 'involvedObject.name=web,involvedObject.kind=Pod' });
    expect(old).toHaveLength(1);
    expect([textAt(old[0], 'message'), textAt(old[0], 'apiVersion')]).toEqual(['text', 'v1']);
    expect(textAt(cluster.direct.get('events.events.k8s.io', { name: 'e' }), 'note')).toBe('text');
  });

  it('belong into the namespace of what they are about', () => {
    const event = { metadata: { name: 'e', namespace: 'default' }, involvedObject: { namespace: 'other', name: 'x' } };
    expect(refusal(() => cluster.direct.create('events', event)).code).toBe(422);
  });
});
