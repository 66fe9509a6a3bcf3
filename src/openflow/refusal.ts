/**
 * The error of a change that the switch refused, tied to the messages that caused it. Thrown by the client's changes and
 * bundles.
 */

import { AgentError } from '../lib/errors.js';
import type { ErrorMessage } from './wire/error-message.js';

/** One refused message: its place in the caller's list, and what the switch said. */
export interface Refusal {
  readonly index: number;
  readonly error: ErrorMessage;
}

/** The switch refused, and nothing of the change was applied. */
export class OpenFlowRefusal extends AgentError {
  override readonly name = 'OpenFlowRefusal';
  readonly refusals: readonly Refusal[];

  constructor(message: string, refusals: readonly Refusal[], reason: string) {
    super('OPENFLOW_REFUSED', message, { facts: { reason, refused: refusals.length, index: refusals[0]?.index } });
    this.refusals = refusals;
  }
}
