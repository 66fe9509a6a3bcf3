/**
 * Cuts the text of flows and actions into keys with values: separated by commas or white space, values after `=` or `:`
 * or in parentheses, which can be nested. Used by the parsers of matches, actions and flows.
 */

import { textError } from './notation.js';

export interface KeyValue {
  readonly key: string;
  /** What stands after `=` or `:`, or between the parentheses; undefined when there is neither. */
  readonly value: string | undefined;
  /** What stands behind the closing parenthesis, as in `check_pkt_larger(1500)->reg0[0]`. */
  readonly tail: string;
  /** Whether the value stood in parentheses. */
  readonly isGrouped: boolean;
}

/** The parts of a list that separators outside parentheses and brackets separate. */
export function splitList(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char === '(' || char === '[') depth += 1;
    else if (char === ')' || char === ']') depth -= 1;
    else if (depth === 0 && /[,\s]/.test(char)) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
    if (depth < 0) throw textError('a parenthesis closes that was not opened', text);
  }
  if (depth !== 0) throw textError('a parenthesis is not closed', text);
  parts.push(text.slice(start));
  return parts.filter((part) => part !== '');
}

/** One part, taken apart at its first `=`, `:` or `(`. */
export function splitKey(part: string): KeyValue {
  const at = part.search(/[=:(]/);
  if (at < 0) return { key: part, value: undefined, tail: '', isGrouped: false };
  const key = part.slice(0, at);
  if (part.charAt(at) !== '(') return { key, value: part.slice(at + 1), tail: '', isGrouped: false };
  const end = closing(part, at);
  return { key, value: part.slice(at + 1, end), tail: part.slice(end + 1), isGrouped: true };
}

function closing(text: string, open: number): number {
  let depth = 0;
  for (let index = open; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    if (depth === 0) return index;
  }
  throw textError('a parenthesis is not closed', text);
}

/** The parts of a list, each taken apart. */
export function splitKeys(text: string): readonly KeyValue[] {
  return splitList(text).map(splitKey);
}
