import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemFiles } from '../../src/host/file-source.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'files-'));
  await writeFile(join(directory, 'ten'), '0123456789');
  await symlink('ten', join(directory, 'link'));
});

afterEach(() => rm(directory, { recursive: true }));

describe('systemFiles', () => {
  it('reads a file that just fits', async () => {
    expect(await systemFiles.read(join(directory, 'ten'), 10)).toBe('0123456789');
  });

  it('reads on where the kernel gives a file in parts', async () => {
    const seen = await systemFiles.read('/proc/kallsyms', 64 * 2 ** 20);
    // The witness; a module that comes or goes meanwhile changes a few lines.
    const lines = Number(execFileSync('wc', ['-l', '/proc/kallsyms'], { encoding: 'utf8' }).split(' ')[0]);
    expect(seen.length).toBeGreaterThan(65_536);
    expect(Math.abs(seen.split('\n').length - lines)).toBeLessThan(1_000);
  });

  it('refuses a file with one byte more', async () => {
    await expect(systemFiles.read(join(directory, 'ten'), 9)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('keeps the code of the system', async () => {
    await expect(systemFiles.read(join(directory, 'none'), 9)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(systemFiles.read(directory, 9)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(systemFiles.link(join(directory, 'ten'))).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(systemFiles.list(join(directory, 'ten'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('lists and follows links', async () => {
    expect([...(await systemFiles.list(directory))].sort()).toEqual(['link', 'ten']);
    expect(await systemFiles.link(join(directory, 'link'))).toBe('ten');
  });
});
