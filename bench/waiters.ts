/** Those who wait for what a watch of a bench will see. */

export class Waiters {
  readonly #where: string;
  readonly #waiting = new Set<{ readonly look: () => void; readonly fail: (error: Error) => void }>();
  #failure: Error | undefined;

  /** `where` the watch looks, for the error of one who waits in vain: `in the database`. */
  constructor(where: string) {
    this.#where = where;
  }

  /** Resolves in the very turn in which `test` holds. */
  until(test: () => boolean, what: string, msMax = 120_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(waiter);
        clearTimeout(timer);
      };
      const look = (): void => {
        if (!test()) return;
        end();
        resolve();
      };
      const fail = (error: Error): void => {
        end();
        reject(error);
      };
      const waiter = { look, fail };
      const timer = setTimeout(() => fail(new Error(`not seen ${this.#where} in ${msMax} ms: ${what}`)), msMax);
      this.#waiting.add(waiter);
      look();
      if (this.#failure !== undefined) fail(this.#failure);
    });
  }

  /** The watch has seen something. */
  look(): void {
    for (const { look } of [...this.#waiting]) look();
  }

  /** The watch sees nothing any more: all who wait, now and later, are told. */
  fail(cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#failure = error;
    for (const { fail } of [...this.#waiting]) fail(error);
  }
}
