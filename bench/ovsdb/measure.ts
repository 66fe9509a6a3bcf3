/** What the children of the bench share: the clock, the memory, the longest pause of the event loop, the report. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import process from 'node:process';

export interface Report {
  readonly [name: string]: number;
}

/** Hands the figures to the parent: the last line of the output. */
export function report(figures: Report): void {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

/** The argument of the child: `name=value` pairs. */
export function argument(name: string): string {
  const found = process.argv.find((text) => text.startsWith(`${name}=`));
  if (found === undefined) throw new Error(`missing argument ${name}`);
  return found.slice(name.length + 1);
}

/** Milliseconds of wall and processor time since it was made, and how long the event loop stood still at most. */
export class Stopwatch {
  readonly #start = performance.now();
  readonly #cpu = process.cpuUsage();
  readonly #delay = monitorEventLoopDelay({ resolution: 1 });

  constructor() {
    this.#delay.enable();
  }

  stop(): { readonly ms: number; readonly cpuMs: number; readonly blockMsMax: number } {
    this.#delay.disable();
    const { user, system } = process.cpuUsage(this.#cpu);
    // A timer of 1 ms fires after 1 ms on an idle loop; what is more is delay.
    const blockMsMax = Math.max(0, this.#delay.max / 1e6 - 1);
    return { ms: performance.now() - this.#start, cpuMs: (user + system) / 1000, blockMsMax };
  }
}

/** The resident set after garbage was collected (run with --expose-gc). */
export function restingRss(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  return process.memoryUsage().rss;
}
