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
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
