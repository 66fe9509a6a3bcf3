/** What the process costs: CPU, memory, descriptors, and how late its event loop is. Reads the kernel only in a scrape. */

import { readdir } from 'node:fs/promises';
import { monitorEventLoopDelay, performance, type IntervalHistogram } from 'node:perf_hooks';
import type { Clock, Timer } from '../lib/clock.js';
import { processMetrics } from './catalogue.js';
import type { Families } from './metric-spec.js';

/** Between two looks at how late the loop is, ms: often enough to see pauses of that length, at two wake-ups a second. */
const resolutionMs = 500;
/** The time that the figures of the event loop are about, ms. */
const windowMs = 30_000;

interface Lag {
  readonly meanMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** One per process; runs from its making to `close`. */
export class ProcessMetrics {
  readonly #clock: Clock;
  readonly #delay: IntervalHistogram;
  #timer: Timer | undefined;
  /** Of the last whole window. */
  #before: Lag | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#delay = monitorEventLoopDelay({ resolution: resolutionMs });
    this.#delay.enable();
    this.#wait();
  }

  async collect(families: Families): Promise<void> {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    families.put(processMetrics.cpu, {}, (user + system) / 1e6);
    families.put(processMetrics.start, {}, performance.timeOrigin / 1e3);
    families.put(processMetrics.resident, {}, rss);
    families.put(processMetrics.heap, {}, heapUsed);
    families.put(processMetrics.fds, {}, await openFiles());
    families.put(processMetrics.loopActive, {}, performance.eventLoopUtilization().active / 1e3);
    const now = this.#lag();
    if (now === undefined && this.#before === undefined) return;
    const lags = [now, this.#before].filter((lag) => lag !== undefined);
    const worst = (of: (lag: Lag) => number): number => Math.max(...lags.map(of)) / 1e3;
    families.put(
      processMetrics.loopLag,
      { stat: 'mean' },
      worst(({ meanMs }) => meanMs),
    );
    families.put(
      processMetrics.loopLag,
      { stat: 'p99' },
      worst(({ p99Ms }) => p99Ms),
    );
    families.put(
      processMetrics.loopLag,
      { stat: 'max' },
      worst(({ maxMs }) => maxMs),
    );
  }

  close(): void {
    this.#timer?.cancel();
    this.#delay.disable();
  }

  #wait(): void {
    this.#timer = this.#clock.after(
      windowMs,
      () => {
        this.#before = this.#lag();
        this.#delay.reset();
        this.#wait();
      },
      true,
    );
  }

  /** Undefined while nothing was measured. What the histogram holds are times between two ticks, the intended one included. */
  #lag(): Lag | undefined {
    const { count, mean, max } = this.#delay;
    if (count === 0) return undefined;
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolutionMs);
    return { meanMs: late(mean), p99Ms: late(this.#delay.percentile(99)), maxMs: late(max) };
  }
}

/** Undefined where there is no /proc. The directory that is read is one of them. */
async function openFiles(): Promise<number | undefined> {
  return readdir('/proc/self/fd').then(
    (names) => names.length - 1,
    () => undefined,
  );
}
