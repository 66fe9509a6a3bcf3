/** Reads the tables of a page of the documentation, for tests that keep a page equal to the code. */

import { readFileSync } from 'node:fs';

/**
 * The rows of the table whose first column is headed `heading`, by the code in that column; a cell is its plain text.
 * Throws when there is no such table or a code stands in it twice.
 */
export function documentedTable(page: string, heading: string): ReadonlyMap<string, readonly string[]> {
  const lines = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8').split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} `));
  if (start < 0) throw new Error(`no table ${heading} in ${page}`);
  const rows = new Map<string, readonly string[]>();
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    const [code = '', ...cells] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    const name = code.replaceAll('`', '');
    if (rows.has(name)) throw new Error(`${name} is documented twice`);
    rows.set(name, cells);
  }
  return rows;
}
