/**
 * The embedded host cluster: a Kubernetes API server in memory, for the sandbox and for tests, good enough for kubectl
 * and for clients that depend on the semantics (versions, watches, conflicts, patches, deletion, rights). It runs no pods
 * and schedules nothing. It says of itself in `/version` and in every answer that it is embedded.
 */

import { delay, systemClock } from '../../lib/clock.js';
import type { Clock } from '../../lib/clock.js';
import { AuditLog } from './audit-log.js';
import { Authorizer } from './authorizer.js';
import { makeCertificates, makeClientCertificate, removeCertificates } from './certificates.js';
import type { Certificates } from './certificates.js';
import { Deletion } from './deletion.js';
import type { KubeletRole } from './deletion.js';
import { DirectAccess } from './direct-access.js';
import { Faults } from './faults.js';
import { HttpFront } from './http-front.js';
import { formatKubeconfig, writeKubeconfigFile } from './kubeconfig.js';
import type { KubeconfigFacts } from './kubeconfig.js';
import { Registry } from './registry.js';
import { RequestHandler } from './request-handler.js';
import { ResourceVerbs } from './resource-verbs.js';
import { Rules } from './rules.js';
import { Store } from './store.js';
import type { StoreSnapshot } from './store.js';
import { Subresources } from './subresources.js';
import { Users, mastersGroup } from './users.js';
import { WatchHub } from './watch.js';

/** The user that may do everything, known from the start. */
export const adminUser = 'embedded-admin';

export interface ClusterApiOptions {
  /** 0 (default) for any free port; it is kept over stop and start. Listens on 127.0.0.1 alone. */
  readonly port?: number;
  /** HTTPS with a certificate of its own authority (needs openssl); plain HTTP otherwise. Default true. */
  readonly isTls?: boolean;
  /** Who removes pods that are deleted with grace. Default `instant`. */
  readonly kubelet?: KubeletRole;
  /** Changes that watches can go back to. Default 20 000. */
  readonly historyMax?: number;
  /** Milliseconds between bookmarks. Default 60 000, as real servers have it. */
  readonly bookmarkMs?: number;
  /** Bytes that may wait for a watcher that does not read. Default 4 MiB. */
  readonly backlogBytesMax?: number;
  /** Requests that the audit log keeps. Default 50 000. */
  readonly auditMax?: number;
  readonly clock?: Clock;
}

export interface KubeconfigOptions {
  readonly groups?: readonly string[];
  readonly namespace?: string;
  /** Authenticate by a client certificate instead of a token. Needs TLS. */
  readonly isByCertificate?: boolean;
}

/** Namespaces that every cluster has. */
const firstNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

export class ClusterApi {
  readonly users = new Users();
  readonly faults = new Faults();
  readonly audit: AuditLog;
  readonly rules: Rules;
  /** The verbs inside the process, as the administrator. */
  readonly direct: DirectAccess;
  readonly #options: ClusterApiOptions;
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #deletion: Deletion;
  readonly #watches: WatchHub;
  readonly #handler: RequestHandler;
  readonly #bugs: unknown[] = [];
  #front: HttpFront | undefined;
  #certificates: Certificates | undefined;
  #skewMs = 0;

