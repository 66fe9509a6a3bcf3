/** Keeps the newest status for those who show it: the loops hand it in, views read it whenever they like. */

import type { PodFacts } from '../attach/attachment-view.js';
import type { StatusSource } from './api-view.js';
import type { Unsubscribe } from './ports.js';
import type { AgentStatus, AttachStatus } from './status.js';

/** What changes without a look, and would be old in the status of the last one. */
export type LiveAttach = Pick<AttachStatus, 'lease' | 'clockSkewMs'>;

export class StatusKeeper implements StatusSource {
  readonly #listeners = new Set<() => void>();
  #status: AgentStatus | undefined;
  #live: () => LiveAttach | undefined = () => undefined;
  #makePods: () => readonly PodFacts[] = () => [];
  /** Made from `#makePods`, once for each look at the pods. */
  #pods: readonly PodFacts[] | undefined = [];

  current(): AgentStatus | undefined {
    const status = this.#status;
    if (status?.attach === undefined) return status;
    const live = this.#live();
    return live === undefined ? status : { ...status, attach: { ...status.attach, ...live } };
  }

  /** Where the lease is asked for as it is now: it is renewed between two looks. */
  setLive(live: () => LiveAttach | undefined): void {
    this.#live = live;
  }

  pods(): readonly PodFacts[] {
    this.#pods ??= this.#makePods();
    return this.#pods;
  }

  /** Takes over a newer status. */
  set(status: AgentStatus): void {
    this.#status = status;
    for (const listener of this.#listeners) listener();
  }

  /** Takes over what a look at the pods has found; made only if somebody asks. */
  setPods(make: () => readonly PodFacts[]): void {
    this.#makePods = make;
    this.#pods = undefined;
  }

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
