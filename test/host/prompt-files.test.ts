import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemFiles } from '../../src/host/file-source.js';
import { promptFiles } from '../../src/host/prompt-files.js';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'prompt-'));
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function fileOf(text: string): string {
  const path = join(dir, 'file');
  writeFileSync(path, text);
  return path;
}

describe('files that are read in place', () => {
  it.each([0, 1, 8_191, 8_192, 8_193, 40_000])('come whole at %i bytes', async (length) => {
    const text = Array.from({ length }, (_unused, index) => String.fromCharCode(97 + (index % 26))).join('');
    expect(await promptFiles.read(fileOf(text), 65_536)).toBe(text);
    expect(await promptFiles.read(fileOf(text), length)).toBe(text);
  });

  it.each([1, 8_192, 20_000])('are refused when they are a byte longer than %i', async (bytesMax) => {
    const reading = promptFiles.read(fileOf('x'.repeat(bytesMax + 1)), bytesMax);
    await expect(reading).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', facts: { bytesMax } });
  });

  it('do not hold text of the file that was read before', async () => {
    await promptFiles.read(fileOf('a long one, of somebody else'), 4_096);
    expect(await promptFiles.read(fileOf('short'), 4_096)).toBe('short');
  });

  it('reject with the code of the system, and leave no descriptor open', async () => {
    const descriptors = (): Promise<readonly string[]> => systemFiles.list('/proc/self/fd');
    const before = (await descriptors()).length;
    await expect(promptFiles.read(join(dir, 'none'), 16)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(promptFiles.read(dir, 16)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(promptFiles.list(join(dir, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(promptFiles.read(fileOf('long'), 1)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect((await descriptors()).length).toBe(before);
  });

  it('do not hang on a pipe that nobody writes to', async () => {
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    expect(await promptFiles.read(join(dir, 'pipe'), 16)).toBe('');
  });

  it('are those that the other reader sees: of the kernel, a directory and a link', async () => {
    expect(await promptFiles.read('/proc/sys/kernel/osrelease', 4_096)).toBe(
      await systemFiles.read('/proc/sys/kernel/osrelease', 4_096),
    );
    symlinkSync('target', join(dir, 'link'));
    expect(await promptFiles.link(join(dir, 'link'))).toBe('target');
    fileOf('');
    expect([...(await promptFiles.list(dir))].sort()).toEqual(['file', 'link']);
  });

  it('come whole where the kernel hands them out in parts', async () => {
    // Longer than a page, each part of it a read of its own.
    const text = await promptFiles.read('/proc/kallsyms', 256 * 1024 * 1024);
    expect(text.split('\n').length).toBeGreaterThan(10_000);
    expect(text.endsWith('\n')).toBe(true);
  });
});
