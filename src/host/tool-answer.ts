/**
 * What a run of a tool gave, as a fact: its output, or one sentence on why there is none. Used by all readers here that ask `ip`,
 * `tc` and `systemctl`; a container without a tool, or without the right to ask, is normal. Nothing here throws.
 */

import { safeText } from '../lib/text.js';
import { known, unknown, type Fact } from '../model/fact.js';
import type { ToolResult } from './run-tool.js';

/** For how long a tool may take, ms: more than a machine with a thousand devices needs, less than a cycle of readings. */
export const toolTimeoutMs = 3_000;
/** A device is up to 2 KiB of JSON with its addresses: room for some eight thousand. */
export const toolOutputBytesMax = 16 * 2 ** 20;

export type JsonObject = Readonly<Record<string, unknown>>;

/** @param name as people know the tool: `ip` */
export function outputOf(name: string, result: ToolResult): Fact<string> {
  switch (result.kind) {
    case 'notStarted':
      return unknown(`the tool ${name} cannot be started here (${result.reason})`);
    case 'timedOut':
      return unknown(`the tool ${name} did not answer in time`);
    case 'aborted':
      return unknown('the question was withdrawn');
    case 'broken':
      return unknown(`the tool ${name} broke off (${result.reason})`);
    case 'exited':
      if (result.code === 0) return known(result.stdout);
      return unknown(`the tool ${name} refused: ${safeText(result.stderr.trim(), 200) || `exit code ${result.code}`}`);
  }
}

/**
 * The objects of a list in JSON, as the tools of iproute2 write with `-j`. They write an empty object for a row that a filter
 * left out, and nothing at all for an empty list.
 */
export function rowsOf(name: string, output: Fact<string>): Fact<readonly JsonObject[]> {
  if (output.kind === 'unknown') return output;
  if (output.value.trim() === '') return known([]);
  const value = parseJson(output.value);
  return Array.isArray(value) ? known(value.filter(isObject)) : unknown(`what ${name} wrote is no list in JSON`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  return parsedOrUndefined(text) ?? parsedOrUndefined(withJsonEscapes(text));
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A pair that begins with a backslash, or a control character that is no white space between the parts of a text in JSON. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const pairOrControl = /\\[^]|[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;

/**
 * What is no JSON in a text that people have set, an alias for example: iproute2 before 6.1 writes `\'` for a quote, and before 7.0
 * control characters as they are (its commits 49c63bc7 and 9e992607). One such alias must not hide all other devices.
 */
function withJsonEscapes(text: string): string {
  return text.replace(pairOrControl, (found) => {
    if (found === "\\'") return "'";
    return found.length === 2 ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
