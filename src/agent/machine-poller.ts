/** Reads the machine under the switch again and again: files of the kernel often, tools seldom, and never more than their share. */

import type { Clock, Timer } from '../lib/clock.js';
import type { MachineQuickReading, MachineSlowReading } from '../offload/readings.js';
import type { MachineInspector } from './offload-ports.js';

export interface MachinePollerParts {
  readonly inspector: MachineInspector;
  readonly clock: Clock;
  /** Process id of ovs-vswitchd; undefined: not known. */
  readonly pid: () => number | undefined;
  /** Devices whose counters are wanted. */
  readonly devices: () => ReadonlySet<string>;
  readonly onQuick: (reading: MachineQuickReading) => void;
  readonly onSlow: (reading: MachineSlowReading) => void;
  readonly onBug: (error: unknown) => void;
}

const quickMs = 10_000;
const slowMs = 60_000;
/** A reading is followed by at least so many times its own length of rest: one of a thousand devices costs more than one of ten. */
const restFactor = 50;

export class MachinePoller {
  readonly #parts: MachinePollerParts;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;

  constructor(parts: MachinePollerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#loop().catch((error: unknown) => this.#parts.onBug(error));
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#wake();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { clock, inspector, pid, devices, onQuick, onSlow } = this.#parts;
    const { signal } = this.#abort;
    let [quickAtMs, slowAtMs] = [clock.nowMs(), clock.nowMs()];
    while (!signal.aborted) {
      const nowMs = clock.nowMs();
      if (nowMs >= quickAtMs) {
        const reading = await inspector.readQuick(pid(), devices(), signal);
        if (!signal.aborted) onQuick(reading);
        quickAtMs = clock.nowMs() + Math.max(quickMs, reading.cost.tookMs * restFactor);
      } else if (nowMs >= slowAtMs) {
        const reading = await inspector.readSlow(signal);
        if (!signal.aborted) onSlow(reading);
        slowAtMs = clock.nowMs() + Math.max(slowMs, reading.cost.tookMs * restFactor);
      } else await this.#sleep(Math.min(quickAtMs, slowAtMs) - nowMs);
    }
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer: Timer = this.#parts.clock.after(delayMs, () => this.#wake());
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
