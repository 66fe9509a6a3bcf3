/** One source of liveness for several loops: each says which bridges it cares for, and the union of them is asked. */

import type { SwitchLiveness } from '../model/observed.js';
import type { LivenessSource, Unsubscribe } from './ports.js';

export class SharedLiveness {
  readonly #source: LivenessSource;
  readonly #wanted: (readonly string[])[] = [];

  constructor(source: LivenessSource) {
    this.#source = source;
  }

  /** A face for one loop. */
  share(): LivenessSource {
    const index = this.#wanted.push([]) - 1;
    return {
      snapshot: (): SwitchLiveness => this.#source.snapshot(),
      watch: (bridges) => {
        this.#wanted[index] = bridges;
        this.#source.watch([...new Set(this.#wanted.flat())]);
      },
      onChange: (listener): Unsubscribe => this.#source.onChange(listener),
    };
  }
}
