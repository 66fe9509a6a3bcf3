/**
 * Keeps a loop going that is to run for as long as the agent does: after a bug it is started again, ever more slowly, and the bug is
 * told once and not with each try. Decides nothing about what the loop does.
 */

import { delay, type Clock } from '../lib/clock.js';
import { toError } from '../lib/errors.js';

export interface LastingLoopParts {
  readonly clock: Clock;
  /** Ends when it is told to by `signal`; what it throws is a bug. */
  readonly loop: () => Promise<void>;
  readonly signal: AbortSignal;
  /** A bug has ended the loop, which starts again after a while. */
  readonly onCrash: (error: unknown) => void;
  /** The same words are told once an hour at most. */
  readonly onBug: (error: unknown) => void;
}

/** The first wait, ms; each crash doubles it. */
const baseMs = 1_000;
/** No wait is longer, ms: what else the loop does is not to get old for one thing that crashes. */
const capMs = 10_000;
/** A loop that has run for so long is well again, ms. */
const calmMs = 600_000;
/** Between two tellings of the same bug, ms. */
const sameBugMs = 3_600_000;
/** Different bugs that are remembered; beyond those all are forgotten. */
const bugsMax = 16;

/** Resolves when the loop has ended by itself or by the signal. Rejects with what `onBug` throws, and for nothing else. */
export async function keepLooping({ clock, loop, signal, onCrash, onBug }: LastingLoopParts): Promise<void> {
  const told = new Map<string, number>();
  const tell = (error: unknown): void => {
    const words = toError(error).message;
    const nowMs = clock.nowMs();
    if (nowMs - (told.get(words) ?? -Infinity) < sameBugMs) return;
    if (told.size >= bugsMax) told.clear();
    told.set(words, nowMs);
    onBug(error);
  };
  for (let crashes = 0; !signal.aborted; crashes += 1) {
    const startMs = clock.nowMs();
    try {
      await loop();
      return;
    } catch (error) {
      const second = crashOf(() => onCrash(error));
      tell(error);
      if (second !== undefined) tell(second);
    }
    if (clock.nowMs() - startMs >= calmMs) crashes = 0;
    // Rejects when the loop is to end, which the condition above sees.
    await delay(clock, Math.min(capMs, baseMs * 2 ** Math.min(crashes, 10)), signal).catch(() => undefined);
  }
}

function crashOf(run: () => void): Error | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return toError(error);
  }
}
