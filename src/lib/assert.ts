/**
 * Assertions for our own bugs. A broken invariant stops the process at its cause: the agent is crash-only and rebuilds
 * its state from the world, so crashing is safe and carrying on is not. Never used for what a peer or a person sent.
 */

/** Thrown when an invariant of this program does not hold. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws AssertionError unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (condition !== true && !condition) throw new AssertionError(message);
}

/** The default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
