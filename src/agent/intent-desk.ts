/**
 * The desk at which owners hand in bundles: one request at a time is checked against everybody else's, stored, and put in
 * force as a whole. What the loops then make of it is judged by their status; the desk itself changes nothing in the switch.
 */

import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { ChainIntent } from '../model/chain.js';
import type { Finding } from '../model/condition.js';
import type { Intents, PortIntent } from '../model/intent.js';
import { AllIntents, combine } from './all-intents.js';
import type {
  IntentAnswer,
  IntentDesk,
  IntentPreview,
  IntentRequest,
  IntentStatus,
  PlainBundle,
  StoredIntent,
} from './intent-desk-types.js';
import { IntentAudit } from './intent-audit.js';
import { canonicalText, digestOf } from './intent-digest.js';
import type { BundleCompiler, CompiledIntents, IntentAlarm, IntentRecord, IntentStore } from './intent-ports.js';
import { bundleText, isRepetition, requestViolations, type BundleText } from './intent-request.js';
import { judgeIntent } from './intent-status.js';
import type { JournalChange } from './journal.js';
import type { Unsubscribe } from './ports.js';
import { Presence } from './presence.js';
import type { AgentStatus } from './status.js';

export interface IntentDeskParts {
  readonly compiler: BundleCompiler;
  readonly store: IntentStore;
  readonly clock: Clock;
  readonly onJournal: (change: JournalChange) => void;
  /** What these would change if they were all that is wanted; undefined while nobody can say. */
  readonly preview: (intents: Intents, chains: readonly ChainIntent[]) => IntentPreview | undefined;
  /** The name under which a port is judged. */
  readonly nameOf: (port: PortIntent) => string;
  /** Told of what is to be reported of owners' intents. */
  readonly onFindings: (findings: readonly Finding[]) => void;
}

export interface IntentDeskOptions {
  /** How long the controller of an owner may be away before its chains are told, ms. */
  readonly controllerLossMs: number;
  /** What was wrong when the stored bundles were read. */
  readonly alarms: readonly IntentAlarm[];
  /** What was stored. */
  readonly records: readonly IntentRecord[];
}

/** Owners with a bundle at a time. */
export const ownersMax = 64;
/** Requests that wait for their turn; each holds a bundle in memory. */
const waitingMax = 64;

interface Entry {
  readonly record: IntentRecord;
  readonly digest: string;
  /** Since when it is in force, by the count of `AllIntents`. */
  readonly revision: number;
}

export class OwnersDesk implements IntentDesk {
  /** What is wanted by everybody, for the loops. */
  readonly intents: AllIntents;
  readonly #parts: IntentDeskParts;
  readonly #presence: Presence;
  readonly #audit: IntentAudit;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<() => void>();
  #alarms: readonly IntentAlarm[];
  #compiled: CompiledIntents;
  #status: AgentStatus | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;

