/** A desk of intents in memory: accepts what it is told to accept, and counts who is present. */
import type {
  IntentAnswer,
  IntentDesk,
  IntentRequest,
  IntentStatus,
  StoredIntent,
} from '../../src/agent/intent-desk-types.js';
import { AgentError } from '../../src/lib/errors.js';

const wallMs = 1_700_000_000_000;

export class FakeIntentDesk implements IntentDesk {
  readonly requests: IntentRequest[] = [];
  readonly stored = new Map<string, StoredIntent>();
  readonly statuses = new Map<string, IntentStatus>();
  /** How often each owner is held present now. */
  readonly presences = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  /** Instead of accepting. */
  answer: IntentAnswer | undefined;

  apply(request: IntentRequest): Promise<IntentAnswer> {
    this.requests.push(request);
    if (this.answer !== undefined) return Promise.resolve(this.answer);
    const { owner, generation, bundle, actor, isDryRun } = request;
    const held = this.stored.get(owner);
    const isRepeated = held?.generation === generation;
    if (isRepeated && JSON.stringify(held.bundle) !== JSON.stringify(bundle)) {
      return Promise.reject(new AgentError('INTENT_GENERATION', `generation ${generation} has other content`));
    }
    const status: IntentStatus = { owner, generation, phase: 'accepted', conditions: [], findings: [], wallMs };
    const preview = {
      changes: isRepeated ? [] : bundle.bridges.map((bridge) => changeOf((bridge as { name: string }).name)),
      flowChanges: [],
      findings: [],
    };
    if (isDryRun) return Promise.resolve({ kind: 'accepted', status, preview, isRepeated });
    this.stored.set(owner, { owner, generation, acceptedWallMs: wallMs, actor, bundle });
    this.show(status);
    return Promise.resolve({ kind: 'accepted', status, preview: undefined, isRepeated });
  }

  delete(owner: string, generation: bigint | undefined): Promise<boolean> {
    const held = this.stored.get(owner);
    if (held !== undefined && generation !== undefined && held.generation !== generation) {
      return Promise.reject(new AgentError('INTENT_GENERATION', `generation ${held.generation} is in force`));
    }
    this.statuses.delete(owner);
    const wasPresent = this.stored.delete(owner);
    this.#ring();
    return Promise.resolve(wasPresent);
  }

  list(): readonly StoredIntent[] {
    return [...this.stored.values()].sort((a, b) => (a.owner < b.owner ? -1 : 1));
  }

  get(owner: string): StoredIntent | undefined {
    return this.stored.get(owner);
  }

  status(owner: string): IntentStatus | undefined {
    return this.statuses.get(owner);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  present(owner: string): () => void {
    this.presences.set(owner, (this.presences.get(owner) ?? 0) + 1);
    return () => this.presences.set(owner, (this.presences.get(owner) ?? 0) - 1);
  }

  /** How many listen for changes. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Puts a status in the place of the owner's, and tells the listeners. */
  show(status: IntentStatus): void {
    this.statuses.set(status.owner, status);
    this.#ring();
  }

  #ring(): void {
    for (const listener of this.#listeners) listener();
  }
}

function changeOf(name: string) {
  return {
    object: { kind: 'bridge', name } as const,
    summary: `create bridge ${name}`,
    differences: ['fail_mode: secure'],
    loss: undefined,
  };
}
