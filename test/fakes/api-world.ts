/**
 * The agent as its API sees it, without an agent: a view whose parts a test sets by hand, and the HTTP server over it with the
 * real services. Listens on a port of its own; `close` leaves nothing.
 */

import type {
  AgentView,
  NodeFacts,
  OffloadOverview,
  OffloadRow,
  SessionTelemetry,
  SoftwareFlowsAnswer,
  StatsAnswer,
  StatsRow,
} from '../../src/agent/api-view.js';
import { Journal } from '../../src/agent/journal.js';
import type { AgentStatus, AttachStatus } from '../../src/agent/status.js';
import { TelemetryBook } from '../../src/agent/telemetry-book.js';
import type { TopologyFacts, TopologyObject } from '../../src/agent/topology.js';
import type { ServiceEntry } from '../../src/api/grpc/service.js';
import { HttpApi, type HttpApiOptions } from '../../src/api/http/server.js';
import { intentService } from '../../src/api/services/intent.js';
import { journalService } from '../../src/api/services/journal.js';
import { nodeService } from '../../src/api/services/node.js';
import { offloadService } from '../../src/api/services/offload.js';
import { statsService } from '../../src/api/services/stats.js';
import { topologyService } from '../../src/api/services/topology.js';
import { systemClock, type Clock } from '../../src/lib/clock.js';
import { FakeIntentDesk } from './intent-desk.js';

const facts: NodeFacts = {
  version: '1.2.3',
  owner: 'dpu-node-agent',
  startedWallMs: 1_700_000_000_000,
  repair: 'on',
  attachMode: 'attach',
  runtimeVersion: process.version,
  hostNodeName: 'host-1',
  machine: {
    hostname: 'dpu-1',
    product: 'BlueField-3',
    serial: undefined,
    firmware: undefined,
    kernel: '5.15',
    os: undefined,
    architecture: 'aarch64',
    bootId: undefined,
    bootedWallMs: undefined,
    cores: 16,
    memoryBytes: 2 ** 34,
    hugePages: [],
  },
  ovs: {
    version: '3.1.0',
    schemaVersion: '8.3.1',
    dpdkVersion: undefined,
    docaVersion: undefined,
    isDpdkInitialized: false,
    isDocaInitialized: false,
    datapathTypes: ['netdev', 'system'],
    engine: 'netdev',
    runDir: '/run/openvswitch',
  },
  uplinks: [],
  capabilities: [],
};

/** Offload while nobody supervises it. */
export const unsupervised: OffloadOverview = {
  engine: 'userspace',
  isConfigured: false,
  settings: new Map([['hw-offload', 'false']]),
  notes: [],
  engineBasis: [],
  isInEffect: undefined,
  inEffectBasis: 'nobody looks',
  waiting: undefined,
  supervision: undefined,
};

/** A status of an agent that is all well. */
export function statusOf(clock: Clock, fields: Partial<AgentStatus> = {}): AgentStatus {
  return {
    wallMs: clock.wallMs(),
    oldestLookWallMs: fields.wallMs ?? clock.wallMs(),
    freshMs: 75_000,
    ovsdb: { kind: 'synced', endpoint: 'unix:/run/db.sock' },
    vswitchd: 'alive',
    repair: 'on',
    isReady: true,
    conditions: [
      { object: { kind: 'bridge', name: 'br-int' }, state: 'ready', reason: 'Ready', message: '', evidence: {} },
    ],
    findings: [],
    pendingCount: 0,
    appliedRounds: 3,
    appliedActions: 9,
    journal: [],
    chains: [],
    attach: undefined,
    ovsRunDir: '/run/openvswitch',
    ...fields,
  };
}

/** What the loop of the pods says while all is well. */
export function attachOf(clock: Clock, fields: Partial<AttachStatus> = {}): AttachStatus {
  return {
    wallMs: clock.wallMs(),
    mode: 'on',
    bridge: 'br-int',
    cluster: { kind: 'synced', server: 'https://192.0.2.1:6443' },
    nodeName: 'host-1',
    lease: { kind: 'held', renewedWallMs: clock.wallMs() - 4_000, message: undefined },
    clockSkewMs: -250,
    podCount: 2,
    counts: { Ready: 2 },
    failures: [],
    pendingCount: 0,
    statuses: { written: 7, conflicts: 1, failed: 2, inFlight: 0, lastError: undefined },
    ...fields,
  };
}

/** Counters of an interface: each one told from the others by its value. */
export function portRow(name: string, wallMs: number, base = 1_000n): StatsRow {
  return {
    key: `port/${name}`,
    kind: 'port',
    name,
    bridge: 'br-int',
    interface: name,
    wallMs,
    received: { packets: base, bytes: base * 100n, drops: 1n, errors: 2n },
    sent: { packets: base + 1n, bytes: base * 101n, drops: 3n, errors: 4n },
  };
}

