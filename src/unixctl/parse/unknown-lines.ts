/** What a parser did not understand: counted, with the first few for a person to look at. Parsing goes on all the same. */

import { safeText } from '../../lib/text.js';

export interface UnknownLines {
  readonly count: number;
  /** The first five, bounded and escaped. */
  readonly first: readonly string[];
}

const keptMax = 5;
const lengthMax = 200;

export class UnknownLineTally {
  #count = 0;
  readonly #first: string[] = [];

  add(line: string): void {
    this.#count += 1;
    if (this.#first.length < keptMax) this.#first.push(safeText(line, lengthMax));
  }

  get result(): UnknownLines {
    return { count: this.#count, first: [...this.#first] };
  }
}

/** The lines of an answer that say something. */
export function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

/**
 * A counter as OVS prints it; undefined for `?` (unknown to the device) and anything else that is no number. Exact up to
 * 2^53, as every number of this library.
 */
export function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\s*$/i.test(text)) return undefined;
  return Number(text);
}
