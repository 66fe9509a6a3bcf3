/**
 * Which ports of the attachments got their numbers so lately that the devices may have been read before that. Used by the
 * loop of the attachments: what such a reading says of Open vSwitch's hold on a device is no evidence.
 */

import type { ObservedPort } from '../model/observed.js';
import { mainInterface } from '../plan/own-rows.js';

/**
 * A reading of the devices is not older than this, ms. With hundreds of devices, on a busy machine, a look takes hundreds of
 * milliseconds and is followed by a rest of three times as long.
 */
export const readingMsMax = 3_000;

export class FreshPorts {
  /** When its number was first seen, by name; undefined: not yet. */
  readonly #since = new Map<string, number | undefined>();

  /** Ports that were just made. */
  note(names: Iterable<string>): void {
    for (const name of names) this.#since.set(name, undefined);
  }

  /** Those that are fresh in this look. */
  see(ports: ReadonlyMap<string, ObservedPort>, nowMs: number): ReadonlySet<string> {
    for (const [name, sinceMs] of this.#since) {
      const port = ports.get(name);
      if (port === undefined || (sinceMs !== undefined && nowMs - sinceMs >= readingMsMax)) this.#since.delete(name);
      else if (sinceMs === undefined && isNumbered(port)) this.#since.set(name, nowMs);
    }
    return new Set(this.#since.keys());
  }

  /** When the first of them is fresh no more, ms from now; undefined while none has a number. */
  nextLookMs(nowMs: number): number | undefined {
    const waits = [...this.#since.values()].flatMap((sinceMs) =>
      sinceMs === undefined ? [] : [sinceMs + readingMsMax - nowMs],
    );
    return waits.length === 0 ? undefined : Math.min(...waits);
  }
}

function isNumbered(port: ObservedPort): boolean {
  const ofport = mainInterface(port)?.ofport;
  return ofport !== undefined && ofport > 0;
}