/** The same counters as those of a pod's network. */
export function podRow(port: StatsRow, namespace: string, pod: string): StatsRow {
  const attachment = { namespace, pod, network: 'default', podUid: `uid-${pod}` };
  return { ...port, key: `attachment/${port.name}`, kind: 'attachment', name: `${namespace}/${pod}`, attachment };
}

export class ApiWorld {
  readonly clock: Clock;
  readonly book = new TelemetryBook();
  readonly journal = new Journal(1_000);
  readonly desk = new FakeIntentDesk();
  readonly troubles: Error[] = [];
  readonly bugs: unknown[] = [];
  status: AgentStatus | undefined;
  objects: readonly TopologyObject[] = [];
  rows: readonly StatsRow[] = [];
  offloadRows: readonly OffloadRow[] = [];
  offload: OffloadOverview = unsupervised;
  softwareFlows: SoftwareFlowsAnswer = { wallMs: undefined, cost: undefined, flows: [], problems: ['no dump'] };
  sessions: readonly SessionTelemetry[] = [];
  /** How often the counters were asked for, and how often the switch was. */
  statsReads = 0;
  switchReads = 0;
  readonly #listeners = new Set<() => void>();
  api: HttpApi | undefined;

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
    this.status = statusOf(clock);
    this.book.addSessions(() => this.sessions);
    this.journal.onEntry((entry) => this.book.noteEntry(entry));
  }

  /** The loop has looked. */
  show(fields: Partial<AgentStatus> = {}): void {
    this.status = statusOf(this.clock, fields);
    for (const listener of this.#listeners) listener();
  }

  put(facts: TopologyFacts, name: string): void {
    const version = BigInt(this.objects.length + 1);
    this.objects = [...this.objects, { ref: { kind: facts.kind, name }, version, conditions: [], facts }];
  }

  #answer(): StatsAnswer {
    return { wallMs: this.clock.wallMs(), rows: this.rows, problems: [] };
  }

  readonly view: AgentView = {
    instanceId: 'instance-1',
    status: {
      current: () => this.status,
      pods: () => [],
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    },
    topology: {
      snapshot: () => ({ version: BigInt(this.objects.length), objects: this.objects }),
      watch: async function* () {
        // Nobody watches over HTTP.
      },
    },
    intents: this.desk,
    journal: this.journal,
    stats: {
      interfaces: () => {
        this.statsReads += 1;
        return this.#answer();
      },
      read: () => {
        this.switchReads += 1;
        return Promise.resolve(this.#answer());
      },
    },
    offload: {
      status: () => this.offload,
      rows: () => this.offloadRows,
      problems: () => [],
      softwareFlows: () => Promise.resolve(this.softwareFlows),
      watch: () => () => undefined,
    },
    explainer: {
      pod: () => Promise.reject(new Error('nobody explains here')),
      port: () => Promise.reject(new Error('nobody explains here')),
      chain: () => {
        throw new Error('nobody explains here');
      },
      lookAtChain: () => Promise.reject(new Error('nobody explains here')),
      trace: () => Promise.reject(new Error('nobody explains here')),
    },
    node: { facts: () => Promise.resolve(facts) },
    telemetry: this.book,
  };

  services(): readonly ServiceEntry[] {
    const { view, clock } = this;
    const { instanceId, topology, journal, stats, offload, node, status } = view;
    const entries = [
      topologyService({ topology, instanceId, clock }),
      journalService({ journal, instanceId, clock }),
      statsService({ stats, clock }),
      offloadService({ offload, clock }),
      nodeService({ node, status, instanceId, clock }),
      intentService(this.desk),
    ];
    return entries;
  }

  options(fields: Partial<HttpApiOptions> = {}): HttpApiOptions {
    return {
      config: { listen: '127.0.0.1:0' },
      metrics: { representors: true, podLabels: true, representorsMax: 2_048 },
      view: this.view,
      services: this.services(),
      version: '1.2.3',
      clock: this.clock,
      random: () => 0.5,
      onTrouble: (error) => this.troubles.push(error),
      onBug: (error) => this.bugs.push(error),
      ...fields,
    };
  }

  async serve(fields: Partial<HttpApiOptions> = {}): Promise<this> {
    this.api = new HttpApi(this.options(fields));
    await this.api.start();
    return this;
  }

  get port(): number {
    const port = this.api?.address()?.port;
    if (port === undefined) throw new Error(`the API does not listen: ${this.troubles.map(String).join(', ')}`);
    return port;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url(path), { headers });
  }

  async close(): Promise<void> {
    await this.api?.close();
  }
}
