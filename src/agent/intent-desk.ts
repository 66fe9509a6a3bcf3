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
import { compileAll } from './compile-all.js';
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
import { alarmFinding, contentsOf, contradictionFinding, summaryOf } from './intent-words.js';
import type {
  BundleCompiler,
  CompiledIntents,
  IntentAlarm,
  IntentRecord,
  IntentStore,
  OwnerIntents,
  Standing,
} from './intent-ports.js';
import {
  bundleText,
  checkRoom,
  isRepetition,
  objectsIn,
  requestViolations,
  type BundleSize,
  type BundleText,
} from './intent-request.js';
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
  /** Whether this agent is the one that writes: another one on the same database may be. */
  readonly standing: () => Standing;
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
  readonly size: BundleSize;
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
  /** Since the agent looked last, each owner's once: many ask for the same. */
  readonly #judged = new Map<string, { entry: Entry; wanted: OwnerIntents; status: IntentStatus }>();
  #alarms: readonly IntentAlarm[];
  #compiled: CompiledIntents;
  #status: AgentStatus | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isBusy = false;
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
      this.#entries.set(record.owner, { record, ...measured(record), revision: 1 });
      this.#presence.touch(record.owner);
    }
    this.#compiled = compileAll(compiler, this.list());
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

  /**
   * Who writes to the switch may be another than before. When it is this agent now, what the other has stored meanwhile is
   * what is in force: to be called before a loop plans.
   */
  standingChanged(): void {
    const standing = this.#parts.standing();
    if (standing === 'writer') this.#reread();
    if (standing === 'standby') void this.#inTurn(() => this.#stepBack()).catch(() => undefined);
  }

  /** Something that was stored could not be read. */
  alarm(alarm: IntentAlarm): void {
    this.#alarms = [...this.#alarms, alarm];
    this.#report();
  }

  /** The agent has looked again. */
  setStatus(status: AgentStatus): void {
    if (this.#parts.standing() === 'writer') this.#reread();
    this.#status = status;
    this.#judged.clear();
    this.#tell();
  }

  /** Resolves when the request under way is done; those that wait are refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#presence.close();
    await this.#queue;
    await this.#parts.store.release();
  }

  apply(request: IntentRequest): Promise<IntentAnswer> {
    const work = (): Promise<IntentAnswer> => this.#audited(request, (sinceMs) => this.#apply(request, sinceMs));
    return this.#inTurn(work, request.signal);
  }

  delete(owner: string, generation: bigint | undefined, actor: string, signal?: AbortSignal): Promise<boolean> {
    return this.#inTurn(() => this.#delete(owner, generation, actor), signal);
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
    const known = this.#judged.get(owner);
    if (known?.entry === entry && known.wanted === wanted) return known.status;
    const { record: stored, revision } = entry;
    const status = judgeIntent({ stored, wanted, revision, status: this.#status, nameOf: this.#parts.nameOf });
    this.#judged.set(owner, { entry, wanted, status });
    return status;
  }

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  present(owner: string): () => void {
    return this.#presence.hold(owner);
  }

  /** One request at a time, in the order in which they came. */
  #inTurn<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#waiting >= waitingMax) {
      return Promise.reject(new AgentError('API_LIMIT', `${waitingMax} requests of owners wait already`));
    }
    this.#waiting += 1;
    const turn = this.#queue.then(() => {
      this.#waiting -= 1;
      if (this.#isClosed) throw new AgentError('ABORTED', 'the agent ends');
      if (signal?.aborted === true) throw new AgentError('ABORTED', 'the caller has gone');
      this.#isBusy = true;
      return work().finally(() => (this.#isBusy = false));
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** What is to be changed is what is stored now, and nobody else changes it meanwhile. @throws AgentError */
  async #claim(): Promise<void> {
    if (this.#parts.standing() === 'standby') {
      await this.#stepBack();
      throw new AgentError('OVSDB_NOT_OWNER', 'another agent writes to this switch; this one stands by', {
        remedy: 'Ask the agent that is active, or ask again when this one has taken over.',
      });
    }
    await this.#parts.store.claim();
    this.#takeOver();
  }

  async #stepBack(): Promise<void> {
    if (this.#parts.standing() === 'standby') await this.#parts.store.release();
  }

  /** What a request is about to store is not read half-way. */
  #reread(): void {
    if (!this.#isBusy && !this.#isClosed) this.#takeOver();
  }

  /** Takes over what another process has stored. */
  #takeOver(): void {
    const records = this.#parts.store.reload();
    if (records === undefined) return;
    const before = new Map(this.#entries);
    this.#entries.clear();
    for (const record of records) {
      const known = before.get(record.owner);
      const measure = measured(record);
      const isSame = known?.digest === measure.digest && known.record.generation === record.generation;
      this.#entries.set(record.owner, isSame ? known : { record, ...measure, revision: this.intents.revision + 1 });
      before.delete(record.owner);
      if (!isSame) this.#presence.touch(record.owner);
      else if (known.record.idempotencyKey !== record.idempotencyKey)
        this.#entries.set(record.owner, { ...known, record });
    }
    for (const owner of before.keys()) this.#presence.forget(owner);
    this.#compile();
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
    if (!isDryRun) await this.#claim();
    const entry = this.#entries.get(owner);
    if (entry !== undefined && isRepetition(request, asked.digest, entry.record, entry.digest)) {
      if (!isDryRun) this.#presence.touch(owner);
      return this.#accepted(owner, isDryRun ? this.#preview(entry.record) : undefined, true);
    }
    if (entry === undefined && this.#entries.size >= ownersMax) {
      const remedy = 'Delete the intents of owners that are gone.';
      throw new AgentError('INTENT_LIMIT', `there are ${ownersMax} owners already`, { remedy });
    }
    const sizes = [...this.#entries].flatMap(([name, { size }]) => (name === owner ? [] : [size]));
    checkRoom(asked.size, sizes);
    const record = this.#recordOf(request, asked);
    const others = this.list().filter((other) => other.owner !== owner);
    const verdict = this.#parts.compiler.check(record, others);
    if (verdict.kind !== 'valid') return verdict;
    if (isDryRun) return this.#wouldBe(record);
    // First: what cannot be put in force must not be stored.
    const compiled = this.#parts.compiler.compile([...others, record]);
    await this.#parts.store.save(record);
    this.#take(record, asked, compiled);
    this.#audit.accepted(request.actor, summaryOf(request), contentsOf(record.bundle), sinceMs);
    return this.#accepted(owner, undefined, false);
  }

  /** A copy that nobody else holds. */
  #recordOf({ owner, generation, idempotencyKey, actor }: IntentRequest, { text }: BundleText): IntentRecord {
    const acceptedWallMs = this.#parts.clock.wallMs();
    const bundle = JSON.parse(text) as PlainBundle;
    return { owner, generation, idempotencyKey, actor: safeText(actor), acceptedWallMs, bundle };
  }

  #take(record: IntentRecord, { digest, size }: BundleText, compiled: CompiledIntents): void {
    const { owner } = record;
    this.#alarms = this.#alarms.filter((alarm) => alarm.owner !== owner);
    this.#entries.set(owner, { record, digest, size, revision: this.intents.revision + 1 });
    this.#presence.touch(owner);
    this.#putInForce(compiled);
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
    await this.#claim();
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
    this.#putInForce(compileAll(this.#parts.compiler, this.list()));
  }

  #putInForce(compiled: CompiledIntents): void {
    this.#compiled = compiled;
    this.#judged.clear();
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

function measured({ bundle }: IntentRecord): Pick<Entry, 'digest' | 'size'> {
  const text = canonicalText(bundle) ?? '';
  return { digest: digestOf(text), size: { bytes: Buffer.byteLength(text), objects: objectsIn(bundle) } };
}
