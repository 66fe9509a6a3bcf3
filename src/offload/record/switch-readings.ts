/** What was read of ovs-vswitchd on its control socket, of the one that runs. Pure state. */

import { known, unknown, type Fact } from '../../model/fact.js';
import type { CoverageFacts, InsertionFacts, OffloadFacts } from '../offload-facts.js';
import type { InsertionReading, SwitchQuickReading, SwitchSlowReading } from '../readings.js';
import { CounterTable } from './counter-growth.js';
import { LifeWatch } from './life-watch.js';
import { NewestReading } from './newest-reading.js';
import { SampleWindow } from './sample-window.js';

/** How often they are read, ms, while nothing is in trouble. */
const quickMs = 10_000;
const slowMs = 60_000;
/** Over which growth of counters, and of the backlog of insertion, is looked at, ms. */
const growthMs = 60_000;

/** What the readings tell. */
export type SwitchFacts = Pick<
  OffloadFacts,
  'coverage' | 'upcalls' | 'insertion' | 'providedPorts' | 'polledPorts' | 'datapaths' | 'heaps' | 'logLines'
>;

const ofFormerLife = 'ovs-vswitchd was restarted, and was not read since';
const readOnce = 'it was read once only since ovs-vswitchd started: growth takes two readings';

export class SwitchReadings {
  readonly life: LifeWatch;
  readonly quick = new NewestReading<SwitchQuickReading>(quickMs);
  readonly slow = new NewestReading<SwitchSlowReading>(slowMs);
  readonly #coverage = new CounterTable({ windowMs: growthMs, isAbsentZero: true });
  readonly #insertion = new SampleWindow<InsertionReading>(growthMs);

  /** @param residentWindowMs over which growth of memory is looked at, ms */
  constructor(residentWindowMs: number) {
    this.life = new LifeWatch(residentWindowMs);
  }

  /** `old`: it is of a life that has ended, and was left out. */
  noteQuick(reading: SwitchQuickReading): 'old' | 'same' | 'new' {
    const step = this.#noteLife(reading);
    if (step === 'old' || isLate(reading, this.quick.newest)) return 'old';
    this.quick.note(reading);
    const { coverage, insertion, readAtMs } = reading;
    if (coverage.kind === 'known') this.#coverage.add(readAtMs, coverage.value);
    if (insertion.kind === 'known' && insertion.value !== 'refused') this.#insertion.add(readAtMs, insertion.value);
    else this.#insertion.clear();
    return step;
  }

  /** As `noteQuick`. */
  noteSlow(reading: SwitchSlowReading): 'old' | 'same' | 'new' {
    const step = this.#noteLife(reading);
    if (step === 'old' || isLate(reading, this.slow.newest)) return 'old';
    this.slow.note(reading);
    return step;
  }

  noteNone(why: string, nowMs: number): void {
    this.life.noteNone(why, nowMs);
    this.#forget(why);
  }

  /** What was inserted, as told last; undefined: nobody tells, or too long ago. */
  insertion(nowMs: number): InsertionReading | undefined {
    const fact = this.quick.fresh(nowMs)?.insertion;
    return fact?.kind === 'known' && fact.value !== 'refused' ? fact.value : undefined;
  }

  facts(nowMs: number): SwitchFacts {
    const { quick, slow } = this;
    return {
      coverage: quick.fact(nowMs, ({ coverage }) => this.#coverageFacts(coverage)),
      upcalls: quick.fact(nowMs, ({ upcalls }) => upcalls),
      insertion: quick.fact(nowMs, ({ insertion }) => this.#insertionFacts(insertion)),
      providedPorts: slow.fact(nowMs, ({ providerByPort }) => mapFact(providerByPort, namesOf)),
      polledPorts: slow.fact(nowMs, ({ polledPorts }) => polledPorts),
      datapaths: slow.fact(nowMs, ({ datapaths }) => datapaths),
      heaps: slow.fact(nowMs, ({ heaps }) => heaps),
      logLines: slow.fact(nowMs, ({ logLines }) => logLines),
    };
  }

  #noteLife(reading: SwitchQuickReading | SwitchSlowReading): 'old' | 'same' | 'new' {
    const step = this.life.note(reading);
    if (step === 'new') this.#forget(ofFormerLife);
    return step;
  }

  #forget(why: string): void {
    this.quick.forget(why);
    this.slow.forget(why);
    this.#coverage.clear();
    this.#insertion.clear();
  }

  #coverageFacts(newest: SwitchQuickReading['coverage']): Fact<CoverageFacts> {
    if (newest.kind === 'unknown') return newest;
    const growth = this.#coverage.read();
    return growth === undefined ? unknown(readOnce) : known(growth);
  }

  #insertionFacts(newest: SwitchQuickReading['insertion']): Fact<InsertionFacts> {
    if (newest.kind === 'unknown') return newest;
    if (newest.value === 'refused') return unknown('ovs-vswitchd refuses to tell, as it does while offload is off');
    const span = this.#insertion.span();
    if (span === undefined) return unknown(readOnce);
    return known({
      windowMs: span.spanMs,
      enqueued: span.newest.enqueued,
      enqueuedBefore: span.oldest.enqueued,
      inserted: span.newest.inserted,
      insertedBefore: span.oldest.inserted,
    });
  }
}

function isLate(reading: { readonly readAtMs: number }, newest: { readonly readAtMs: number } | undefined): boolean {
  return newest !== undefined && reading.readAtMs < newest.readAtMs;
}

/** Made once for each reading. */
const names = new WeakMap<ReadonlyMap<string, string>, ReadonlySet<string>>();

function namesOf(map: ReadonlyMap<string, string>): ReadonlySet<string> {
  const made = names.get(map) ?? new Set(map.keys());
  names.set(map, made);
  return made;
}

/** The fact with its value changed, if it is known. */
function mapFact<T, V>(fact: Fact<T>, change: (value: T) => V): Fact<V> {
  return fact.kind === 'known' ? known(change(fact.value)) : fact;
}
