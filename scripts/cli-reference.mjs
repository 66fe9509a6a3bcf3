// Writes the generated part of docs/cli.md from the table of commands of the built dpuctl: npm run build first.

import { readFileSync, writeFileSync } from 'node:fs';
import { cliReference, referenceEnd, referenceStart } from '../dist/cli/reference.js';
import { commands } from '../dist/cli/command-table.js';

const file = new URL('../docs/cli.md', import.meta.url);
const text = readFileSync(file, 'utf8');
const [start, end] = [text.indexOf(referenceStart), text.indexOf(referenceEnd)];
if (start < 0 || end < start) throw new Error('docs/cli.md has no generated part');
writeFileSync(file, `${text.slice(0, start)}${cliReference(commands)}${text.slice(end + referenceEnd.length)}`);
