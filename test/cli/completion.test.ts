import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/command-table.js';
import { completionScript } from '../../src/cli/completion.js';

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'completion-'));
  writeFileSync(join(dir, 'dpuctl.bash'), completionScript('bash', commands));
  writeFileSync(join(dir, 'bundle.yaml'), '');
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** What bash itself completes the last word to. */
function complete(...words: readonly string[]): readonly string[] {
  const script =
    'source ./dpuctl.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dpuctl; printf "%s\\n" "${COMPREPLY[@]}"';
  const text = execFileSync('bash', ['-c', script, 'bash', ...words], { cwd: dir, encoding: 'utf8' });
  return text.split('\n').filter((line) => line !== '');
}

describe('completion in bash', () => {
  it('offers every command', () => {
    const firsts = [...new Set(commands.map(({ name }) => name.split(' ')[0]))].sort();
    expect([...complete('dpuctl', '')].sort()).toEqual(firsts);
  });

  it('follows the words of a command', () => {
    expect(complete('dpuctl', 'do')).toEqual(['doctor']);
    expect(complete('dpuctl', 'why', '')).toEqual(['pod', 'port', 'chain']);
    expect(complete('dpuctl', 'get', 'br')).toEqual(['bridges']);
    expect(complete('dpuctl', 'offload', '')).toEqual(['status', 'top', 'flows', 'why']);
    expect(complete('dpuctl', 'offload', 'why', 'p')).toEqual(['pod', 'port']);
    expect(complete('dpuctl', 'offload', 'top', '--kind', 'c')).toEqual(['chain']);
    expect(complete('dpuctl', '--address', 'status', 'get', 'br')).toEqual(['bridges']);
    expect(complete('dpuctl', 'completion', 'f')).toEqual(['fish']);
  });

  it('offers the options of the command and those of all', () => {
    expect(complete('dpuctl', 'apply', '--w')).toEqual(['--wide', '--wait', '--wait-timeout']);
    expect(complete('dpuctl', 'status', '--wait')).toEqual([]);
  });

  it('offers values of options, and files', () => {
    expect(complete('dpuctl', 'status', '-o', 'j')).toEqual(['json']);
    expect(complete('dpuctl', 'apply', '-f', 'bun')).toEqual(['bundle.yaml']);
    expect(complete('dpuctl', 'apply', '--file', 'bun')).toEqual(['bundle.yaml']);
    expect(complete('dpuctl', 'apply', '--owner', '')).toEqual([]);
    expect(complete('dpuctl', 'journal', '-f', '--tai')).toEqual(['--tail']);
  });
});

describe('completion in other shells', () => {
  it('is the same in zsh, by its emulation', () => {
    expect(completionScript('zsh', commands)).toContain('bashcompinit');
    expect(completionScript('zsh', commands)).toContain(completionScript('bash', commands));
  });

  it('has every command and option in fish', () => {
    const script = completionScript('fish', commands);
    for (const { name, options } of commands) {
      expect(script).toContain(` -a ${name.split(' ')[0] ?? ''} `);
      for (const option of options) expect(script).toContain(`-l ${option.name}`);
    }
  });
});
