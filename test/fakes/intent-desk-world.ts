/**
 * The desk of owners' intents with the rules of the configuration, a store in memory and a clock that stands still. Nothing
 * runs behind it: a test says what the loops saw.
 */

import { BundleIntents } from '../../src/adapters/bundle-intents.js';
import { OwnersDesk } from '../../src/agent/intent-desk.js';
import type {
  BundleViolation,
  IntentAnswer,
  IntentConflict,
  IntentPreview,
  IntentRequest,
  PlainBundle,
} from '../../src/agent/intent-desk-types.js';
import type { IntentAlarm, IntentRecord, IntentStore, Standing } from '../../src/agent/intent-ports.js';
import { Journal } from '../../src/agent/journal.js';
import type { AgentStatus } from '../../src/agent/status.js';
import { loadConfig } from '../../src/config/load.js';
import type { Condition, Finding } from '../../src/model/condition.js';
import type { Intents } from '../../src/model/intent.js';
import type { ChainIntent } from '../../src/model/chain.js';
import { ManualClock } from '../config/manual-clock.js';

/** A bundle of the parts that are given. */
export function bundle(parts: Partial<PlainBundle> = {}): PlainBundle {
  return { bridges: [], ports: [], chains: [], attachments: [], ...parts };
}

export class MemoryStore implements IntentStore {
  readonly records = new Map<string, IntentRecord>();
  /** Thrown instead of storing. */
  failure: Error | undefined;
  /** Another process has changed the records. */
  isChanged = false;
  isClaimed = false;

  reload(): readonly IntentRecord[] | undefined {
    if (!this.isChanged) return undefined;
    this.isChanged = false;
    return this.load();
  }

  claim(): Promise<void> {
    this.isClaimed = true;
    return Promise.resolve();
  }

  release(): Promise<void> {
    this.isClaimed = false;
    return Promise.resolve();
  }

  load(): readonly IntentRecord[] {
    return [...this.records.values()];
  }

  save(record: IntentRecord): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.records.set(record.owner, record);
    return Promise.resolve();
  }

  remove(owner: string): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.records.delete(owner);
    return Promise.resolve();
  }
}

export interface DeskOptions {
  /** Text of the configuration file. */
  readonly config?: string;
  readonly store?: MemoryStore;
  readonly alarms?: readonly IntentAlarm[];
  readonly lossMs?: number;
}

export class DeskWorld {
  readonly clock = new ManualClock();
  readonly journal = new Journal(1_000);
  readonly store: MemoryStore;
  readonly compiler: BundleIntents;
  readonly desk: OwnersDesk;
  /** What a preview was asked of. */
  readonly previewed: { readonly intents: Intents; readonly chains: readonly ChainIntent[] }[] = [];
  preview: IntentPreview | undefined;
  standing: Standing = 'writer';
  findings: readonly Finding[] = [];

  constructor({ config = '', store = new MemoryStore(), alarms = [], lossMs = 60_000 }: DeskOptions = {}) {
    this.store = store;
    this.compiler = new BundleIntents(loadConfig({ text: config }).config);
    this.desk = new OwnersDesk(
      {
        compiler: this.compiler,
        store,
        clock: this.clock,
        onJournal: (change) => void this.journal.add(change),
        preview: (intents, chains) => {
          this.previewed.push({ intents, chains });
          return this.preview;
        },
        standing: () => this.standing,
        nameOf: ({ name }) => name ?? 'found0',
        onFindings: (findings) => (this.findings = findings),
      },
      { controllerLossMs: lossMs, alarms, records: store.load() },
    );
    this.desk.start();
  }

  /** A new configuration is loaded. */
  reload(text: string): void {
    this.compiler.replace(loadConfig({ text }).config);
    this.desk.reload();
  }

  apply(
    request: Partial<Omit<IntentRequest, 'bundle'>> & { readonly bundle?: Partial<PlainBundle> },
  ): Promise<IntentAnswer> {
    const { bundle: parts, ...rest } = request;
    return this.desk.apply({
      owner: 'fleet-1',
      generation: 1n,
      idempotencyKey: '',
      isDryRun: false,
      actor: 'uid:0',
      ...rest,
      bundle: bundle(parts),
    });
  }

  /** What is wrong with the bundle; fails when it is something else. */
  async violations(parts: Partial<PlainBundle>, owner = 'fleet-1'): Promise<readonly BundleViolation[]> {
    const answer = await this.apply({ owner, generation: 99n, bundle: parts });
    if (answer.kind !== 'invalid') throw new Error(`the bundle is ${JSON.stringify(answer, bigintText)}`);
    return answer.violations;
  }

  async conflicts(parts: Partial<PlainBundle>, owner = 'fleet-1'): Promise<readonly IntentConflict[]> {
    const answer = await this.apply({ owner, generation: 99n, bundle: parts });
    if (answer.kind !== 'conflict') throw new Error(`the bundle is ${JSON.stringify(answer, bigintText)}`);
    return answer.conflicts;
  }

  /** The loops have looked with everything that is wanted now, and say this. */
  saw(conditions: readonly Condition[], findings: readonly Finding[] = []): void {
    this.desk.setStatus(this.statusOf(conditions, findings, this.desk.intents.revision));
  }

  statusOf(conditions: readonly Condition[], findings: readonly Finding[], intentsRevision: number): AgentStatus {
    return {
      wallMs: 5_000,
      oldestLookWallMs: 5_000,
      freshMs: 60_000,
      ovsdb: { kind: 'synced', endpoint: 'unix:/db.sock' },
      vswitchd: 'alive',
      repair: 'on',
      isReady: true,
      conditions,
      findings: [...findings, ...this.findings],
      pendingCount: 0,
      appliedRounds: 0,
      appliedActions: 0,
      journal: [],
      chains: [],
      attach: undefined,
      ovsRunDir: '/run/openvswitch',
      intentsRevision,
    };
  }
}

function bigintText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
