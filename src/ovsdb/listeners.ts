/**
 * A set of listeners that cannot harm one another or the one who tells them. Used by the client.
 */

export class Listeners<Event> {
  readonly #listeners = new Set<{ readonly call: (event: Event) => void }>();

  /** Adds a listener, also one that is there already; returns how to remove it. */
  add(call: (event: Event) => void): () => void {
    const entry = { call };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /**
   * Calls every listener. One that throws has a bug: the others are called all the same, what was told stays consistent,
   * and the error surfaces as an uncaught exception.
   */
  tell(event: Event): void {
    for (const { call } of [...this.#listeners]) {
      try {
        call(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
