/**
 * Keeps one copy of strings that repeat: JSON.parse makes a new string for each occurrence of a uuid or a map key.
 * Bounded; when it is full, further strings are simply not shared.
 */
export class StringPool {
  readonly #strings = new Map<string, string>();
  readonly #countMax: number;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** The string, as the copy that was seen first. */
  intern<T extends string>(text: T): T {
    const known = this.#strings.get(text);
    // A string equals its key, so the copy has the type of the text.
    if (known !== undefined) return known as T;
    if (this.#strings.size < this.#countMax) this.#strings.set(text, text);
    return text;
  }
}
