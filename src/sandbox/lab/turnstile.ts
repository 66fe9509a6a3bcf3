/**
 * Lets so many jobs at once and has the others wait in their order. Used where a burst of pods would start hundreds of
 * processes on a machine with few processors, and each of them would run into its time limit.
 */

export class Turnstile {
  readonly #countMax: number;
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#count >= this.#countMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#count += 1;
    try {
      return await job();
    } finally {
      // The place goes to the next in the row, so nobody can get in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#count -= 1;
      else next();
    }
  }
}
