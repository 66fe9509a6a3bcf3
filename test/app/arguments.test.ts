import { describe, expect, it } from 'vitest';
import { configFileDefault, helpText, parseCommand } from '../../src/app/arguments.js';

const parse = (...args: readonly string[]) => parseCommand(args, {});
const source = { file: configFileDefault, sets: [] };

describe('the command line of the agent', () => {
  it('runs the agent when nothing is said', () => {
    expect(parse()).toEqual({ kind: 'run', source });
    expect(parse('run', '-c', '/c.yaml', '--set', 'a=b', '--set', 'c=d')).toEqual({
      kind: 'run',
      source: { file: '/c.yaml', sets: ['a=b', 'c=d'] },
    });
  });

  it('takes the file from the environment, and a flag before that', () => {
    const env = { DPU_AGENT_CONFIG: '/env.yaml' };
    expect(parseCommand(['plan'], env)).toMatchObject({ source: { file: '/env.yaml' }, isJson: false });
    expect(parseCommand(['plan', '--json', '-c', '/flag.yaml'], env)).toMatchObject({
      source: { file: '/flag.yaml' },
      isJson: true,
    });
  });

  it('applies once, with a wait in seconds', () => {
    expect(parse('apply', '--once')).toMatchObject({ kind: 'apply', waitMs: 30_000 });
    expect(parse('apply', '--once', '--wait', '0.5')).toMatchObject({ waitMs: 500 });
    expect(parse('apply', '--once', '--wait', '0')).toMatchObject({ waitMs: 0 });
  });

  it('checks and shows the file that is named, and prints the schema of any', () => {
    expect(parse('config', 'check', '/c.yaml')).toEqual({ kind: 'configCheck', source: { file: '/c.yaml', sets: [] } });
    expect(parse('config', 'show')).toEqual({ kind: 'configShow', source });
    expect(parse('config', 'schema')).toEqual({ kind: 'configSchema' });
  });

  it('knows version and help in every place', () => {
    expect([parse('version'), parse('--version')]).toEqual([{ kind: 'version' }, { kind: 'version' }]);
    expect([parse('-h'), parse('plan', '--help')]).toEqual([{ kind: 'help' }, { kind: 'help' }]);
  });

  it.each([
    [['dance']],
    [['--loud']],
    [['plan', 'now']],
    [['apply']],
    [['apply', '--once', '--wait', '']],
    [['apply', '--once', '--wait=-1']],
    [['apply', '--once', '--wait', '1e9']],
    [['config']],
    [['config', 'mend']],
    [['config', 'check', 'a', 'b']],
    [['plan', '-c']],
  ])('refuses %j as wrong usage, with a pointer to the help', (args) => {
    expect(() => parse(...args)).toThrow(
      expect.objectContaining({ code: 'USAGE', remedy: expect.stringContaining('--help') as string }) as Error,
    );
  });

  it('describes every command in the help', () => {
    for (const word of ['plan', 'apply --once', 'config check', 'config show', 'config schema', 'version', '--wait']) {
      expect(helpText).toContain(word);
    }
  });
});
