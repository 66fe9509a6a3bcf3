import { describe, expect, it } from 'vitest';
import { ClusterRights, rightOf, type KubeSender } from '../../src/adapters/cluster-rights.js';
import { AgentError } from '../../src/lib/errors.js';
import type { KubeRequest } from '../../src/kube/index.js';

const bridge = { kind: 'bridge', name: 'br-int' } as const;

/** A server that forbids everything while it is told to. */
function world(): { rights: ClusterRights; forbid: (words: string | undefined) => void } {
  let error: AgentError | undefined;
  const refuse = (): void => {
    if (error !== undefined) throw error;
  };
  const sender: KubeSender = {
    server: 'https://host',
    request: () =>
      Promise.resolve()
        .then(refuse)
        .then(() => ({ status: 200, body: {}, dateMs: undefined })),
    stream: async (_request, listener) => {
      await Promise.resolve();
      refuse();
      listener.onOpen?.(7);
    },
  };
  const forbid = (words: string | undefined): void => {
    error =
      words === undefined ? undefined : new AgentError('KUBE_FORBIDDEN', 'forbidden', { facts: { message: words } });
  };
  return { rights: new ClusterRights(sender), forbid };
}

const patch = (name: string): KubeRequest => ({ method: 'PATCH', path: `/api/v1/namespaces/shop/pods/${name}/status` });
const pods: KubeRequest = { method: 'GET', path: '/api/v1/pods', query: { watch: 'true' } };

describe('the right that a request needs', () => {
  it.each([
    ['GET', '/api/v1/pods', {}, 'list pods'],
    ['GET', '/api/v1/pods', { watch: 'true' }, 'watch pods'],
    ['GET', '/api/v1/nodes/host-1', {}, 'get nodes'],
    ['GET', '/api/v1/namespaces/shop', {}, 'get namespaces'],
    ['GET', '/api/v1/namespaces/shop/pods', {}, 'list pods'],
    ['PATCH', '/api/v1/namespaces/shop/pods/a/status', {}, 'patch pods/status'],
    ['POST', '/api/v1/namespaces/shop/events', {}, 'create events'],
    ['PUT', '/apis/coordination.k8s.io/v1/namespaces/n/leases/l', {}, 'update leases.coordination.k8s.io'],
    [
      'GET',
      '/apis/k8s.cni.cncf.io/v1/network-attachment-definitions',
      {},
      'list network-attachment-definitions.k8s.cni.cncf.io',
    ],
  ] as const)('of %s %s %o is %s', (method, path, query, right) => {
    expect(rightOf({ method, path, query })).toBe(right);
  });
});

describe('the account of missing rights', () => {
  it('names each right once, in the words of the server, until a like request is allowed', async () => {
    const { rights, forbid } = world();
    expect(rights.findings(bridge)).toEqual([]);
    forbid('you may not');
    await expect(rights.request(patch('a'))).rejects.toThrow('forbidden');
    await expect(rights.request(patch('b'))).rejects.toThrow('forbidden');
    await expect(rights.stream(pods, { onData: () => undefined })).rejects.toThrow('forbidden');
    expect(rights.findings(bridge).map(({ message }) => message)).toEqual([
      'The host cluster does not let this agent patch pods/status: you may not',
      'The host cluster does not let this agent watch pods: you may not',
    ]);
    forbid(undefined);
    await rights.request(patch('c'));
    expect(rights.findings(bridge)).toHaveLength(1);
    let opened: number | undefined;
    await rights.stream(pods, { onOpen: (dateMs) => (opened = dateMs), onData: () => undefined });
    expect([rights.findings(bridge), opened, rights.server]).toEqual([[], 7, 'https://host']);
  });

  it('is bounded, and no other failure is in it', async () => {
    const { rights, forbid } = world();
    forbid('no');
    for (let index = 0; index < 40; index += 1) {
      await expect(rights.request({ method: 'GET', path: `/api/v1/kind${index}` })).rejects.toThrow();
    }
    expect(rights.findings(bridge)).toHaveLength(32);
  });
});
