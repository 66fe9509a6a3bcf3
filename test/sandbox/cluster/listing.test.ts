import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import { isObject, listAt, textAt, valueAt } from '../../../src/sandbox/cluster/json.js';
import type { JsonObject } from '../../../src/sandbox/cluster/json.js';
import { ask, podOf } from './fixtures.js';

let cluster: ClusterApi;

beforeEach(async () => {
  cluster = new ClusterApi({ isTls: false });
  await cluster.start();
  for (const name of ['e', 'b', 'd', 'a', 'c']) cluster.direct.create('pods', podOf(name));
});
afterEach(() => cluster.close());

const list = async (query: string): Promise<JsonObject> => (await ask(cluster, `/api/v1/pods?${query}`)).body;
const names = (body: JsonObject): string[] =>
  listAt(body, 'items')
    .filter(isObject)
    .map((pod) => textAt(pod, 'metadata', 'name'));
const token = (body: JsonObject): string => encodeURIComponent(textAt(body, 'metadata', 'continue'));

describe('a list', () => {
  it('comes in the order of names, as a list of its kind, at the present version', async () => {
    const body = await list('');
    expect(names(body)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect([body['kind'], body['apiVersion']]).toEqual(['PodList', 'v1']);
    expect(textAt(body, 'metadata', 'resourceVersion')).toBe(String(cluster.revision));
    expect(valueAt(listAt(body, 'items')[0] as JsonObject, 'kind')).toBeUndefined();
  });

  it('in pages shows the moment of the first page throughout', async () => {
    const first = await list('limit=2');
    expect(names(first)).toEqual(['a', 'b']);
    expect(valueAt(first, 'metadata', 'remainingItemCount')).toBe(3);
    cluster.direct.delete('pods', { name: 'c' }, { graceSeconds: 0 });
    cluster.direct.create('pods', podOf('bb'));
    const second = await list(`limit=2&continue=${token(first)}`);
    expect(names(second)).toEqual(['c', 'd']);
    const third = await list(`limit=2&continue=${token(second)}`);
    expect(names(third)).toEqual(['e']);
    expect(valueAt(third, 'metadata', 'continue')).toBeUndefined();
    expect(textAt(third, 'metadata', 'resourceVersion')).toBe(textAt(first, 'metadata', 'resourceVersion'));
  });

  it('whose pages were compacted away is answered 410 with a token that goes on all the same', async () => {
    const first = await list('limit=2');
    cluster.direct.create('pods', podOf('bb'));
    cluster.compact();
    const stale = await ask(cluster, `/api/v1/pods?limit=2&continue=${token(first)}`);
    expect([stale.status, textAt(stale.body, 'reason')]).toEqual([410, 'Expired']);
    expect(names(await list(`continue=${token(stale.body)}`))).toEqual(['bb', 'c', 'd', 'e']);
  });

  it('at an exact version shows that moment, or 410 when it is gone', async () => {
    const { revision } = cluster;
    cluster.direct.create('pods', podOf('f'));
    const query = `resourceVersion=${revision}&resourceVersionMatch=Exact`;
    expect(names(await list(query))).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(names(await list(`resourceVersion=${revision}`))).toHaveLength(6);
    cluster.compact();
    expect((await ask(cluster, `/api/v1/pods?${query}`)).status).toBe(410);
  });

  it('counts no rest when a selector narrows it', async () => {
    const body = await list('limit=1&fieldSelector=metadata.name!%3Da');
    expect(names(body)).toEqual(['b']);
    expect(valueAt(body, 'metadata', 'remainingItemCount')).toBeUndefined();
  });

  it.each(['limit=x', 'continue=nonsense', 'labelSelector=a%20b', 'fieldSelector=spec.foo%3D1'])(
    'is a bad request with %s',
    async (query) => {
      expect((await ask(cluster, `/api/v1/pods?${query}`)).status).toBe(400);
    },
  );

  it('can be had as metadata alone', async () => {
    const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
    const { body } = await ask(cluster, '/api/v1/pods?limit=1', { accept });
    expect(body['kind']).toBe('PartialObjectMetadataList');
    expect(Object.keys(listAt(body, 'items')[0] as JsonObject)).toEqual(['kind', 'apiVersion', 'metadata']);
  });

  it('is refused in a form that this server does not speak', async () => {
    expect((await ask(cluster, '/api/v1/pods', { accept: 'application/cbor' })).status).toBe(406);
  });

  it('of many can be deleted at once by a selector', async () => {
    const path = '/api/v1/namespaces/default/pods?fieldSelector=metadata.name!%3Da';
    expect((await ask(cluster, path, { method: 'DELETE', body: { gracePeriodSeconds: 0 } })).status).toBe(200);
    expect(names(await list(''))).toEqual(['a']);
  });
});
