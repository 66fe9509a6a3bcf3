/**
 * What the agent relies on when it writes, asked of the API server itself: run against a real one, this proves that the
 * embedded one tells the same. No agent takes part.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { annotation, type KubeObject } from './kube-object.js';
import { contentTypes, type Answer } from './raw-api.js';
import { labelled, Stage } from './stage.js';

const { json, jsonPatch, mergePatch } = contentTypes;
const pointer = `/metadata/annotations/${annotation.status.replaceAll('/', '~1')}`;
const ready = '{"default":{"Status":"Ready"}}';
const ghost = '00000000-0000-4000-8000-000000000000';

let stage: Stage;
/** The pod as it is before each case: new, with one annotation. */
let pod: KubeObject;
let count = 0;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});
beforeEach(async () => {
  count += 1;
  pod = await stage.createPod(`pod-${count}`, { theirs: 'kept' });
});

const path = (subresource = ''): string => `${stage.podPath(pod.metadata.name)}${subresource}`;
const present = async (): Promise<KubeObject> => stage.api.object('GET', path());
const stale = async (): Promise<string> => {
  const { resourceVersion = '' } = pod.metadata;
  await stage.annotate(pod.metadata.name, { other: 'changed' });
  return resourceVersion;
};

/** A patch, and what becomes of it: the status and reason of a refusal, or what is expected of the annotations. */
interface Case {
  readonly what: string;
  readonly type: string;
  /** `/status`, unless said. */
  readonly subresource?: string;
  readonly patch: () => unknown;
  readonly refusal?: readonly [number, string];
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

const patches: readonly Case[] = [
  {
    what: 'takes a JSON patch whose tests hold',
    type: jsonPatch,
    patch: () => [
      { op: 'test', path: '/metadata/uid', value: pod.metadata.uid },
      { op: 'test', path: '/metadata/resourceVersion', value: pod.metadata.resourceVersion },
      { op: 'add', path: pointer, value: ready },
    ],
    annotations: { theirs: 'kept', [annotation.status]: ready },
  },
  {
    what: 'calls a JSON patch invalid whose test names another uid',
    type: jsonPatch,
    patch: () => [
      { op: 'test', path: '/metadata/uid', value: ghost },
      { op: 'add', path: pointer, value: ready },
    ],
    refusal: [422, 'Invalid'],
  },
  {
    what: 'calls a JSON patch invalid whose last test fails, and carries out nothing of it',
    type: jsonPatch,
    patch: () => [
      { op: 'add', path: pointer, value: ready },
      { op: 'test', path: '/metadata/annotations/theirs', value: 'other' },
    ],
    refusal: [422, 'Invalid'],
  },
  {
    what: 'calls a JSON patch invalid that tests for an older version',
    type: jsonPatch,
    patch: async () => [
      { op: 'test', path: '/metadata/resourceVersion', value: await stale() },
      { op: 'add', path: pointer, value: ready },
    ],
    refusal: [422, 'Invalid'],
    annotations: { theirs: 'kept', other: 'changed' },
  },
  {
    what: 'calls a JSON patch invalid that replaces what is not there',
    type: jsonPatch,
    patch: () => [{ op: 'replace', path: pointer, value: ready }],
    refusal: [422, 'Invalid'],
  },
  {
    what: 'calls a JSON patch invalid that adds to what is not there',
    type: jsonPatch,
    patch: () => [{ op: 'add', path: '/metadata/nothing/here', value: ready }],
    refusal: [422, 'Invalid'],
  },
  {
    what: 'calls a JSON patch a bad request that is no list',
    type: jsonPatch,
    patch: () => ({ op: 'add', path: pointer, value: ready }),
    refusal: [400, 'BadRequest'],
  },
  {
    what: 'knows no other kinds of patches',
    type: 'application/unheard-of+json',
    patch: () => [],
    refusal: [415, 'UnsupportedMediaType'],
  },
  {
    what: 'sets and removes annotations by a merge patch',
    type: mergePatch,
    patch: () => ({ metadata: { annotations: { theirs: null, [annotation.status]: ready } } }),
    annotations: { [annotation.status]: ready },
  },
  {
    what: 'calls a merge patch a conflict that names an older version',
    type: mergePatch,
    patch: async () => ({ metadata: { resourceVersion: await stale(), annotations: { mine: 'x' } } }),
    refusal: [409, 'Conflict'],
    annotations: { theirs: 'kept', other: 'changed' },
  },
  {
    what: 'calls a merge patch invalid that names another uid',
    type: mergePatch,
    patch: () => ({ metadata: { uid: ghost, annotations: { mine: 'x' } } }),
    refusal: [422, 'Invalid'],
  },
  {
    what: 'refuses an annotation that is no text',
    type: mergePatch,
    patch: () => ({ metadata: { annotations: { [annotation.status]: { default: {} } } } }),
    refusal: [422, 'Invalid'],
  },
  {
    what: 'refuses annotations of more than 256 KiB',
    type: mergePatch,
    patch: () => ({ metadata: { annotations: { large: 'x'.repeat(257 * 1024) } } }),
    refusal: [422, 'Invalid'],
  },
  {
    what: 'refuses another node for a pod',
    type: mergePatch,
    subresource: '',
    patch: () => ({ spec: { nodeName: 'another' } }),
    refusal: [422, 'Invalid'],
  },
];

describe('the API server, about patches of a pod', () => {
  it.each(patches)('$what', async ({ type, subresource = '/status', patch, refusal, annotations }) => {
    const answer: Answer = await stage.api.call('PATCH', path(subresource), await patch(), type);
    const { status, body } = answer;
    const { reason, kind } = body as { readonly reason?: string; readonly kind?: string };
    expect([status, kind, reason]).toEqual(
      refusal === undefined ? [200, 'Pod', undefined] : [refusal[0], 'Status', refusal[1]],
    );
    const after = await present();
    expect(after.metadata.annotations).toEqual(annotations ?? { theirs: 'kept' });
    expect(after.spec).toEqual(pod.spec);
    if (refusal !== undefined && annotations === undefined) {
      expect(after.metadata.resourceVersion).toBe(pod.metadata.resourceVersion);
    }
  });

  it('leaves the spec alone that comes through the status, and the status that comes with the pod', async () => {
    const spec = { ...pod.spec, nodeName: 'another', activeDeadlineSeconds: 5 };
    const through = await stage.api.object('PATCH', path('/status'), { spec }, mergePatch);
    expect(through.spec).toEqual(pod.spec);
    const besides = await stage.api.object('PATCH', path(), { status: { message: 'forged' } }, mergePatch);
    expect(besides.status?.['message']).toBeUndefined();
  });

  it('writes nothing when nothing changes', async () => {
    const patch = [{ op: 'add', path: '/metadata/annotations/theirs', value: 'kept' }];
    const after = await stage.api.object('PATCH', path('/status'), patch, jsonPatch);
    expect(after.metadata.resourceVersion).toBe(pod.metadata.resourceVersion);
  });

  it('knows no pod that is not there', async () => {
    const missing = `${stage.podPath('missing')}/status`;
    expect(await stage.api.refusal('PATCH', missing, { metadata: {} }, mergePatch)).toEqual([404, 'NotFound']);
    expect(await stage.api.refusal('PATCH', missing, [], jsonPatch)).toEqual([404, 'NotFound']);
    expect(await stage.api.refusal('GET', stage.podPath('missing'))).toEqual([404, 'NotFound']);
  });

  it('tells the time in every answer', async () => {
    const { date } = await stage.api.call('GET', path());
    expect(Number.isNaN(Date.parse(String(date)))).toBe(false);
  });
});

describe('the API server, about whole objects', () => {
  it('takes an update of the present version only', async () => {
    const version = await stale();
    const outdated = { ...pod, metadata: { ...pod.metadata, annotations: { mine: 'x' } } };
    expect(outdated.metadata.resourceVersion).toBe(version);
    expect(await stage.api.refusal('PUT', path(), outdated)).toEqual([409, 'Conflict']);
    const { resourceVersion: _version, ...metadata } = pod.metadata;
    const mistaken = { ...pod, metadata: { ...metadata, uid: ghost } };
    expect(await stage.api.refusal('PUT', path(), mistaken)).toEqual([409, 'Conflict']);
    const fresh = await present();
    const next = { ...fresh, metadata: { ...fresh.metadata, annotations: { mine: 'x' } } };
    expect((await stage.api.object('PUT', path(), next, json)).metadata.annotations).toEqual({ mine: 'x' });
  });

  it('makes no second object of the same name, and gives a later one another uid', async () => {
    const again = labelled(stage.podOf(pod.metadata.name));
    expect(await stage.api.refusal('POST', stage.podsPath, again)).toEqual([409, 'AlreadyExists']);
    await stage.deletePods(pod.metadata.name);
    const next = await stage.api.object('POST', stage.podsPath, again);
    expect(next.metadata.uid).not.toBe(pod.metadata.uid);
  });

  it('deletes the very object that is meant, or none', async () => {
    const meant = (uid: string | undefined): unknown => ({ gracePeriodSeconds: 0, preconditions: { uid } });
    expect(await stage.api.refusal('DELETE', path(), meant(ghost))).toEqual([409, 'Conflict']);
    expect((await stage.api.call('DELETE', path(), meant(pod.metadata.uid))).status).toBe(200);
    expect(await stage.pod(pod.metadata.name)).toBeUndefined();
  });

  it('keeps a pod that is deleted with grace until its kubelet, or force, ends it', async () => {
    const marked = await stage.api.object('DELETE', path(), { gracePeriodSeconds: 600 });
    expect(marked.metadata).toMatchObject({ uid: pod.metadata.uid, deletionGracePeriodSeconds: 600 });
    const { deletionTimestamp } = (await present()).metadata;
    expect(deletionTimestamp).toBeDefined();
    const told = await stage.annotate(pod.metadata.name, { [annotation.status]: ready });
    expect(told.metadata).toMatchObject({ deletionTimestamp, annotations: { [annotation.status]: ready } });
    await stage.api.object('DELETE', path(), { gracePeriodSeconds: 0 });
    expect(await stage.pod(pod.metadata.name)).toBeUndefined();
  });
});

describe('the API server, about leases', () => {
  const leasesPath = (): string => `/apis/coordination.k8s.io/v1/namespaces/${stage.leaseNamespace}/leases`;
  const time = '2026-01-02T03:04:05.678901Z';
  const leaseOf = (name: string, spec: Readonly<Record<string, unknown>> = {}): KubeObject => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: stage.leaseNamespace },
    spec: { holderIdentity: 'a', leaseDurationSeconds: 40, renewTime: time, ...spec },
  });

  it('takes times with six decimals, to the letter, and no others', async () => {
    const made = await stage.api.object('POST', leasesPath(), leaseOf('times', { acquireTime: time }));
    expect(made.spec).toMatchObject({ renewTime: time, acquireTime: time });
    for (const renewTime of ['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05Z', 'soon']) {
      expect((await stage.api.call('POST', leasesPath(), leaseOf('wrong', { renewTime }))).status).toBe(400);
    }
    const nothing = leaseOf('nothing', { leaseDurationSeconds: 0 });
    expect(await stage.api.refusal('POST', leasesPath(), nothing)).toEqual([422, 'Invalid']);
  });

  it('takes an update of the present version only, and none that names no version', async () => {
    const first = await stage.api.object('POST', leasesPath(), leaseOf('versions'));
    const at = `${leasesPath()}/versions`;
    const next = { ...first, spec: { ...first.spec, holderIdentity: 'b' } };
    expect((await stage.api.object('PUT', at, next)).spec?.['holderIdentity']).toBe('b');
    expect(await stage.api.refusal('PUT', at, next)).toEqual([409, 'Conflict']);
    expect(await stage.api.refusal('PUT', at, leaseOf('versions'))).toEqual([422, 'Invalid']);
  });

  it('does not make a lease anew that somebody updates who has seen a former one', async () => {
    const first = await stage.api.object('POST', leasesPath(), leaseOf('former'));
    await stage.api.object('DELETE', `${leasesPath()}/former`);
    expect(await stage.api.refusal('PUT', `${leasesPath()}/former`, first)).toEqual([409, 'Conflict']);
    expect(await stage.api.refusal('GET', `${leasesPath()}/former`)).toEqual([404, 'NotFound']);
  });

  it('keeps the owner, and lets there be one controller only', async () => {
    const owner = { apiVersion: 'v1', kind: 'Node', name: stage.name, uid: stage.nodeUid, blockOwnerDeletion: false };
    const owned = (
      name: string,
      ...ownerReferences: KubeObject['metadata']['ownerReferences'] & object
    ): KubeObject => {
      const lease = leaseOf(name);
      return { ...lease, metadata: { ...lease.metadata, ownerReferences } };
    };
    const one = { ...owner, controller: true };
    const made = await stage.api.object('POST', leasesPath(), owned('owned', one));
    expect(made.metadata.ownerReferences).toEqual([one]);
    const two = { ...one, kind: 'Namespace', name: stage.leaseNamespace };
    expect(await stage.api.refusal('POST', leasesPath(), owned('two', one, two))).toEqual([422, 'Invalid']);
  });

  it('notes who wrote the time, and when', async () => {
    const made = await stage.api.object('POST', `${leasesPath()}?fieldManager=e2e-writer`, leaseOf('noted'));
    const { managedFields } = made.metadata as unknown as { readonly managedFields: readonly unknown[] };
    expect(managedFields).toEqual([
      expect.objectContaining({
        manager: 'e2e-writer',
        operation: 'Update',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as unknown,
        fieldsV1: { 'f:spec': expect.objectContaining({ 'f:renewTime': {} }) as unknown },
      }),
    ]);
  });
});