  constructor(parts: IntentDeskParts, { controllerLossMs, alarms, records }: IntentDeskOptions) {
    const { clock, compiler, onJournal } = parts;
    this.#parts = parts;
    this.#alarms = alarms;
    this.#audit = new IntentAudit({ clock, note: onJournal });
    this.#presence = new Presence({
      clock,
      lossMs: controllerLossMs,
      isKnown: (owner) => this.#entries.has(owner),
      onChange: () => this.#attend(),
    });
    for (const record of records) {
      const digest = digestOf(canonicalText(record.bundle) ?? '');
      this.#entries.set(record.owner, { record, digest, revision: 1 });
      this.#presence.touch(record.owner);
    }
    this.#compiled = compiler.compile(this.list());
    this.intents = new AllIntents(this.#compiled);
  }

  /** Tells for the first time what is to be reported. */
  start(): void {
    this.#report();
  }

  /** The configuration has become another: everything is compiled anew. */
  reload(): void {
    this.#compile();
  }

  /** The agent has looked again. */
  setStatus(status: AgentStatus): void {
    this.#status = status;
    this.#tell();
  }

  /** Resolves when the request under way is done; those that wait are refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#presence.close();
    await this.#queue;
  }

  apply(request: IntentRequest): Promise<IntentAnswer> {
    return this.#inTurn(() => this.#audited(request, (sinceMs) => this.#apply(request, sinceMs)));
  }

  delete(owner: string, generation: bigint | undefined, actor: string): Promise<boolean> {
    return this.#inTurn(() => this.#delete(owner, generation, actor));
  }

  list(): readonly IntentRecord[] {
    const records = [...this.#entries.values()].map(({ record }) => record);
    return records.sort((a, b) => (a.owner < b.owner ? -1 : 1));
  }

  get(owner: string): StoredIntent | undefined {
    return this.#entries.get(owner)?.record;
  }

  status(owner: string): IntentStatus | undefined {
    const entry = this.#entries.get(owner);
    const wanted = this.#compiled.owners.get(owner);
    if (entry === undefined || wanted === undefined) return undefined;
    const { record: stored, revision } = entry;
    return judgeIntent({ stored, wanted, revision, status: this.#status, nameOf: this.#parts.nameOf });
  }

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  present(owner: string): () => void {
    return this.#presence.hold(owner);
  }

  /** One request at a time, in the order in which they came. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= waitingMax) {
      return Promise.reject(new AgentError('API_LIMIT', `${waitingMax} requests of owners wait already`));
    }
    this.#waiting += 1;
    const turn = this.#queue.then(() => {
      this.#waiting -= 1;
      if (this.#isClosed) throw new AgentError('ABORTED', 'the agent ends');
      return work();
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #audited(request: IntentRequest, work: (sinceMs: number) => Promise<IntentAnswer>): Promise<IntentAnswer> {
    const sinceMs = this.#parts.clock.nowMs();
    const refuse = (details: readonly string[], message: string): void => {
      if (!request.isDryRun) this.#audit.refused(request.actor, summaryOf(request), details, message, sinceMs);
    };
    try {
      const answer = await work(sinceMs);
      if (answer.kind === 'invalid') {
        const lines = answer.violations.map(({ field, message }) => `${field}: ${message}`);
        refuse(lines, `INTENT_INVALID: ${lines.length} violation(s)`);
      } else if (answer.kind === 'conflict') {
        const lines = answer.conflicts.map(({ field, message }) => `${field}: ${message}`);
        refuse(lines, `INTENT_CONFLICT: ${lines.length} conflict(s)`);
      }
      return answer;
    } catch (error) {
      if (error instanceof AgentError) refuse([], `${error.code}: ${error.message}`);
      throw error;
    }
  }

  async #apply(request: IntentRequest, sinceMs: number): Promise<IntentAnswer> {
    const { owner, bundle, isDryRun } = request;
    const violations = requestViolations(request);
    if (violations.length > 0) return { kind: 'invalid', violations };
    const asked = bundleText(bundle);
    if (asked === undefined) {
      const message = 'the bundle is no plain data, or is nested too deeply';
      return { kind: 'invalid', violations: [{ field: '$', message, remedy: undefined }] };
    }
    const entry = this.#entries.get(owner);
    if (entry !== undefined && isRepetition(request, asked.digest, entry.record, entry.digest)) {
      this.#presence.touch(owner);
      return this.#accepted(owner, isDryRun ? this.#preview(entry.record) : undefined, true);
    }
    if (entry === undefined && this.#entries.size >= ownersMax) {
      const remedy = 'Delete the intents of owners that are gone.';
      throw new AgentError('INTENT_LIMIT', `there are ${ownersMax} owners already`, { remedy });
    }
    const record = this.#recordOf(request, asked);
    const others = this.list().filter((other) => other.owner !== owner);
    const verdict = this.#parts.compiler.check(record, others);
    if (verdict.kind !== 'valid') return verdict;
    if (isDryRun) return this.#wouldBe(record);
    await this.#parts.store.save(record);
    this.#take(record, asked.digest);
    this.#audit.accepted(request.actor, summaryOf(request), contentsOf(record.bundle), sinceMs);
    return this.#accepted(owner, undefined, false);
  }

  /** A copy that nobody else holds. */
  #recordOf({ owner, generation, idempotencyKey, actor }: IntentRequest, { text }: BundleText): IntentRecord {
    const acceptedWallMs = this.#parts.clock.wallMs();
    const bundle = JSON.parse(text) as PlainBundle;
    return { owner, generation, idempotencyKey, actor: safeText(actor), acceptedWallMs, bundle };
  }

  #take(record: IntentRecord, digest: string): void {
    const { owner } = record;
    this.#alarms = this.#alarms.filter((alarm) => alarm.owner !== owner);
    this.#entries.set(owner, { record, digest, revision: this.intents.revision + 1 });
    this.#presence.touch(owner);
    this.#compile();
  }

  #accepted(owner: string, preview: IntentPreview | undefined, isRepeated: boolean): IntentAnswer {
    const status = this.status(owner);
    if (status === undefined) throw new AgentError('NOT_FOUND', `owner ${owner} has no bundle`);
    return { kind: 'accepted', status, preview, isRepeated };
  }

  #wouldBe(record: IntentRecord): IntentAnswer {
    const { owner, generation, acceptedWallMs: wallMs } = record;
    const status: IntentStatus = { owner, generation, phase: 'accepted', conditions: [], findings: [], wallMs };
    return { kind: 'accepted', status, preview: this.#preview(record), isRepeated: false };
  }

  #preview(record: IntentRecord): IntentPreview | undefined {
    const others = this.list().filter(({ owner }) => owner !== record.owner);
    const { intents, chains } = combine(this.#parts.compiler.compile([...others, record]));
    return this.#parts.preview(intents, chains);
  }

  async #delete(owner: string, generation: bigint | undefined, actor: string): Promise<boolean> {
    const sinceMs = this.#parts.clock.nowMs();
    const record = this.#entries.get(owner)?.record;
    if (record === undefined) return false;
    const summary = `delete intents of ${owner}, generation ${record.generation}`;
    try {
      if (generation !== undefined && generation !== record.generation) {
        const message = `generation ${record.generation} of ${owner} is in force, not ${generation}`;
        const facts = { owner, generation, inForce: record.generation };
        throw new AgentError('INTENT_GENERATION', message, { facts, remedy: 'Read what is in force.' });
      }
      await this.#parts.store.remove(owner);
    } catch (error) {
      if (error instanceof AgentError)
        this.#audit.refused(actor, summary, [], `${error.code}: ${error.message}`, sinceMs);
      throw error;
    }
    this.#entries.delete(owner);
    this.#alarms = this.#alarms.filter((alarm) => alarm.owner !== owner);
    this.#presence.forget(owner);
    this.#compile();
    this.#audit.accepted(actor, summary, contentsOf(record.bundle), sinceMs);
    return true;
  }

  #compile(): void {
    this.#compiled = this.#parts.compiler.compile(this.list());
    this.intents.replace(this.#compiled);
    this.#attend();
    this.#report();
    this.#tell();
  }

  /** Which chains have lost their controller. */
  #attend(): void {
    const lost = [...this.#compiled.owners].filter(([owner]) => this.#presence.isLost(owner));
    const names = lost.flatMap(([, { chains }]) => chains.map(({ name }) => name));
    this.intents.setUnattended(new Set(names));
  }

  #report(): void {
    const damaged = this.#alarms.map(alarmFinding);
    const contradicted = [...this.#compiled.owners].flatMap(([owner, { contradictions }]) =>
      contradictions.map((message) => contradictionFinding(owner, message)),
    );
    this.#parts.onFindings([...damaged, ...contradicted]);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function summaryOf({ owner, generation }: IntentRequest): string {
  return `apply intents of ${safeText(owner, 80)}, generation ${generation}`;
}

/** `3 bridges`, `1 chain`. */
function contentsOf({ bridges, ports, chains, attachments }: PlainBundle): readonly string[] {
  const parts = Object.entries({ bridge: bridges, port: ports, chain: chains, attachment: attachments });
  return parts
    .filter(([, list]) => list.length > 0)
    .map(([noun, list]) => `${list.length} ${noun}${list.length === 1 ? '' : 's'}`);
}

function alarmFinding({ owner, error }: IntentAlarm): Finding {
  return {
    reason: 'IntentStoreDamaged',
    object: { kind: 'intent', name: owner ?? '*' },
    message: safeText(error.message, 500),
    claimants: owner === undefined ? [] : [`controller ${owner}`],
    remedy: error.remedy ?? 'Have the controller hand its bundle in again, and look at the disk.',
  };
}

function contradictionFinding(owner: string, message: string): Finding {
  return {
    reason: 'IntentContradicted',
    object: { kind: 'intent', name: owner },
    message,
    claimants: [`controller ${owner}`],
    remedy: 'Take it out of the bundle or out of the configuration, and hand the bundle in again.',
  };
}
