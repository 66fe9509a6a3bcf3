/** What a check of offload is and how it answers. Types and short forms. */

import type { Fact } from '../model/fact.js';
import type { Reason } from '../model/reasons.js';
import { safeText } from '../lib/text.js';
import type { OffloadFacts, OffloadLimits } from './offload-facts.js';

/** A time in a sentence. */
export const seconds = (ms: number): number => Math.round(ms / 1_000);

/** What a finding is about. */
export interface OffloadSubject {
  readonly kind: 'node' | 'vswitchd' | 'setting' | 'bridge' | 'port' | 'device' | 'datapath' | 'table';
  /** Empty for the node and for ovs-vswitchd. */
  readonly name: string;
}

/** Something that is wrong with offload. The agent repairs nothing of it by itself. */
export interface OffloadFinding {
  readonly reason: Reason;
  readonly subject: OffloadSubject;
  /** One sentence with the values that matter; foreign text in it is escaped and bounded. */
  readonly message: string;
  /** What was seen, by name. */
  readonly evidence: Readonly<Record<string, string>>;
  /** What a person can do without harm. */
  readonly remedy: string;
}

export type CheckOutcome =
  | { readonly kind: 'clear' }
  | { readonly kind: 'found'; readonly findings: readonly OffloadFinding[] }
  /** A fact is missing, or there is nothing that the check could be about. */
  | { readonly kind: 'notTestable'; readonly why: string };

export interface OffloadCheck {
  /** Stable name, in words with hyphens. */
  readonly name: string;
  /** Reasons that it can give. */
  readonly reasons: readonly Reason[];
  readonly run: (facts: OffloadFacts, limits: OffloadLimits) => CheckOutcome;
}

export const clear: CheckOutcome = { kind: 'clear' };
export const notTestable = (why: string): CheckOutcome => ({ kind: 'notTestable', why });
/** Found when there is anything, else clear. */
export const foundAny = (findings: readonly OffloadFinding[]): CheckOutcome =>
  findings.length === 0 ? clear : { kind: 'found', findings };
export const found = (finding: OffloadFinding): CheckOutcome => ({ kind: 'found', findings: [finding] });

export const node: OffloadSubject = { kind: 'node', name: '' };
export const vswitchd: OffloadSubject = { kind: 'vswitchd', name: '' };
export const port = (name: string): OffloadSubject => ({ kind: 'port', name });
export const device = (name: string): OffloadSubject => ({ kind: 'device', name });

type Values<T extends readonly Fact<unknown>[]> = {
  readonly [K in keyof T]: T[K] extends Fact<infer V> ? V : never;
};

/** Judges facts that are all known; else the check cannot be made, for the reason of the first that is not. */
export function given<const T extends readonly Fact<unknown>[]>(
  facts: T,
  judge: (...values: Values<T>) => CheckOutcome,
): CheckOutcome {
  const values: unknown[] = [];
  for (const fact of facts) {
    if (fact.kind === 'unknown') return notTestable(fact.why);
    values.push(fact.value);
  }
  return judge(...(values as unknown as Values<T>));
}

/** Evidence with foreign text made safe; what is undefined is left out. */
export function evidenceOf(
  entries: Readonly<Record<string, string | number | boolean | undefined>>,
): Readonly<Record<string, string>> {
  const shown = Object.entries(entries).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, safeText(String(value))] as const],
  );
  return Object.fromEntries(shown);
}

/** `a, b and 3 more`; names are escaped. */
export function listed(names: readonly string[], countMax = 5): string {
  const shown = names.slice(0, countMax).map((name) => safeText(name, 64));
  const more = names.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
