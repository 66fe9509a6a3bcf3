/**
 * Everything in a cluster that an end-to-end test needs, made by it and removed after it, whatever happened: two namespaces,
 * a node that is only an object, and the agent's service account with its rights. Each has a random name and the label of
 * the run, by which scripts/e2e.mjs removes what a test that was killed left behind.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import { annotation, podAccount, podObject, runLabel, type KubeObject, type PodOptions } from './kube-object.js';
import { Kubectl } from './kubectl.js';
import { contentTypes, RawApi } from './raw-api.js';
import { accountOf, rightsObjects } from './rights.js';
import { TargetServer } from './target-server.js';

/** The run that scripts/e2e.mjs cleans up after. */
const runName = process.env['DPU_E2E_RUN'] ?? `run-${process.pid}`;

export class Stage implements AsyncDisposable {
  readonly server: TargetServer;
  readonly admin: Kubectl;
  readonly api: RawApi;
  /** Name of the node and of the namespace of the pods. */
  readonly name: string;
  readonly leaseNamespace: string;
  #nodeUid = '';

  private constructor(server: TargetServer, admin: Kubectl, api: RawApi) {
    this.server = server;
    this.admin = admin;
    this.api = api;
    this.name = `dpu-e2e-${randomBytes(4).toString('hex')}`;
    this.leaseNamespace = `${this.name}-lease`;
  }