describe('the API server, about Events', () => {
  const eventsPath = (): string => `/api/v1/namespaces/${stage.name}/events`;
  const eventOf = (name: string): KubeObject => {
    const { name: podName, namespace, uid } = pod.metadata;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace: stage.name },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name: podName, namespace, uid },
      reason: 'Testing',
      message: 'nothing happened',
      type: 'Normal',
      count: 1,
      firstTimestamp: '2026-01-02T03:04:05Z',
      lastTimestamp: '2026-01-02T03:04:05Z',
      source: { component: 'dpu-e2e' },
      reportingComponent: 'dpu-e2e',
      reportingInstance: 'here',
    };
  };

  it('keeps one of a name, counts it by a merge patch, and finds it by what it is about', async () => {
    await stage.api.object('POST', eventsPath(), eventOf('counted'));
    expect(await stage.api.refusal('POST', eventsPath(), eventOf('counted'))).toEqual([409, 'AlreadyExists']);
    const counted = await stage.api.object('PATCH', `${eventsPath()}/counted`, { count: 2 }, mergePatch);
    expect(counted['count']).toBe(2);
    const selector = encodeURIComponent(`involvedObject.uid=${pod.metadata.uid ?? ''}`);
    const { items } = await stage.api.list(`${eventsPath()}?fieldSelector=${selector}`);
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['counted']);
    expect(await stage.api.refusal('PATCH', `${eventsPath()}/never`, { count: 2 }, mergePatch)).toEqual([
      404,
      'NotFound',
    ]);
  });

  it('refuses one about an object of another namespace', async () => {
    const event = eventOf('elsewhere');
    const involvedObject = { ...(event['involvedObject'] as object), namespace: stage.leaseNamespace };
    expect(await stage.api.refusal('POST', eventsPath(), { ...event, involvedObject })).toEqual([422, 'Invalid']);
  });
});
