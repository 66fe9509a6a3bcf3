/**
 * Time as an argument. Pure code takes `nowMs`; the shells take a Clock, so that tests can drive them. The only place
 * that reads the process's clocks and sets its timers.
 */

/** A timer that has been set. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. */
  nowMs(): number;
  /** Milliseconds since 1970 UTC, for people only: it may jump. */
  wallMs(): number;
  /** Calls `callback` once after `delayMs`. The timer does not keep the process alive when `isBackground` is set. */
  after(delayMs: number, callback: () => void, isBackground?: boolean): Timer;
}

/** Node refuses longer timers (it would fire them at once). */
const delayMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback, isBackground = false) {
    const handle = setTimeout(callback, Math.min(Math.max(delayMs, 0), delayMsMax));
    if (isBackground) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it is aborted. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
