/** `list-commands`: what the daemon can be asked, the best sign of what it can do. Every daemon has it. Tested with 3.1, 3.5, 4.0. */

import { linesOf } from './unknown-lines.js';

/** Names of the commands with their arguments in the daemon's words. */
export function parseCommandList(text: string): ReadonlyMap<string, string> {
  const entries = linesOf(text).map((line) => /^ {2}(\S+)\s*(.*)$/.exec(line));
  return new Map(entries.flatMap((entry) => (entry === null ? [] : [[entry[1] ?? '', entry[2] ?? '']])));
}
