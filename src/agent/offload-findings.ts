/** What the supervisor of hardware offload finds, in the form that everything else that the agent finds has. Pure. */

import type { Finding } from '../model/condition.js';
import type { OffloadFinding } from '../offload/check.js';

/**
 * A finding of the status. It has no evidence of its own: what the sentence does not say of it already is put behind it.
 * Nobody claims what it is about.
 */
export function findingOf({ reason, subject, message, evidence, remedy }: OffloadFinding): Finding {
  const unsaid = Object.entries(evidence)
    .filter(([, value]) => value !== '' && !isSaid(message, value))
    .map(([name, value]) => `${name} ${value}`);
  const told = unsaid.length === 0 ? message : `${message} [${unsaid.join(', ')}]`;
  return { reason, object: { kind: subject.kind, name: subject.name }, message: told, claimants: [], remedy };
}

/** Whether the value stands in the sentence as a word or number of its own: 1 is not in 10, nor 0 in 0.5. */
function isSaid(message: string, value: string): boolean {
  for (let at = message.indexOf(value); at >= 0; at = message.indexOf(value, at + 1)) {
    const isInside = /[\w.]$/.test(message.slice(0, at)) || /^(?:\w|\.\d)/.test(message.slice(at + value.length));
    if (!isInside) return true;
  }
  return false;
}
