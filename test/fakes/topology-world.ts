/** The sources of the topology hub, set by hand: maps and lists that a test replaces as the real sources do, and a still clock. */

import type { PodFacts } from '../../src/attach/attachment-view.js';
import { defaultHubOptions, TopologyHub, type TopologyHubOptions } from '../../src/agent/topology-hub.js';
import type { AgentStatus, AttachStatus } from '../../src/agent/status.js';
import type { Unsubscribe } from '../../src/agent/ports.js';
import type { TopologyDelta, TopologyObject, TopologySnapshot } from '../../src/agent/topology.js';
import type { ChainView } from '../../src/chain/chain-view.js';
import type { Condition } from '../../src/model/condition.js';
import type { BridgeIntent } from '../../src/model/intent.js';
import type { NetdevMap } from '../../src/model/netdev.js';
import type { ObservedBridge, ObservedPort } from '../../src/model/observed.js';
import { ManualClock } from '../config/manual-clock.js';
import { rootRow } from './plan-rows.js';

/** Conditions of wanted objects, one each. */
export function conditionOf(
  kind: Condition['object']['kind'],
  name: string,
  fields: Partial<Condition> = {},
): Condition {
  const object = { kind, name, ...(kind === 'port' || kind === 'chain' ? { bridge: 'br-a' } : {}) };
  return { object, state: 'ready', reason: 'Ready', message: 'As intended.', evidence: {}, ...fields };
}

export class TopologyWorld {
  readonly clock = new ManualClock();
  readonly bugs: unknown[] = [];
  /** Undefined: the database cannot be read now. */
  bridges: ReadonlyMap<string, ObservedBridge> | undefined = new Map();
  ports: ReadonlyMap<string, ObservedPort> = new Map();
  netdevs: NetdevMap | undefined = new Map();
  deviceProblem: string | undefined;
  wanted: readonly BridgeIntent[] = [];
  conditions: readonly Condition[] = [];
  chains: readonly ChainView[] = [];
  /** Undefined: pods are not looked at. */
  podsLookedMs: number | undefined;
  podFacts: readonly PodFacts[] = [];
  /** How often the facts of pods were made. */
  podReads = 0;
  #madeFrom: readonly PodFacts[] | undefined;
  readonly hub: TopologyHub;
  readonly #listeners = new Set<() => void>();

  constructor(options: Partial<TopologyHubOptions> = {}) {
    const onChange = (listener: () => void): Unsubscribe => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    };
    this.hub = new TopologyHub(
      {
        store: { snapshot: () => this.#rows(), onChange },
        devices: { snapshot: () => this.netdevs, problem: () => this.deviceProblem, onChange },
        intents: { intents: () => ({ bridges: this.wanted, ports: [] }), onChange },
        status: { current: () => this.#status(), pods: () => this.#pods(), onChange },
        clock: this.clock,
        onBug: (error) => this.bugs.push(error),
      },
      { ...defaultHubOptions, ...options },
    );
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** The sources say that something may have changed. */
  tell(): void {
    for (const listener of this.#listeners) listener();
  }

  setPort(row: ObservedPort): void {
    this.ports = new Map([...this.ports, [row.name, row]]);
  }

  removePort(name: string): void {
    this.ports = new Map([...this.ports].filter(([other]) => other !== name));
  }

  /** The object of that kind and name as the hub has it now. */
  object(kind: TopologyObject['ref']['kind'], name: string): TopologyObject | undefined {
    return this.hub.snapshot().objects.find(({ ref }) => ref.kind === kind && ref.name === name);
  }

  #rows(): ReturnType<ConstructorParameters<typeof TopologyHub>[0]['store']['snapshot']> {
    if (this.bridges === undefined) return undefined;
    return { root: rootRow(), bridges: this.bridges, ports: this.ports, qos: new Map() };
  }

  #status(): AgentStatus {
    const attach = this.podsLookedMs === undefined ? undefined : ({ wallMs: this.podsLookedMs } as AttachStatus);
    return { conditions: this.conditions, chains: this.chains, attach } as AgentStatus;
  }

  #pods(): readonly PodFacts[] {
    // As the agent's own: made once for each look.
    if (this.#madeFrom !== this.podFacts) this.podReads += 1;
    this.#madeFrom = this.podFacts;
    return this.podFacts;
  }
}

/** What a reader has who applies everything that it is told; throws for anything that a reader must never see. */
export class TopologyReader {
  readonly objects = new Map<string, TopologyObject>();
  version: bigint;

  constructor(snapshot: TopologySnapshot) {
    this.version = snapshot.version;
    for (const object of snapshot.objects) this.objects.set(`${object.ref.kind} ${object.ref.name}`, object);
  }

  apply({ version, changed, removed }: TopologyDelta): void {
    if (version <= this.version) throw new Error(`version ${version} after ${this.version}`);
    const named = new Set<string>();
    for (const { kind, name } of [...removed, ...changed.map(({ ref }) => ref)]) {
      if (named.has(`${kind} ${name}`)) throw new Error(`${kind} ${name} twice in one delta`);
      named.add(`${kind} ${name}`);
    }
    for (const { kind, name } of removed) this.objects.delete(`${kind} ${name}`);
    for (const object of changed) {
      if (object.version <= this.version || object.version > version) throw new Error(`object of ${object.version}`);
      this.objects.set(`${object.ref.kind} ${object.ref.name}`, object);
    }
    this.version = version;
  }

  /** Whether it has exactly what the snapshot has. */
  equals({ version, objects }: TopologySnapshot): boolean {
    const isSame = ({ ref, ...rest }: TopologyObject): boolean =>
      this.objects.get(`${ref.kind} ${ref.name}`)?.version === rest.version &&
      this.objects.get(`${ref.kind} ${ref.name}`)?.facts === rest.facts;
    return this.version === version && this.objects.size === objects.length && objects.every(isSame);
  }
}
