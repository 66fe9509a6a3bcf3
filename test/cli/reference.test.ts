import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/command-table.js';
import { cliReference, referenceEnd, referenceStart } from '../../src/cli/reference.js';

const file = new URL('../../docs/cli.md', import.meta.url);

/** Stale? `npm run build && node scripts/cli-reference.mjs` writes it anew. */
describe('the reference of dpuctl in docs/cli.md', () => {
  it('is what the table of commands says', () => {
    const text = readFileSync(file, 'utf8');
    const part = text.slice(text.indexOf(referenceStart), text.indexOf(referenceEnd) + referenceEnd.length);
    expect(part).toBe(cliReference(commands));
  });
});
