/** Since when something has been so, by name: it survives every look that still finds it, and is forgotten with the first that does not. */
export class Since {
  #since: ReadonlyMap<string, number> = new Map();

  /** @param names all that are so at `nowMs` */
  note(names: Iterable<string>, nowMs: number): void {
    const before = this.#since;
    this.#since = new Map([...names].map((name) => [name, before.get(name) ?? nowMs]));
  }

  /** When it was seen first, monotonic ms; undefined: it is not so. */
  firstMs(name: string): number | undefined {
    return this.#since.get(name);
  }
}
