/** scripts/licences.mjs, which is what keeps a package out that may not be there: it has to notice one. */

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const run = promisify(execFile);
const project = join(import.meta.dirname, '../..');
const names = ['package.json', 'package-lock.json', 'scripts/licences.mjs', 'docs/dependencies.md'];
let dir = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'packages-'));
  for (const place of ['scripts', 'docs']) await mkdir(join(dir, place));
  for (const name of names) await cp(join(project, name), join(dir, name));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** What the check finds; empty when it finds nothing. */
const faults = (): Promise<string> =>
  run(process.execPath, [join(dir, 'scripts/licences.mjs'), '--check']).then(
    ({ stderr }) => stderr,
    (error: unknown) => (error as { readonly stderr: string }).stderr,
  );

async function replace(file: string, before: RegExp, after: string): Promise<void> {
  const text = await readFile(join(dir, file), 'utf8');
  expect(text).toMatch(before);
  await writeFile(join(dir, file), text.replace(before, after));
}

it('finds nothing in the tree as it is', async () => {
  expect(await faults()).toBe('');
});

it.each([
  ['a range', 'package.json', /"zod": "/, '"zod": "^', 'zod has no exact version'],
  ['a range of an override', 'package.json', /"cookie": "/, '"cookie": "^', 'light-my-request > cookie has no exact'],
  ['a licence', 'package-lock.json', /("node_modules\/zod": \{[^}]*"license": ")MIT/, '$1GPL-3.0-only', 'GPL-3.0-only'],
  ['no hash', 'package-lock.json', /("node_modules\/zod": \{[^}]*)"integrity": "[^"]*",/, '$1', 'zod 4'],
  ['a script', 'package-lock.json', /("node_modules\/zod": \{)/, '$1 "hasInstallScript": true,', 'an install script'],
  ['another list', 'docs/dependencies.md', /`zod`/, '`zed`', 'is not what the lock file says'],
] as const)('notices %s', async (_what, file, before, after, fault) => {
  await replace(file, before, after);
  expect(await faults()).toContain(fault);
});
