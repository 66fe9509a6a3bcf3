/**
 * The agent's parts for grpc.health.v1: `` is the whole, beside it `ovsdb`, `vswitchd`, `ports`, `chains`, `attach`, and each
 * service of the API, which serves as long as the process does. A status that is too old proves nothing, so nothing of it serves.
 * `live` is for a watchdog: the loops go on, whatever they find. `started` is for whoever starts the agent: see isStarted.
 */

import type { StatusSource } from '../agent/api-view.js';
import type { Unsubscribe } from '../agent/ports.js';
import { isStarted } from '../agent/started.js';
import type { AgentStatus } from '../agent/status.js';
import type { Clock, Timer } from '../lib/clock.js';
import type { ObjectRef } from '../model/condition.js';

const portKinds: ReadonlySet<ObjectRef['kind']> = new Set(['bridge', 'port']);
const chainKinds: ReadonlySet<ObjectRef['kind']> = new Set(['chain', 'chainPort']);

function areReady({ conditions }: AgentStatus, kinds: ReadonlySet<ObjectRef['kind']>): boolean {
  return conditions.every(({ object, state }) => !kinds.has(object.kind) || state === 'ready');
}

/** Whether each part is well by a status that is fresh. `attach` is there only where pods are looked at. */
function judgeParts(status: AgentStatus): ReadonlyMap<string, boolean> {
  const parts = new Map([
    ['', status.isReady],
    ['ovsdb', status.ovsdb.kind === 'synced'],
    ['vswitchd', status.vswitchd === 'alive'],
    ['ports', status.ovsdb.kind === 'synced' && areReady(status, portKinds)],
    ['chains', status.ovsdb.kind === 'synced' && areReady(status, chainKinds)],
    ['started', isStarted(status)],
  ]);
  const { attach } = status;
  // A pod that cannot be attached is that pod's trouble.
  if (attach !== undefined) parts.set('attach', attach.cluster.kind === 'synced' && attach.mode !== 'blind');
  return parts;
}

const unknownParts: readonly string[] = ['', 'ovsdb', 'vswitchd', 'ports', 'chains', 'started'];

/** Until the first look an agent counts as alive for so long, ms, as for /healthz: a first look at a large switch takes a while. */
const firstLookMs = 60_000;

/** Until there is a status that says how long one is fresh, ms. */
const unknownFreshMs = 10_000;

export class AgentHealth {
  readonly #status: StatusSource;
  readonly #clock: Clock;
  readonly #services: readonly string[];
  readonly #startedMs: number;

  /** @param services full names of the services that are served */
  constructor(status: StatusSource, clock: Clock, services: readonly string[]) {
    this.#status = status;
    this.#clock = clock;
    this.#services = services;
    this.#startedMs = clock.nowMs();
  }

  /** By part: whether it serves. */
  current(): ReadonlyMap<string, boolean> {
    const status = this.#status.current();
    const isFresh = status !== undefined && this.#clock.wallMs() - status.oldestLookWallMs <= status.freshMs;
    const judged = status === undefined ? new Map(unknownParts.map((part) => [part, false])) : judgeParts(status);
    const parts = new Map([...judged].map(([part, isWell]) => [part, isWell && isFresh]));
    parts.set('live', status === undefined ? this.#clock.nowMs() - this.#startedMs <= firstLookMs : isFresh);
    for (const service of this.#services) parts.set(service, true);
    return parts;
  }

  /** Called after changes, and often enough for a status that grows old without one. */
  onChange(listener: () => void): Unsubscribe {
    const unsubscribe = this.#status.onChange(listener);
    const again = (): void => {
      listener();
      timer = this.#later(again);
    };
    let timer = this.#later(again);
    return () => {
      timer.cancel();
      unsubscribe();
    };
  }

  #later(callback: () => void): Timer {
    const freshMs = this.#status.current()?.freshMs ?? unknownFreshMs;
    return this.#clock.after(freshMs / 2, callback, true);
  }
}
