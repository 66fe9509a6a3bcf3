import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configBytesMax, decodeConfigText, readConfigText } from '../../src/config/config-text.js';

describe('readConfigText', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'config-text-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const written = (content: string | Buffer): string => {
    const file = join(directory, 'config.yaml');
    writeFileSync(file, content);
    return file;
  };

  it('reads a file of up to the limit, and none beyond', () => {
    expect(readConfigText(written('a: é\n'))).toBe('a: é\n');
    expect(readConfigText(written(''))).toBe('');
    expect(readConfigText(written('#'.repeat(configBytesMax)))).toHaveLength(configBytesMax);
    const file = written('#'.repeat(configBytesMax + 1));
    expect(() => readConfigText(file)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('says which file is missing, and what to do', () => {
    const file = join(directory, 'none.yaml');
    expect(() => readConfigText(file)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_UNREADABLE',
        facts: { file, code: 'ENOENT' },
        remedy: 'Create it, or name another file with --config.',
      }),
    );
  });

  it('neither waits for a FIFO nor reads a directory', () => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    for (const file of [fifo, directory]) {
      expect(() => readConfigText(file)).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }));
    }
  });

  it('refuses what is not UTF-8', () => {
    expect(() => decodeConfigText(Buffer.from([0x61, 0xff]))).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ path: '$', message: 'the file is not UTF-8 text' })],
      }),
    );
  });
});
