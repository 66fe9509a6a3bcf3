/**
 * The locks that this client wants, and which of them it holds (RFC 7047 section 4.1.8 to 4.1.10). Used by the client. A
 * lock belongs to a connection: when that goes, the lock goes, and is asked for again on the next one.
 */

import type { JsonObject } from './types.js';

/** `none`: not asked for or lost the connection; `waiting`: in the server's queue; `held`: ours. */
export type LockState = 'none' | 'waiting' | 'held';

export interface LockRequest {
  readonly method: 'lock' | 'steal' | 'unlock';
  readonly name: string;
}

interface Lock {
  state: LockState;
  /** Take it from the holder with the next request. Once only: two clients that steal would never come to rest. */
  steals: boolean;
}

export class LockTable {
  readonly #locks = new Map<string, Lock>();
  readonly #onState: (name: string, state: LockState) => void;

  /** @param onState told about each change of a lock's state */
  constructor(onState: (name: string, state: LockState) => void) {
    this.#onState = onState;
  }

  /** The names of all locks that are wanted: what every transaction has to assert. */
  get names(): readonly string[] {
    return [...this.#locks.keys()];
  }

  state(name: string): LockState {
    return this.#locks.get(name)?.state ?? 'none';
  }

  /**
   * Wants a lock. Returns the requests to send now if there is a connection; none when it is wanted already. `steal` while
   * waiting needs an unlock first: the server refuses a second request for a lock that is asked for.
   */
  want(name: string, steals: boolean): readonly LockRequest[] {
    const lock = this.#locks.get(name);
    if (lock === undefined) {
      this.#locks.set(name, { state: 'none', steals });
      return [{ method: steals ? 'steal' : 'lock', name }];
    }
    if (!steals || lock.state === 'held') return [];
    lock.steals = true;
    return lock.state === 'none'
      ? []
      : [
          { method: 'unlock', name },
          { method: 'steal', name },
        ];
  }

  /** Gives a lock up. Returns whether it was wanted, so that an unlock has to be sent. */
  release(name: string): boolean {
    const lock = this.#locks.get(name);
    if (lock === undefined) return false;
    this.#move(name, lock, 'none');
    this.#locks.delete(name);
    return true;
  }

  /** What to ask for on a fresh connection. */
  requests(): readonly LockRequest[] {
    return [...this.#locks].map(([name, lock]) => ({ method: lock.steals ? 'steal' : 'lock', name }));
  }

  /** The answer to `lock` or `steal`: `{"locked": true | false}`. */
  answered(name: string, reply: JsonObject): void {
    const lock = this.#locks.get(name);
    if (lock === undefined) return;
    lock.steals = false;
    // A `locked` notification that overtook the reply is not taken back.
    if (lock.state !== 'held') this.#move(name, lock, reply['locked'] === true ? 'held' : 'waiting');
  }

  /** The notification `locked`. It can come for a lock that we hold already. */
  locked(name: string): void {
    const lock = this.#locks.get(name);
    if (lock !== undefined) this.#move(name, lock, 'held');
  }

  /** The notification `stolen`: the server put us back into its queue. */
  stolen(name: string): void {
    const lock = this.#locks.get(name);
    if (lock !== undefined) this.#move(name, lock, 'waiting');
  }

  /** The connection is gone and the locks with it. */
  disconnect(): void {
    for (const [name, lock] of this.#locks) this.#move(name, lock, 'none');
  }

  #move(name: string, lock: Lock, state: LockState): void {
    if (lock.state === state) return;
    lock.state = state;
    this.#onState(name, state);
  }
}