  constructor(options: ClusterApiOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const nowMs = (): number => this.nowMs();
    this.#store = new Store(options.historyMax ?? 20_000);
    const registry = new Registry(this.#store, this.#clock, nowMs);
    this.#deletion = new Deletion(this.#store, registry, options.kubelet ?? 'instant', nowMs);
    const authorizer = new Authorizer(this.#store);
    this.#watches = new WatchHub(this.#store, this.#clock, options.bookmarkMs ?? 60_000);
    this.audit = new AuditLog(options.auditMax ?? 50_000);
    this.direct = new DirectAccess({ store: this.#store, registry, deletion: this.#deletion });
    this.rules = new Rules(this.direct);
    const subresources = new Subresources(registry, this.users, nowMs);
    const parts = { store: this.#store, registry, deletion: this.#deletion, authorizer, subresources, nowMs };
    this.#handler = new RequestHandler({
      users: this.users,
      authorizer,
      faults: this.faults,
      audit: this.audit,
      verbs: new ResourceVerbs(parts),
      watches: this.#watches,
      nowMs,
      sleep: (delayMs) => delay(this.#clock, delayMs),
      backlogBytesMax: options.backlogBytesMax ?? 4 * 1024 * 1024,
      onBug: (thrown) => this.#bugs.push(thrown),
    });
    this.users.tokenFor(adminUser, [mastersGroup]);
    for (const name of firstNamespaces) this.direct.create('namespaces', { metadata: { name } });
  }

  /** Listens; after `stop` on the same port with what is stored then. */
  async start(): Promise<void> {
    if (this.#options.isTls !== false) this.#certificates ??= await makeCertificates();
    this.#front ??= new HttpFront(this.#options.port ?? 0, this.#certificates, (request, response) => {
      void this.#handler.handle(request, response);
    });
    await this.#front.start();
  }

  /** Dies: connections are cut, the port is closed. The data stays; `start` brings it back. */
  async stop(): Promise<void> {
    await this.#front?.stop();
  }

  /** The end: stops and removes its files. */
  async close(): Promise<void> {
    this.faults.thaw();
    await this.stop();
    if (this.#certificates !== undefined) await removeCertificates(this.#certificates);
    this.#certificates = undefined;
  }

  get port(): number {
    return this.#front?.port ?? 0;
  }

  get url(): string {
    return `${this.#options.isTls === false ? 'http' : 'https'}://127.0.0.1:${this.port}`;
  }

  /** Certificate of the authority that signed the server's, PEM; undefined over plain HTTP or before the start. */
  get ca(): string | undefined {
    return this.#certificates?.ca;
  }

  /** What went wrong inside the server itself, for tests to look at: empty unless there is a bug in it. */
  get bugs(): readonly unknown[] {
    return this.#bugs;
  }

  /** Open watches. */
  get watchCount(): number {
    return this.#watches.count;
  }

  /** The cluster's idea of the time, milliseconds since 1970 UTC. */
  nowMs(): number {
    return this.#clock.wallMs() + this.#skewMs;
  }

  /** Sets the cluster's clock wrong: the Date header and all times that it writes. */
  setSkew(skewMs: number): void {
    this.#skewMs = skewMs;
  }

  /** The bearer token of a user, who comes to be by this call. */
  tokenFor(user: string, groups: readonly string[] = []): string {
    return this.users.tokenFor(user, groups);
  }

  /** A kubeconfig for a user. */
  async kubeconfig(user = adminUser, options: KubeconfigOptions = {}): Promise<string> {
    return formatKubeconfig(await this.#kubeconfigFacts(user, options));
  }

  /** Writes a kubeconfig into a directory. Returns the file's path. */
  async writeKubeconfig(directory: string, user = adminUser, options: KubeconfigOptions = {}): Promise<string> {
    return writeKubeconfigFile(directory, await this.#kubeconfigFacts(user, options));
  }

  /** A copy of all objects and of the revision. */
  snapshot(): StoreSnapshot {
    return this.#store.snapshot();
  }

  /**
   * Sets the data back, as a restore from a backup does: revisions go back too. Meant for a stopped server; watches that
   * are open are told nothing.
   */
  restore(snapshot: StoreSnapshot): void {
    this.#store.restore(snapshot);
  }

  /** Forgets the history: watches and pages from before are answered 410. */
  compact(): void {
    this.#store.compact();
  }

  /** The current resource version. */
  get revision(): number {
    return this.#store.revision;
  }

  /** Raises the revision without a change that anybody here can see. */
  skipRevisions(count: number): void {
    this.#store.skip(count);
  }

  /** Sends a bookmark to every watch that takes them. */
  bookmark(): void {
    this.#watches.bookmarkAll();
  }

  /** Cuts every connection and goes on serving. Returns how many. */
  cutConnections(): number {
    return this.#front?.cutConnections() ?? 0;
  }

  get kubelet(): KubeletRole {
    return this.#deletion.kubelet;
  }

  set kubelet(role: KubeletRole) {
    this.#deletion.kubelet = role;
  }

  /** Removes the pods that are being deleted, as their kubelets would. Returns how many. */
  finishDeletions(namespace?: string): number {
    return this.#deletion.finishDeletions(namespace);
  }

  async #kubeconfigFacts(user: string, options: KubeconfigOptions): Promise<KubeconfigFacts> {
    const facts = { server: this.url, user, ca: this.ca, namespace: options.namespace ?? 'default' };
    if (options.isByCertificate !== true || this.#certificates === undefined) {
      return { ...facts, token: this.tokenFor(user, options.groups) };
    }
    return { ...facts, certificate: await makeClientCertificate(this.#certificates, user, options.groups) };
  }
}
