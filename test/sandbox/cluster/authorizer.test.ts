import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import { textAt } from '../../../src/sandbox/cluster/json.js';
import type { JsonObject } from '../../../src/sandbox/cluster/json.js';
import { ask, podOf } from './fixtures.js';

let cluster: ClusterApi;
const agent = 'system:serviceaccount:dpu:agent';

beforeEach(async () => {
  cluster = new ClusterApi({ isTls: false });
  await cluster.start();
  cluster.direct.create('pods', podOf('web'));
});
afterEach(() => cluster.close());

const manifest = `
apiVersion: v1
kind: Namespace
metadata: {name: dpu}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: dpu}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: agent}
rules:
- {apiGroups: [""], resources: [pods], verbs: [list, watch]}
- {apiGroups: [""], resources: [pods/status], verbs: [patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: agent}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: agent}
subjects: [{kind: ServiceAccount, name: agent, namespace: dpu}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: lease, namespace: dpu}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [ovn-dpu-host-1], verbs: [get, update, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: lease, namespace: dpu}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: lease}
subjects: [{kind: ServiceAccount, name: agent}]
`;

describe('rights from a manifest', () => {
  const status = async (path: string, method = 'GET', contentType?: string): Promise<number> => {
    const body = method === 'GET' ? {} : { body: method === 'PATCH' ? [] : { metadata: { name: 'ovn-dpu-host-1' } } };
    const type = contentType === undefined ? {} : { contentType };
    return (await ask(cluster, path, { method, token: cluster.tokenFor(agent), ...body, ...type })).status;
  };

  it('allow what they name and nothing more', async () => {
    expect(cluster.rules.load(manifest)).toEqual(['apps/v1 DaemonSet']);
    const jsonPatch = 'application/json-patch+json';
    const leases = '/apis/coordination.k8s.io/v1/namespaces/dpu/leases';
    expect(await status('/api/v1/pods')).toBe(200);
    expect(await status('/api/v1/namespaces/default/pods')).toBe(200);
    expect(await status('/api/v1/namespaces/default/pods/web')).toBe(403);
    expect(await status('/api/v1/namespaces/default/pods/web/status', 'PATCH', jsonPatch)).toBe(200);
    expect(await status('/api/v1/namespaces/default/pods/web', 'PATCH', jsonPatch)).toBe(403);
    expect(await status(`${leases}/ovn-dpu-host-1`)).toBe(404);
    expect(await status(`${leases}/ovn-dpu-host-2`)).toBe(403);
    expect(await status(leases)).toBe(403);
    expect(await status(leases, 'POST')).toBe(403);
    expect(await status('/api/v1/nodes')).toBe(403);
    expect(await status('/version')).toBe(200);
    expect(await status('/metrics')).toBe(403);
  });

  it('with resource names cover a list or watch that is narrowed to that name', async () => {
    cluster.rules.grant(agent, [{ apiGroups: [''], resources: ['nodes'], resourceNames: ['host-1'], verbs: ['list'] }]);
    expect(await status('/api/v1/nodes?fieldSelector=metadata.name%3Dhost-1')).toBe(200);
    expect(await status('/api/v1/nodes?fieldSelector=metadata.name%3Dhost-2')).toBe(403);
  });

  it('are refused in the words of a real server', async () => {
    const token = cluster.tokenFor('somebody');
    const { status: code, body } = await ask(cluster, '/api/v1/namespaces/default/pods/web/status', { token });
    expect(code).toBe(403);
    expect(body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message:
        'pods "web" is forbidden: User "somebody" cannot get resource "pods/status" in API group "" in the namespace "default"',
      reason: 'Forbidden',
      details: { name: 'web', kind: 'pods' },
      code: 403,
    });
  });

  it('end with the grant', async () => {
    cluster.rules.grant('u', [{ apiGroups: [''], resources: ['pods'], verbs: ['*'] }]);
    const list = async (): Promise<number> =>
      (await ask(cluster, '/api/v1/pods', { token: cluster.tokenFor('u') })).status;
    expect(await list()).toBe(200);
    cluster.rules.revoke('u');
    expect(await list()).toBe(403);
  });
});

