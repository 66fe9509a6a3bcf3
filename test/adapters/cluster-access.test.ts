import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  accessOptions,
  clusterClient,
  clusterClients,
  type ClusterClients,
} from '../../src/adapters/cluster-access.js';
import type { ClusterAccess } from '../../src/config/config.js';
import type { ClusterAccessOptions } from '../../src/kube/index.js';

const server = 'https://10.0.0.1:6443';

describe('the way to the host cluster', () => {
  const cases: readonly (readonly [string, ClusterAccess, ClusterAccessOptions])[] = [
    [
      'a kubeconfig with a context',
      { kind: 'kubeconfig', kubeconfig: '/etc/k', context: 'host' },
      { kind: 'kubeconfig', file: '/etc/k', context: 'host' },
    ],
    [
      'a kubeconfig without one',
      { kind: 'kubeconfig', kubeconfig: '/etc/k' },
      { kind: 'kubeconfig', file: '/etc/k', context: undefined },
    ],
    [
      'a server with a token and a file of authorities',
      {
        kind: 'server',
        server,
        identity: { kind: 'token', tokenFile: '/t' },
        authority: { kind: 'file', caFile: '/ca' },
      },
      { kind: 'server', server, tokenFile: '/t', caFile: '/ca' },
    ],
    [
      'a server with a certificate and authorities in the configuration',
      {
        kind: 'server',
        server,
        identity: { kind: 'certificate', certFile: '/c', keyFile: '/k' },
        authority: { kind: 'data', pem: 'PEM' },
      },
      { kind: 'server', server, certFile: '/c', keyFile: '/k', caData: 'PEM' },
    ],
    [
      'a server on this machine',
      { kind: 'server', server: 'http://127.0.0.1:1' },
      { kind: 'server', server: 'http://127.0.0.1:1' },
    ],
  ];
  it.each(cases)('may be %s', (_, access, options) => {
    expect(accessOptions(access, {})).toEqual(options);
  });

  it('may be that of the pod, which its environment tells', () => {
    const environment = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
    expect(accessOptions({ kind: 'inCluster' }, environment)).toEqual({
      kind: 'inCluster',
      host: '10.96.0.1',
      port: '443',
      dir: '/var/run/secrets/kubernetes.io/serviceaccount',
    });
  });

  it.each([{}, { KUBERNETES_SERVICE_HOST: '', KUBERNETES_SERVICE_PORT: '443' }, { KUBERNETES_SERVICE_HOST: 'x' }])(
    'is refused with a remedy where the agent is no pod: %j',
    (environment) => {
      const refused = (): unknown => clusterClient({ kind: 'inCluster' }, environment, '1.0.0');
      expect(refused).toThrow(expect.objectContaining({ code: 'KUBE_CREDENTIALS' }) as Error);
    },
  );

  it('leads to a client', () => {
    const client = clusterClient({ kind: 'server', server }, {}, '1.0.0');
    expect(client.server).toBe(server);
    client.close();
  });
});

describe('the connections to the host cluster', () => {
  let server: Server;
  /** Paths of what waits for an answer. */
  let waiting: string[];
  let clients: ClusterClients;
  const statusConcurrency = 12;
  const failure = (error: unknown): unknown => error;

  beforeEach(async () => {
    waiting = [];
    server = createServer(({ url = '' }, response) => {
      if (url.includes('/leases/')) response.end('{}');
      else waiting.push(url);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const access = { kind: 'server', server: `http://127.0.0.1:${port}` } as const;
    clients = clusterClients(access, {}, '1.0.0', { statusConcurrency });
  });
  afterEach(async () => {
    clients.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('leave room for lists and events beside as many statuses as are written at one time', async () => {
    const path = (index: number): string => `/api/v1/namespaces/ns/pods/p${index}/status`;
    const calls = Array.from({ length: statusConcurrency }, (_, index) =>
      clients.work.request({ method: 'PATCH', path: path(index), body: [] }).catch(failure),
    );
    await vi.waitFor(() => expect(waiting).toHaveLength(statusConcurrency));
    calls.push(clients.work.request({ method: 'GET', path: '/api/v1/pods' }).catch(failure));
    await vi.waitFor(() => expect(waiting.at(-1)).toBe('/api/v1/pods'));
    clients.close();
    await Promise.all(calls);
  });

  it('keep the lease apart from whatever a slow server holds up', async () => {
    const calls = Array.from({ length: 100 }, (_, index) =>
      clients.work.request({ method: 'PATCH', path: `/api/v1/pods/p${index}/status`, body: [] }).catch(failure),
    );
    await vi.waitFor(() => expect(waiting.length).toBeGreaterThan(statusConcurrency));
    const lease = '/apis/coordination.k8s.io/v1/namespaces/ovn-kubernetes/leases/ovn-dpu-a';
    await expect(clients.lease.request({ method: 'GET', path: lease })).resolves.toMatchObject({ status: 200 });
    clients.close();
    await Promise.all(calls);
  });
});
