/**
 * Follows a stream for as long as the person wants: when the agent restarts or the connection is lost, it is opened again, each
 * time from where it was. What cannot succeed later ends it.
 */

import { backoffMs, type BackoffTiming } from '../lib/backoff.js';
import { delay } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { CommandContext } from './command-context.js';

const timing: BackoffTiming = { baseMs: 500, capMs: 5_000 };

export interface FollowOptions<Message> {
  /** Opens the stream, from where it was. */
  readonly open: (signal: AbortSignal) => AsyncIterable<Message>;
  /** Takes one message; true ends the following. */
  readonly take: (message: Message) => boolean | Promise<boolean>;
  /** Whether an error that cannot be retried is one to start over with all the same; prepares `open` for that. */
  readonly startsOver?: (error: AgentError) => boolean;
  /** A stream has ended before its time. */
  readonly onLost?: () => void;
}

/**
 * Returns when `take` says so, or when the context's signal is aborted.
 * @throws AgentError that no second try can mend; the first error when nothing was ever received
 */
export async function follow<Message>(
  context: Pick<CommandContext, 'clock' | 'random' | 'signal' | 'warn'>,
  { open, take, startsOver = () => false, onLost }: FollowOptions<Message>,
): Promise<void> {
  const { signal } = context;
  const isOver = (): boolean => signal.aborted;
  let attempt = 0;
  let hasHeard = false;
  while (!isOver()) {
    try {
      for await (const message of open(signal)) {
        attempt = 0;
        hasHeard = true;
        if (await take(message)) return;
      }
    } catch (error) {
      if (isOver()) return;
      if (!(error instanceof AgentError)) throw error;
      const isNew = startsOver(error);
      if (!isNew && (!hasHeard || !error.canRetry)) throw error;
      if (!isNew && attempt === 0) context.warn(`dpuctl: ${safeText(error.message, 400)}; trying again\n`);
    }
    if (isOver()) return;
    onLost?.();
    const waitMs = Math.max(100, backoffMs(attempt, timing, context.random()));
    attempt += 1;
    try {
      await delay(context.clock, waitMs, signal);
    } catch (error) {
      if (!isOver()) throw error;
    }
  }
}