describe('who is asking', () => {
  it('must be known, but for the health and the version', async () => {
    for (const token of ['', 'wrong']) {
      expect((await ask(cluster, '/api/v1/pods', { token })).body).toMatchObject({ code: 401, reason: 'Unauthorized' });
    }
    expect((await ask(cluster, '/readyz', { token: '' })).text).toBe('ok');
    expect((await ask(cluster, '/version', { token: '' })).body).toMatchObject({
      gitVersion: 'v1.32.0-embedded+dpu-node-agent',
    });
  });

  it('is no longer known when the token is revoked; a newer token stays good', async () => {
    const old = cluster.tokenFor('embedded-admin');
    const next = cluster.users.newToken('embedded-admin');
    cluster.users.revoke(old);
    expect((await ask(cluster, '/api/v1/pods', { token: old })).status).toBe(401);
    expect((await ask(cluster, '/api/v1/pods', { token: next })).status).toBe(200);
  });

  it('is an account as long as its token is good: until its end, or that of the account or of what it is bound to', async () => {
    const account = { metadata: { name: 'sa', namespace: 'default' } };
    const secret = { metadata: { name: 's', namespace: 'default' } };
    const path = '/api/v1/namespaces/default/serviceaccounts/sa/token';
    const request = async (spec: JsonObject): Promise<readonly [number, string]> => {
      const { status, body } = await ask(cluster, path, { method: 'POST', body: { spec } });
      return [status, textAt(body, 'status', 'token')];
    };
    // Known, but without any right.
    const isKnown = async (token: string): Promise<boolean> =>
      (await ask(cluster, '/api/v1/pods', { token })).status === 403;
    const boundObjectRef = { kind: 'Secret', apiVersion: 'v1', name: 's' };
    expect((await request({}))[0]).toBe(404);
    cluster.direct.create('serviceaccounts', account);
    expect((await request({ expirationSeconds: 60 }))[0]).toBe(422);
    expect((await request({ boundObjectRef }))[0]).toBe(404);
    expect((await request({ boundObjectRef: { kind: 'Lease', name: 's' } }))[0]).toBe(400);
    cluster.direct.create('secrets', secret);
    const [[, short], [, long], [, bound]] = [
      await request({ expirationSeconds: 600 }),
      await request({ expirationSeconds: 7200 }),
      await request({ boundObjectRef }),
    ];
    expect([await isKnown(short), await isKnown(long), await isKnown(bound)]).toEqual([true, true, true]);
    cluster.direct.delete('secrets', secret.metadata);
    expect([await isKnown(short), await isKnown(bound)]).toEqual([true, false]);
    cluster.setSkew(601_000);
    expect([await isKnown(short), await isKnown(long)]).toEqual([false, true]);
    cluster.setSkew(0);
    cluster.direct.delete('serviceaccounts', account.metadata);
    cluster.direct.create('serviceaccounts', account);
    expect(await isKnown(long)).toBe(false);
  });

  it('is written down with what was asked and the result', async () => {
    cluster.audit.clear();
    await ask(cluster, '/api/v1/namespaces/default/pods/none', { token: cluster.tokenFor('embedded-admin') });
    await ask(cluster, '/api/v1/namespaces/default/pods', { method: 'POST', body: podOf('x'), token: '' });
    expect(
      cluster.audit.entries().map(({ user, verb, resource, name, status }) => [user, verb, resource, name, status]),
    ).toEqual([
      ['embedded-admin', 'get', 'pods', 'none', 404],
      ['', 'create', 'pods', '', 401],
    ]);
    expect(cluster.audit.writes('embedded-admin')).toEqual([]);
  });
});
