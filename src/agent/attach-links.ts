/**
 * The links of the attachments' devices: hands changes to the kernel in batches, one at a time, beside the loop and never in
 * its way, and remembers what the kernel said until a newer reading of the devices shows it. Used by the loop of the
 * attachments, which asks for the same change until it is seen.
 */

import { backoffMs, type BackoffTiming } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';
import type { LinkChange, Netdev, NetdevMap } from '../model/netdev.js';
import { readingMsMax } from './attach-fresh.js';
import type { LinkSetter } from './attach-ports.js';

export interface AttachLinksParts {
  readonly links: LinkSetter;
  readonly clock: Clock;
  readonly random: () => number;
  /** Asks the loop for another look, no later than in so many ms. */
  readonly lookWithin: (delayMs: number) => void;
  readonly onBug: (error: unknown) => void;
}

/** Half of the wait after a refusal is fixed, half is drawn: from 1 to 2 s at first, from 30 to 60 s in the end. */
const restHalf: BackoffTiming = { baseMs: 1_000, capMs: 30_000 };
/** A refusal is known for so much longer than the rest, ms: it is still said while the kernel is asked again. */
const lingerMs = 10_000;

interface Refusal {
  readonly message: string;
  readonly change: LinkChange;
  /** What the device was like. */
  readonly asked: Netdev | undefined;
  readonly attempt: number;
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

  /** Why the kernel refused lately to switch the device on, or off; undefined when it did not. */
  refusal(device: string, isUp: boolean): string | undefined {
    const refusal = this.#refusals.get(device);
    if (refusal === undefined || refusal.change.isUp !== isUp) return undefined;
    return this.#parts.clock.nowMs() < refusal.untilMs + lingerMs ? refusal.message : undefined;
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
    for (const [name, { untilMs }] of this.#refusals) if (nowMs >= untilMs + lingerMs) this.#refusals.delete(name);
    const due = this.#wanted.filter((change) => (this.#refusalOf(change)?.untilMs ?? 0) <= nowMs);
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
    for (const change of due) {
      const message = refused.get(change.name);
      if (message === undefined) this.#confirm(change, devices.get(change.name));
      else this.#refuse(change, devices.get(change.name), message);
    }
    this.#merged = undefined;
    // Asked for while the kernel was at it: what it has just done, or refused, is not done twice.
    const done = new Map(due.map((change) => [change.name, change]));
    this.#wanted = this.#wanted.filter((wanted) => !isSameChange(done.get(wanted.name), wanted));
    this.#parts.lookWithin(0);
    // By then the devices have been read.
    this.#parts.lookWithin(readingMsMax + 1);
  }

  /** The refusal of this very change of the device as it is now: for another one it says nothing. */
  #refusalOf(change: LinkChange): Refusal | undefined {
    const refusal = this.#refusals.get(change.name);
    if (!isSameChange(refusal?.change, change)) return undefined;
    return isSameReading(refusal?.asked, this.#devices.get(change.name)) ? refusal : undefined;
  }

  #refuse(change: LinkChange, asked: Netdev | undefined, message: string): void {
    const { clock, random, lookWithin } = this.#parts;
    const before = this.#refusalOf(change);
    const attempt = before === undefined ? 0 : before.attempt + 1;
    const restMs = backoffMs(attempt, restHalf, 1) + backoffMs(attempt, restHalf, random());
    this.#refusals.set(change.name, { message, change, asked, attempt, untilMs: clock.nowMs() + restMs });
    lookWithin(restMs + 1);
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

function isSameReading(a: Netdev | undefined, b: Netdev | undefined): boolean {
  return a?.ifindex === b?.ifindex && a?.mtu === b?.mtu && a?.isUp === b?.isUp;
}
