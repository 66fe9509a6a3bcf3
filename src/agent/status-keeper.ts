/** Keeps the newest status for those who show it: the loops hand it in, views read it whenever they like. */

import type { PodFacts } from '../attach/attachment-view.js';
import type { StatusSource } from './api-view.js';
import type { Unsubscribe } from './ports.js';
import type { AgentStatus } from './status.js';

export class StatusKeeper implements StatusSource {
  readonly #listeners = new Set<() => void>();
  #status: AgentStatus | undefined;
  #makePods: () => readonly PodFacts[] = () => [];
  /** Made from `#makePods`, once for each look at the pods. */
  #pods: readonly PodFacts[] | undefined = [];

  current(): AgentStatus | undefined {
    return this.#status;
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
