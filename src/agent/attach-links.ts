/**
 * The links of the attachments' devices: hands changes to the kernel in batches, one at a time, beside the loop and never in
 * its way, and remembers what the kernel said until a newer reading of the devices shows it. Used by the loop of the
 * attachments, which asks for the same change until it is seen.
 */

import type { Clock } from '../lib/clock.js';
import type { LinkChange, Netdev, NetdevMap } from '../model/netdev.js';
import { readingMsMax } from './attach-fresh.js';
import type { LinkSetter } from './attach-ports.js';

export interface AttachLinksParts {
  readonly links: LinkSetter;
  readonly clock: Clock;
  /** Asks the loop for another look, no later than in so many ms. */
  readonly lookWithin: (delayMs: number) => void;
  readonly onBug: (error: unknown) => void;
}

/** A link that the kernel refused to change is left alone for so long, ms. */
const restMs = 1_000;

interface Refusal {
  readonly message: string;
  readonly untilMs: number;
}

/** What the kernel has carried out and the devices may have been read before. */
interface Confirmed {
  readonly ifindex: number;
  readonly mtu: number | undefined;
  readonly isUp: boolean | undefined;
  readonly untilMs: number;
}

export class AttachLinks {
  readonly #parts: AttachLinksParts;
  readonly #abort = new AbortController();
  readonly #refusals = new Map<string, Refusal>();
  readonly #confirmed = new Map<string, Confirmed>();
  #devices: NetdevMap = new Map();
  /** What `observe` made of the devices last, until either changes. */
  #merged: NetdevMap | undefined;
  #wanted: readonly LinkChange[] = [];
  #running: Promise<void> | undefined;

  constructor(parts: AttachLinksParts) {
    this.#parts = parts;
  }

  /**
   * The devices with what the kernel has confirmed lately: a reading takes longer than a change, may have begun before it,
   * and is no more certain than the kernel's own answer.
   */
  observe(devices: NetdevMap): NetdevMap {
    const isForgotten = this.#forget(devices);
    if (devices !== this.#devices || isForgotten) this.#merged = undefined;
    this.#devices = devices;
    this.#merged ??= this.#merge();
    return this.#merged;
  }

  /** Everything that is to be changed now; what was asked for before and is missing here is not begun any more. */
  want(changes: readonly LinkChange[]): void {
    this.#wanted = changes;
    if (this.#running === undefined) this.#begin();
  }

  /** Why the kernel refused to change the device lately; undefined when it did not. */
  refusal(device: string): string | undefined {
    const refusal = this.#refusals.get(device);
    // It outlives the rest by as much, so that it is still said while the change is tried again.
    return refusal !== undefined && this.#parts.clock.nowMs() < refusal.untilMs + restMs ? refusal.message : undefined;
  }

  /** When something that was refused may be tried again, or a reading has to have come, ms from now. */
  nextLookMs(): number | undefined {
    const nowMs = this.#parts.clock.nowMs();
    const waits = [...this.#refusals.values(), ...this.#confirmed.values()].map(({ untilMs }) => untilMs - nowMs);
    const ahead = waits.filter((waitMs) => waitMs > 0);
    return ahead.length === 0 ? undefined : Math.min(...ahead);
  }

  /** Gives up what is under way and awaits it. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** What a reading says too, or is too long ago, or was another device, counts no more. */
  #forget(devices: NetdevMap): boolean {
    const nowMs = this.#parts.clock.nowMs();
    const countBefore = this.#confirmed.size;
    for (const [name, confirmed] of this.#confirmed) {
      const read = devices.get(name);
      const isOver =
        nowMs >= confirmed.untilMs || read?.ifindex !== confirmed.ifindex || isAsConfirmed(read, confirmed);
      if (isOver) this.#confirmed.delete(name);
    }
    return this.#confirmed.size < countBefore;
  }

  #merge(): NetdevMap {
    if (this.#confirmed.size === 0) return this.#devices;
    const merged = new Map(this.#devices);
    for (const [name, { mtu, isUp }] of this.#confirmed) {
      const read = merged.get(name);
      if (read !== undefined) merged.set(name, { ...read, mtu: mtu ?? read.mtu, isUp: isUp ?? read.isUp });
    }
    return merged;
  }

  #begin(): void {
    if (this.#abort.signal.aborted) return;
    const nowMs = this.#parts.clock.nowMs();
    for (const [name, { untilMs }] of this.#refusals) if (nowMs >= untilMs + restMs) this.#refusals.delete(name);
    const due = this.#wanted.filter(({ name }) => (this.#refusals.get(name)?.untilMs ?? 0) <= nowMs);
    this.#wanted = [];
    if (due.length === 0) return;
    this.#running = this.#apply(due)
      .catch((error: unknown) => this.#parts.onBug(error))
      .finally(() => {
        this.#running = undefined;
        this.#begin();
      });
  }

  async #apply(due: readonly LinkChange[]): Promise<void> {
    const devices = this.#devices;
    const refused = await this.#parts.links.apply(due, this.#abort.signal);
    const untilMs = this.#parts.clock.nowMs() + restMs;
    for (const change of due) {
      const message = refused.get(change.name);
      if (message === undefined) this.#confirm(change, devices.get(change.name));
      else this.#refusals.set(change.name, { message, untilMs });
    }
    this.#merged = undefined;
    // Asked for while the kernel was at it: what it has just done, or refused, is not done twice.
    const done = new Map(due.map((change) => [change.name, change]));
    this.#wanted = this.#wanted.filter((wanted) => !isSameChange(done.get(wanted.name), wanted));
    this.#parts.lookWithin(0);
    // By then the devices have been read.
    this.#parts.lookWithin(readingMsMax + 1);
    if (refused.size > 0) this.#parts.lookWithin(restMs + 1);
  }

  #confirm({ name, mtu, isUp }: LinkChange, asked: Netdev | undefined): void {
    this.#refusals.delete(name);
    const ifindex = this.#devices.get(name)?.ifindex;
    // Which device of the name it was is not known when there has been another meanwhile.
    if (ifindex === undefined || ifindex !== asked?.ifindex) return;
    const before = this.#confirmed.get(name);
    const untilMs = this.#parts.clock.nowMs() + readingMsMax;
    this.#confirmed.set(name, { ifindex, mtu: mtu ?? before?.mtu, isUp: isUp ?? before?.isUp, untilMs });
  }
}

function isAsConfirmed(read: Netdev, { mtu, isUp }: Confirmed): boolean {
  return (mtu === undefined || read.mtu === mtu) && (isUp === undefined || read.isUp === isUp);
}

function isSameChange(a: LinkChange | undefined, b: LinkChange): boolean {
  return a !== undefined && a.mtu === b.mtu && a.isUp === b.isUp;
}
