/**
 * "Given twice": remembers where each value was first seen. Used by the rules that want something unique; holds no opinion
 * on what.
 */
import { formatPath, type ConfigPath } from './path.js';

export class FirstSeen {
  readonly #places = new Map<string, ConfigPath>();

  /** Where `value` was seen before, as text; undefined the first time, which is remembered. */
  before(value: string, path: ConfigPath): string | undefined {
    const first = this.#places.get(value);
    if (first === undefined) {
      this.#places.set(value, path);
      return undefined;
    }
    return formatPath(first);
  }
}
