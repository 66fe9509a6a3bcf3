/**
 * The settings of a Reflector and what it tells about itself, with the reasons for the defaults.
 */

import type { Clock } from '../lib/clock.js';
import type { AgentError, ErrorCode } from '../lib/errors.js';
import type { KubeClient } from './client.js';
import type { ObjectView } from './object-cache.js';
import type { ReflectorTiming } from './reflector-machine.js';

export interface ReflectorOptions<View> {
  readonly client: Pick<KubeClient, 'request' | 'stream' | 'server'>;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Of the collection: see `resourcePath`. */
  readonly path: string;
  /** Selectors: `fieldSelector`, `labelSelector`. */
  readonly query?: Readonly<Record<string, string>>;
  /**
   * What to keep of an object; undefined for one that is of no interest. Must not throw, whatever the object holds, and
   * must not keep the object itself: it is all that bounds the memory.
   */
  readonly view: (object: unknown) => ObjectView<View> | undefined;
  readonly timing?: Partial<ReflectorTiming>;
  readonly limits?: Partial<ReflectorLimits>;
}

export interface ReflectorLimits {
  /** Bytes of one page of a list. */
  readonly pageSizeBytesMax: number;
  /** Bytes of one event of a watch. */
  readonly eventSizeMax: number;
  /** Objects held. Beyond it the list counts as failed, which is told, and what was held stays. */
  readonly itemsMax: number;
  /** Uids remembered as deleted. */
  readonly deletedMax: number;
  /** How long a version that a write returned stands against older events, ms. */
  readonly pinMs: number;
}

export const reflectorTimingDefaults: ReflectorTiming = {
  // One bookmark a minute, and half as much again for a server that is busy.
  idleMsMax: 90_000,
  callMsMax: 60_000,
  // As client-go: five to ten minutes.
  watchMsMin: 300_000,
  watchMsMax: 600_000,
  usefulMsMin: 5_000,
  auditMsMax: 60_000,
  auditGapMs: 120_000,
  retryAfterMsMax: 300_000,
  pageSize: 500,
  pagesMax: 10_000,
  backoff: { baseMs: 1_000, capMs: 30_000 },
};

export const reflectorLimitDefaults: ReflectorLimits = {
  pageSizeBytesMax: 32 << 20,
  // etcd takes objects of 1.5 MiB; as JSON with its escapes it can be several times that.
  eventSizeMax: 8 << 20,
  itemsMax: 20_000,
  deletedMax: 10_000,
  pinMs: 30_000,
};

/** Whether what a Reflector holds can be relied on. */
export interface ReflectorState {
  /**
   * `connecting`: nothing was listed completely yet. `synced`: what is held is complete, and changes arrive. `stale`: what
   * was read last is still there, but changes do not arrive.
   */
  readonly kind: 'connecting' | 'synced' | 'stale';
  /** Since when, ms since 1970 UTC; for `stale` the moment at which the server was heard last. */
  readonly sinceWallMs: number;
  /** What went wrong last; undefined while synced. */
  readonly lastError: AgentError | undefined;
}

/** Counters that only grow, but for the times. */
export interface ReflectorStats {
  /** Lists that were completed. */
  lists: number;
  /** Of those, all but the first. */
  relists: number;
  /** Watches that the server accepted. */
  watches: number;
  /** Objects that events brought or took. */
  events: number;
  bookmarks: number;
  /** Events that could not be read. */
  malformed: number;
  /** When the last byte came, by the clock's `nowMs`; undefined before the first. */
  lastHeardMs: number | undefined;
  /** When the last event or bookmark came, by the clock's `nowMs`. */
  lastEventMs: number | undefined;
  /** Failures by code. */
  readonly errors: Map<ErrorCode, number>;
}

export function zeroReflectorStats(): ReflectorStats {
  return {
    lists: 0,
    relists: 0,
    watches: 0,
    events: 0,
    bookmarks: 0,
    malformed: 0,
    lastHeardMs: undefined,
    lastEventMs: undefined,
    errors: new Map(),
  };
}
