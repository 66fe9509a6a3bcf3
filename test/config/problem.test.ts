import { describe, expect, it } from 'vitest';
import { ConfigError, formatProblems, type ConfigProblem } from '../../src/config/problem.js';

const inFile = (line: number, path: string, more: Partial<ConfigProblem> = {}): ConfigProblem => ({
  path,
  origin: `file:${line}`,
  line,
  column: 3,
  message: 'wrong',
  ...more,
});

describe('ConfigError', () => {
  it('sorts by line, then environment, then flags', () => {
    const flag: ConfigProblem = { path: 'a', origin: 'flag', message: 'wrong' };
    const env: ConfigProblem = { path: 'b', origin: 'env:X', message: 'wrong' };
    const error = new ConfigError([flag, inFile(20, 'd'), env, inFile(3, 'c')]);
    expect(error.problems.map(({ path }) => path)).toEqual(['c', 'd', 'b', 'a']);
  });

  it('sums up the first problem and counts the others', () => {
    const error = new ConfigError([inFile(20, 'd'), inFile(3, 'c', { remedy: 'Do this.' })]);
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.canRetry).toBe(false);
    expect(error.message).toBe('the configuration is not valid: line 3: c: wrong (and 1 more)');
    expect(error.facts).toEqual({ problems: 2, path: 'c', line: 3 });
    expect(error.remedy).toBe('Do this.');
  });
});

describe('formatProblems', () => {
  it('shows place, line, caret and remedy', () => {
    const error = new ConfigError([inFile(4, 'bridges[0].x', { excerpt: '  x: 1', remedy: 'Did you mean "y"?' })]);
    expect(formatProblems(error, 'config.yaml')).toBe(
      [
        'config.yaml:4:3: bridges[0].x: wrong',
        '    4 |   x: 1',
        '      |   ^',
        '      = Did you mean "y"?',
        '',
        '1 problem; nothing was changed.',
        '',
      ].join('\n'),
    );
  });

  it('names the variable once, the flag, and the file when there is no line', () => {
    const text = formatProblems(
      new ConfigError([
        { path: 'DPU_AGENT_X', origin: 'env:DPU_AGENT_X', message: 'unknown' },
        { path: 'log.level', origin: 'flag', message: 'wrong' },
        { path: '$', origin: 'default', message: 'more' },
      ]),
      'config.yaml',
    );
    expect(text).toContain('environment variable DPU_AGENT_X: unknown\n');
    expect(text).toContain('--set: log.level: wrong\n');
    expect(text).toContain('config.yaml: $: more\n');
    expect(text).toContain('3 problems;');
  });

  it('leaves the caret out where the line was cut', () => {
    const error = new ConfigError([inFile(1, 'a', { column: 500, excerpt: 'short' })]);
    expect(formatProblems(error, 'f')).not.toContain('^');
  });
});
