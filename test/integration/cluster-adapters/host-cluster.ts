/** An embedded host cluster with kubectl beside it, for the tests of this folder. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { clusterClient } from '../../../src/adapters/cluster-access.js';
import type { KubeClient } from '../../../src/kube/index.js';
import { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import type { AccessRule } from '../../../src/sandbox/cluster/rules.js';

const run = promisify(execFile);

export const nodeName = 'host-a';
export const leaseNamespace = 'ovn-kubernetes';
/** As whom the agent shows itself. */
export const agentUser = 'system:serviceaccount:ovn-kubernetes:dpu-node-agent';

/** The least that the agent needs in the whole cluster. */
export const clusterRules: readonly AccessRule[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['nodes'], verbs: ['get'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  { apiGroups: ['k8s.cni.cncf.io'], resources: ['network-attachment-definitions'], verbs: ['list', 'watch'] },
];

/** … and in the namespace of the lease; RBAC cannot restrict a creation to a name. */
export const leaseRules: readonly AccessRule[] = [
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'update'],
    resourceNames: [`ovn-dpu-${nodeName}`],
  },
];

export class HostCluster {
  readonly api: ClusterApi;
  readonly #dir: string;
  readonly #kubeconfig: string;
  readonly #clients: KubeClient[] = [];

  private constructor(api: ClusterApi, dir: string, kubeconfig: string) {
    this.api = api;
    this.#dir = dir;
    this.#kubeconfig = kubeconfig;
  }

  /** With one node, the namespaces `shop` and that of the lease, and the least rights for the agent. */
  static async start(): Promise<HostCluster> {
    const api = new ClusterApi();
    await api.start();
    const dir = await mkdtemp(join(tmpdir(), 'cluster-adapters-'));
    const cluster = new HostCluster(api, dir, await api.writeKubeconfig(dir));
    for (const name of ['shop', leaseNamespace]) api.direct.create('namespaces', { metadata: { name } });
    api.direct.create('nodes', { metadata: { name: nodeName } });
    api.rules.grant(agentUser, clusterRules);
    api.rules.grant(agentUser, leaseRules, leaseNamespace);
    return cluster;
  }

  /** A client as the agent makes it, with the credentials of a user. */
  async client(user = agentUser): Promise<KubeClient> {
    const dir = await mkdtemp(join(this.#dir, 'user-'));
    const kubeconfig = await this.api.writeKubeconfig(dir, user);
    const client = clusterClient({ kind: 'kubeconfig', kubeconfig }, {}, '1.0.0', { deadlineMs: 5_000 });
    this.#clients.push(client);
    return client;
  }

  /** What the real kubectl prints, as the administrator. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('kubectl', [...args], {
      timeout: 30_000,
      env: { ...process.env, KUBECONFIG: this.#kubeconfig, HOME: this.#dir },
    });
    return stdout;
  }

  makePod(name: string, annotations: Readonly<Record<string, string>> = {}): void {
    this.api.direct.create('pods', {
      metadata: { name, namespace: 'shop', annotations: { ...annotations } },
      spec: { nodeName, containers: [{ name: 'c', image: 'i' }] },
    });
  }

  /** Everything that the agent wrote. */
  writes(user = agentUser): readonly string[] {
    return this.api.audit
      .writes(user)
      .map(
        ({ verb, resource, subresource, status }) => `${verb} ${resource}${subresource && `/${subresource}`} ${status}`,
      );
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.api.close();
    await rm(this.#dir, { recursive: true });
    if (this.api.bugs.length > 0) throw new Error('the embedded cluster has a bug', { cause: this.api.bugs[0] });
  }
}
