/** The claims of docs/security.md rest on tests: each that is named has to be there, and none may be without a name. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const page = join(import.meta.dirname, '..', '..', 'docs', 'security.md');
const text = readFileSync(page, 'utf8');

interface Named {
  readonly file: string;
  readonly test: string;
}

/** Links of the form `[test](path "name of the test")`. */
const named: readonly Named[] = [...text.matchAll(/\[test\]\(([^ )]+)(?: "([^"]*)")?\)/g)].map(
  ([, file = '', test = '']) => ({
    file: join(dirname(page), file),
    test,
  }),
);

/** Whether a file declares a test of this name; quotes inside of it may be escaped. */
function declares(source: string, test: string): boolean {
  const quoted = [`'${test.replaceAll("'", "\\'")}'`, `"${test}"`, `\`${test}\``];
  return quoted.some((literal) =>
    new RegExp(`\\bit(?:\\.each\\(.*\\))?\\(\\s*${literal.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`, 's').test(
      source,
    ),
  );
}

describe('the tests that docs/security.md names', () => {
  it('exist, each in the file that is linked', () => {
    expect(named.length).toBeGreaterThan(40);
    const missing = named.filter(({ file, test }) => !existsSync(file) || !declares(readFileSync(file, 'utf8'), test));
    expect(missing).toEqual([]);
  });

  it('stand behind every threat and every claim of its tables', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('| '));
    const headings = ['| Threat |', '| Claim |'];
    const claims = headings.flatMap((heading) => {
      return rows.flatMap((row, index) => {
        if (!row.startsWith(heading)) return [];
        const own = rows.slice(index + 1);
        const end = own.findIndex((line) => /^\| (?:Threat|Claim|Listener|Asset|Path|Capability|Weakness)/.test(line));
        return own.slice(0, end < 0 ? undefined : end).filter((line) => !line.startsWith('| ---'));
      });
    });
    expect(claims.length).toBeGreaterThan(30);
    expect(claims.filter((row) => !row.includes('[test]('))).toEqual([]);
  });
});
