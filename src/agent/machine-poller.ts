/** Reads the machine under the switch again and again: files of the kernel often, tools seldom, and never more than their share. */

import type { Clock, Timer } from '../lib/clock.js';
import type { MachineQuickReading, MachineSlowReading } from '../offload/readings.js';
import { keepLooping } from './lasting-loop.js';
import type { MachineInspector } from './offload-ports.js';
import { StillCounters } from './still-counters.js';

export interface MachinePollerParts {
  readonly inspector: MachineInspector;
  readonly clock: Clock;
  /** Process id of ovs-vswitchd; undefined: not known. */
  readonly pid: () => number | undefined;
  /** Devices whose counters are wanted. */
  readonly devices: () => ReadonlySet<string>;
  /** Of what ovs-vswitchd has counted on its ports, another after each change; undefined: nobody knows. */
  readonly countMark: () => string | undefined;
  readonly onQuick: (reading: MachineQuickReading) => void;
  readonly onSlow: (reading: MachineSlowReading) => void;
  /** A reading has ended by a bug; the next is made after a while. */
  readonly onFailed: (name: 'machine' | 'tools', error: unknown) => void;
  readonly onBug: (error: unknown) => void;
}

const quickMs = 10_000;
/** Tools are processes, and what they tell changes seldom: asked as often as this, and half as often while they tell the same. */
const slowMs = 60_000;
const slowSameMs = 120_000;
/** A reading is followed by at least so many times its own length of rest: one of a thousand devices costs more than one of ten. */
const restFactor = 50;

export class MachinePoller {
  readonly #parts: MachinePollerParts;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #quickAtMs = -Infinity;
  #slowAtMs = -Infinity;
  readonly #still = new StillCounters();
  /** What the tools told last, as text, with the devices that there were. */
  #slowTold = '';

  constructor(parts: MachinePollerParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, onBug } = this.#parts;
    this.#running = keepLooping({
      ...{ clock, onBug, signal: this.#abort.signal },
      loop: () => this.#loop(),
      onCrash: () => undefined,
    });
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#wake();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { clock } = this.#parts;
    while (!this.#abort.signal.aborted) {
      const nowMs = clock.nowMs();
      const nextAtMs = Math.min(this.#quickAtMs, this.#slowAtMs);
      // What has been due for longer comes first: neither can keep the other from its turn.
      if (nowMs < nextAtMs) await this.#sleep(nextAtMs - nowMs);
      else await (this.#quickAtMs <= this.#slowAtMs ? this.#quick() : this.#slow());
    }
  }

  async #quick(): Promise<void> {
    const { clock, inspector, pid, devices, countMark, onQuick } = this.#parts;
    // Also one that fails is followed by a rest, so that the other kind gets its turn.
    this.#quickAtMs = clock.nowMs() + quickMs;
    await this.#try('machine', async (signal) => {
      const [names, mark, startMs] = [devices(), countMark(), clock.nowMs()];
      const kept = this.#still.at(mark, names, startMs);
      const read = await inspector.readQuick(pid(), kept === undefined ? names : undefined, signal);
      if (kept === undefined) this.#still.note(read.devices, mark, names, startMs);
      const reading = kept === undefined ? read : { ...read, devices: kept };
      this.#quickAtMs = clock.nowMs() + Math.max(quickMs, reading.cost.tookMs * restFactor);
      if (!signal.aborted) onQuick(reading);
    });
  }

  async #slow(): Promise<void> {
    const { clock, inspector, devices, onSlow } = this.#parts;
    this.#slowAtMs = clock.nowMs() + slowMs;
    await this.#try('tools', async (signal) => {
      const reading = await inspector.readSlow(signal);
      const told = toldBy(reading, devices());
      const restMs = told === this.#slowTold && !isSettingUp(reading) ? slowSameMs : slowMs;
      this.#slowTold = told;
      this.#slowAtMs = clock.nowMs() + Math.max(restMs, reading.cost.tookMs * restFactor);
      if (!signal.aborted) onSlow(reading);
    });
  }

  /** @throws what `read` throws, once it has been told */
  async #try(name: 'machine' | 'tools', read: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await read(this.#abort.signal);
    } catch (error) {
      this.#parts.onFailed(name, error);
      throw error;
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

/** Whether the platform still sets the card up: verdicts wait for its end. */
function isSettingUp({ platform }: MachineSlowReading): boolean {
  return platform.kind === 'known' && platform.value === 'running';
}

/** What the tools told, and of which devices, to be compared. */
function toldBy(
  { platform, eswitches, qdiscs, addresses, tcFlags }: MachineSlowReading,
  devices: ReadonlySet<string>,
): string {
  const inOrder = (_key: string, value: unknown): unknown =>
    value instanceof Map || value instanceof Set ? [...(value as ReadonlySet<unknown>)] : value;
  return JSON.stringify([platform, eswitches, qdiscs, addresses, tcFlags, devices], inOrder);
}
