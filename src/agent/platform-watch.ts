/** What the platform does with the card, as it was seen last: while it sets it up, nobody else is to write. */

import type { Clock } from '../lib/clock.js';
import type { MachineSlowReading } from '../offload/readings.js';
import type { MachineInspector } from './offload-ports.js';

/** Nothing is written on an older look, ms. */
const ageMsMax = 5_000;

export class PlatformWatch {
  readonly #machine: Pick<MachineInspector, 'readPlatform'>;
  readonly #clock: Clock;
  #seen: { readonly value: MachineSlowReading['platform']; readonly atMs: number } | undefined;

  constructor(machine: Pick<MachineInspector, 'readPlatform'>, clock: Clock) {
    this.#machine = machine;
    this.#clock = clock;
  }

  /** Whether anybody has looked yet. */
  get isSeen(): boolean {
    return this.#seen !== undefined;
  }

  note({ platform, readAtMs }: Pick<MachineSlowReading, 'platform' | 'readAtMs'>): void {
    this.#seen = { value: platform, atMs: readAtMs };
  }

  /** Whether it leaves the card alone now: read anew where the last look is too old to write on. */
  async isCalm(signal: AbortSignal): Promise<boolean> {
    const startMs = this.#clock.nowMs();
    if (this.#seen === undefined || startMs - this.#seen.atMs > ageMsMax) {
      this.#seen = { value: await this.#machine.readPlatform(signal), atMs: startMs };
    }
    const { value } = this.#seen;
    return value.kind === 'unknown' || value.value !== 'running';
  }
}
