/** The query of a request, read strictly: a parameter that means nothing is told, not ignored. */

import { AgentError } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';

/** Values of one name. */
const valuesMax = 100;

function invalid(message: string): AgentError {
  return new AgentError('API_INVALID', message, { remedy: 'See /api/v1/openapi.json for what can be asked.' });
}

export class Query {
  readonly #parameters: URLSearchParams;

  /** @param url the path with its query, as the request line has it */
  constructor(url: string) {
    const mark = url.indexOf('?');
    this.#parameters = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  }

  has(name: string): boolean {
    return this.#parameters.has(name);
  }

  /** @throws AgentError API_INVALID when the query names anything else */
  only(names: readonly string[]): void {
    for (const name of this.#parameters.keys()) {
      if (!names.includes(name)) throw invalid(`"${safeText(name, 64)}" cannot be asked; allowed: ${list(names)}`);
    }
  }

  /** All values of the name, commas apart or given again. @throws AgentError API_INVALID for too many */
  texts(name: string): readonly string[] {
    const values = this.#parameters.getAll(name).flatMap((value) => value.split(','));
    if (values.length > valuesMax) throw invalid(`"${name}" has more than ${valuesMax} values`);
    return values.filter((value) => value !== '');
  }

  /** @throws AgentError API_INVALID for another word than the allowed ones */
  words(name: string, allowed: readonly string[]): readonly string[] {
    const values = this.texts(name);
    const wrong = values.find((value) => !allowed.includes(value));
    if (wrong !== undefined) throw invalid(`"${safeText(wrong, 64)}" is no ${name}; allowed: ${list(allowed)}`);
    return values;
  }

  /** Undefined where the query does not say. @throws AgentError API_INVALID unless it is a whole number in the range */
  number(name: string, least: number, most: number): number | undefined {
    const [text, more] = this.#parameters.getAll(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (more === undefined && value >= least && value <= most) return value;
    throw invalid(`"${name}" must be a whole number from ${least} to ${most}`);
  }
}

function list(words: readonly string[]): string {
  return words.length === 0 ? 'nothing' : words.join(', ');
}
