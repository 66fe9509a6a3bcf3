/** How what is said of one rung is made: texts safe and bounded, values that are not there left out. Pure. */

import { safeText } from '../lib/text.js';
import type { Diagnosis, RungLook } from './ladder.js';

/** Values by name; what is undefined or empty is left out. */
export type RungValues = Readonly<Record<string, string | number | undefined>>;
/** When it was seen, or since when it is so. */
export type RungWhen = Partial<Pick<RungLook, 'wallMs' | 'when'>>;

/** What is said of a rung; texts are made safe and bounded. */
export function look(
  state: RungLook['state'],
  seen: string,
  values: RungValues,
  when: RungWhen,
  diagnosis?: Diagnosis,
): RungLook {
  const known = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  return {
    state,
    seen: safeText(seen, 400),
    values: Object.fromEntries(known.map(([key, value]) => [key, safeText(String(value), 400)])),
    wallMs: when.wallMs,
    when: when.when ?? 'seen',
    diagnosis,
  };
}

/** A rung that is broken by what `why` itself has found. */
export function broken(
  seen: string,
  values: RungValues,
  when: RungWhen,
  diagnosis: Omit<Diagnosis, 'reason'>,
): RungLook {
  return look('broken', seen, values, when, { reason: undefined, ...diagnosis });
}

/** A rung that nobody looked at, for one below it is broken. */
export const skipped: RungLook = {
  state: 'skipped',
  seen: '',
  values: {},
  wallMs: undefined,
  when: 'seen',
  diagnosis: undefined,
};
