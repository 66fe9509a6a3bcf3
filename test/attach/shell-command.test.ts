import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { databaseText, plain, shellCommand, shellWord } from '../../src/attach/shell-command.js';

/** What a POSIX shell makes of the words: one argument a line, each in base 64. */
function readByShell(words: readonly string[]): readonly string[] {
  const script = words.map((word) => `printf '%s' ${shellWord(word)} | base64 -w0; echo`).join('\n');
  const lines = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n');
  return lines.map((line) => Buffer.from(line, 'base64').toString());
}

describe('a word of a command', () => {
  it('is bare while it is harmless, and quoted otherwise', () => {
    expect(shellWord('shop/web-0')).toBe('shop/web-0');
    expect(shellWord('a b')).toBe("'a b'");
    expect(shellWord("it's")).toBe(String.raw`'it'\''s'`);
    expect(shellWord('')).toBe("''");
    expect(shellWord('~root')).toBe("'~root'");
  });

  it('reaches the command as it is, whatever it holds', () => {
    const hostile = [
      '$(id)',
      '`id`',
      '"; id; "',
      "'; id; '",
      '$HOME',
      '*',
      '!!',
      '# no',
      '\\',
      'a\\',
      'ä',
      '&& id',
      '{a,b}',
    ];
    const random = fc.sample(fc.string({ minLength: 1, unit: 'grapheme-ascii' }), { numRuns: 60, seed: 7 });
    const words = [...hostile, ...random];
    expect(readByShell(words)).toEqual(words);
  });
});

describe('a name in a command', () => {
  it.each(['-rf', '--all', 'a\nb', 'a\u001b[2J', 'cut…', 'p\\u0007', 'ünïcode', '', 'x'.repeat(601)])(
    'is not written when it would be another name or an option: %j',
    (name) => {
      expect(plain(name)).toBeUndefined();
    },
  );

  it('is written when it is exact, however odd', () => {
    expect(plain('$(reboot)')).toBe('$(reboot)');
    expect(plain('shop_web-0')).toBe('shop_web-0');
    expect(plain(undefined)).toBeUndefined();
  });

  it('is quoted for the database where its notation needs it', () => {
    expect(databaseText('shop_web-0')).toBe('shop_web-0');
    expect(databaseText('0a')).toBe('"0a"');
    expect(databaseText('a"b,c={}')).toBe(String.raw`"a\"b,c={}"`);
    expect(databaseText('-x')).toBe('"-x"');
    expect(databaseText('a\u0000')).toBeUndefined();
    expect(databaseText(undefined)).toBeUndefined();
  });
});

describe('a command', () => {
  it('is none when a name in it cannot be written', () => {
    expect(shellCommand('ip', 'link', 'show', 'dev', plain('a\nb'))).toBeUndefined();
    expect(shellCommand('ip', 'link', 'show', 'dev', plain('$x'))).toBe("ip link show dev '$x'");
  });
});
