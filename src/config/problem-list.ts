/**
 * Gathers problems while a configuration is checked, and makes each safe to print. One list per load; it knows the text of
 * the file only to quote the lines that problems point at.
 */
import { safeText } from '../lib/text.js';
import { formatPath, type ConfigPath } from './path.js';
import type { ConfigProblem } from './problem.js';
import { mayHoldSecret } from './secret.js';
import { originOf, type Place } from './source-tree.js';

/** Nobody corrects more at once, and a hostile file must not make a report many times its own size. */
const problemsMax = 500;

/** Wide enough for any sensible line, narrow enough for a log record. */
const excerptLengthMax = 160;

export class ProblemList {
  readonly #lines: readonly string[];
  readonly #problems: ConfigProblem[] = [];
  #droppedCount = 0;

  /** @param text the file, as it was read; empty when there is none */
  constructor(text: string) {
    this.#lines = text.split(/\r\n|\n|\r/);
  }

  get isEmpty(): boolean {
    return this.#problems.length === 0;
  }

  /** Every problem, and one that counts those beyond the limit. */
  get all(): readonly ConfigProblem[] {
    if (this.#droppedCount === 0) return this.#problems;
    const message = `there are ${this.#droppedCount} more problems`;
    return [...this.#problems, { path: '$', origin: 'default', message }];
  }

  /**
   * Adds one problem.
   * @param path the key, or the text that was meant to be one
   */
  add(path: ConfigPath | string, place: Place, message: string, remedy?: string): void {
    if (this.#problems.length >= problemsMax) {
      this.#droppedCount += 1;
      return;
    }
    const pathText = typeof path === 'string' ? path : formatPath(path);
    const problem: ConfigProblem = {
      path: safeText(pathText, 200),
      origin: originOf(place),
      ...this.#position(place),
      message: safeText(message, 500),
      ...(remedy === undefined ? {} : { remedy: safeText(remedy, 500) }),
    };
    // A value that breaks two rules of its kind is still one thing to correct.
    const last = this.#problems.at(-1);
    if (last?.path !== problem.path || last.message !== problem.message) this.#problems.push(problem);
  }

  #position(place: Place): Pick<ConfigProblem, 'line' | 'column' | 'excerpt'> {
    if (place.kind !== 'file') return {};
    const text = this.#lines[place.line - 1] ?? '';
    const position = { line: place.line, column: place.column };
    // A tab becomes one space, so that the caret below stays under its character.
    return mayHoldSecret(text)
      ? position
      : { ...position, excerpt: safeText(text.replaceAll('\t', ' '), excerptLengthMax) };
  }
}