  static async open(): Promise<Stage> {
    const server = await TargetServer.open();
    let stage: Stage | undefined;
    try {
      const admin = new Kubectl(server.kubeconfig, `${server.dir}/cache`);
      stage = new Stage(server, admin, await RawApi.open(admin));
      await stage.#build();
      return stage;
    } catch (error) {
      await (stage ?? server)[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Service account of the agent, in the namespace of the lease. */
  get agentAccount(): string {
    return accountOf(this.name);
  }

  /** Name of the DPU's lease. */
  get leaseName(): string {
    return `ovn-dpu-${this.name}`;
  }

  get nodeUid(): string {
    return this.#nodeUid;
  }

  get podsPath(): string {
    return `/api/v1/namespaces/${this.name}/pods`;
  }

  podPath(name: string): string {
    return `${this.podsPath}/${name}`;
  }

  get leasePath(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.leaseNamespace}/leases/${this.leaseName}`;
  }

  /** The `cluster` section of the administrator's kubeconfig. */
  async clusterSection(): Promise<Readonly<Record<string, unknown>> & { readonly server: string }> {
    const view = (await this.admin.json('config', 'view', '--raw', '--minify')) as {
      readonly clusters: readonly [{ readonly cluster: { readonly server: string } }];
    };
    return view.clusters[0].cluster;
  }

  /** A kubeconfig for whoever has this token. Returns its path. */
  async kubeconfigOf(token: string, user: string): Promise<string> {
    const cluster = 'host';
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: cluster, cluster: await this.clusterSection() }],
      users: [{ name: user, user: { token } }],
      contexts: [{ name: cluster, context: { cluster, user } }],
      'current-context': cluster,
    };
    return this.secretFile(`${user}.kubeconfig`, JSON.stringify(config));
  }

  /** Writes a file with credentials, in one step, readable by its owner alone. Returns its path. */
  async secretFile(name: string, text: string): Promise<string> {
    const dir = join(this.server.dir, 'secrets');
    await mkdir(dir, { recursive: true });
    const file = join(dir, name);
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    await rename(`${file}.new`, file);
    return file;
  }

  /** A pod on the node of this stage, as an object. */
  podOf(name: string, options: Partial<PodOptions> = {}): KubeObject {
    return podObject(name, { namespace: this.name, node: this.name, ...options });
  }

  /** Makes objects, labelled. */
  async create(...objects: readonly KubeObject[]): Promise<void> {
    await this.admin.create(objects.map(labelled));
  }

  /** Makes one pod on the node of this stage. */
  async createPod(name: string, annotations?: Readonly<Record<string, string>>): Promise<KubeObject> {
    const pod = this.podOf(name, annotations === undefined ? {} : { annotations });
    return this.api.object('POST', this.podsPath, labelled(pod));
  }

  pod(name: string): Promise<KubeObject | undefined> {
    return this.api.find(this.podPath(name));
  }

  /** The text of the connection status; undefined where there is none. */
  async statusText(name: string): Promise<string | undefined> {
    return (await this.pod(name))?.metadata.annotations?.[annotation.status];
  }

  /** Sets annotations, or removes those that are null, the way ovn-kubernetes does: through `pods/status`. */
  async annotate(name: string, annotations: Readonly<Record<string, string | null>>): Promise<KubeObject> {
    const body = { metadata: { annotations } };
    return this.api.object('PATCH', `${this.podPath(name)}/status`, body, contentTypes.mergePatch);
  }

  /** Deletes pods as their kubelet finally does, and waits until they are gone. */
  async deletePods(...names: readonly string[]): Promise<void> {
    await this.#kubectl('delete', 'pods', ...names, '-n', this.name, ...atOnce);
    await eventually(
      async () => {
        const { items } = await this.api.list(this.podsPath);
        return !items.some(({ metadata }) => names.includes(metadata.name));
      },
      `${names.join(', ')} are gone`,
    );
  }

  lease(): Promise<KubeObject | undefined> {
    return this.api.find(this.leasePath);
  }

  /** Everything that belongs to this stage and is still there, as `kind/name`. */
  async leftovers(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const [path, kind] of clusterPlaces) {
      const { items } = await this.api.list(path);
      const ours = items.filter(({ metadata }) => metadata.name.includes(this.name));
      found.push(...ours.filter((item) => !isLeaving(item)).map(({ metadata }) => `${kind}/${metadata.name}`));
    }
    const { items } = await this.api.list(`/api/v1/pods?fieldSelector=spec.nodeName%3D${this.name}`);
    return [...found, ...items.map(({ metadata }) => `pod/${metadata.name}`)];
  }

  /** Removes everything; the server too, where it is the tests' own. */
  async [Symbol.asyncDispose](): Promise<void> {
    const problems: unknown[] = [];
    for (const step of [
      () => this.clear(),
      () => this.api[Symbol.asyncDispose](),
      () => this.server[Symbol.asyncDispose](),
    ]) {
      await step().catch((error: unknown) => problems.push(error));
    }
    if (problems.length > 0) throw new AggregateError(problems, 'the stage was not removed completely');
  }

  /**
   * Removes everything from the cluster. Contents first and by name of the kind: a server without controllers empties no
   * namespace. The node goes before the pods that others (DaemonSets) may have put on it, or they would come back.
   */
  async clear(): Promise<void> {
    const namespaces = [this.name, this.leaseNamespace];
    for (const namespace of namespaces) {
      await this.#kubectl('delete', 'pods', '--all', '-n', namespace, ...atOnce);
    }
    await this.#kubectl('delete', 'node', this.name, '--ignore-not-found', '--wait=false');
    const { items } = await this.api.list(`/api/v1/pods?fieldSelector=spec.nodeName%3D${this.name}`);
    for (const { metadata } of items) {
      const { namespace = '', name } = metadata;
      await this.#kubectl('delete', 'pod', name, '-n', namespace, '--ignore-not-found', ...atOnce);
    }
    for (const namespace of namespaces) {
      const kinds = 'leases.coordination.k8s.io,events,secrets,serviceaccounts,configmaps,rolebindings,roles';
      await this.#kubectl('delete', kinds, '--all', '-n', namespace, '--ignore-not-found', '--wait=false');
    }
    for (const kind of ['clusterrolebindings', 'clusterroles']) {
      await this.#kubectl('delete', kind, '-l', `${runLabel}=${runName},dpu-node-agent.e2e/stage=${this.name}`);
    }
    await this.#kubectl('delete', 'namespaces', ...namespaces, '--ignore-not-found', '--wait=false');
  }

  async #kubectl(...args: readonly string[]): Promise<string> {
    return this.admin.run(args);
  }

  async #build(): Promise<void> {
    const { name, leaseNamespace } = this;
    const stageLabel = { 'dpu-node-agent.e2e/stage': name };
    const namespace = (of: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: of, labels: stageLabel },
    });
    const rights = rightsObjects(name, leaseNamespace);
    await this.create(
      namespace(name),
      namespace(leaseNamespace),
      nodeObject(name),
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: podAccount, namespace: name } },
      ...rights.map((object) => ({ ...object, metadata: { ...object.metadata, labels: stageLabel } })),
    );
    this.#nodeUid = (await this.api.object('GET', `/api/v1/nodes/${name}`)).metadata.uid ?? '';
  }
}

/** Without a kubelet nobody else ends a pod. */
const atOnce = ['--grace-period=0', '--force', '--wait=false'];

const clusterPlaces: readonly (readonly [string, string])[] = [
  ['/api/v1/namespaces', 'namespace'],
  ['/api/v1/nodes', 'node'],
  ['/apis/rbac.authorization.k8s.io/v1/clusterroles', 'clusterrole'],
  ['/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', 'clusterrolebinding'],
];

/** A namespace goes when the server's controllers have looked at it. */
function isLeaving({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** A node that takes no pods of others: it is not schedulable, is tainted, and has no labels that a selector might ask for. */
function nodeObject(name: string): KubeObject {
  const taints = [{ key: 'dpu-node-agent.e2e', value: 'test', effect: 'NoExecute' }];
  return { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: { unschedulable: true, taints } };
}

/** With the label of the run. */
export function labelled(object: KubeObject): KubeObject {
  const labels = { ...object.metadata.labels, [runLabel]: runName };
  return { ...object, metadata: { ...object.metadata, labels } };
}
