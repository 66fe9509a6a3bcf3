import { describe, expect, it } from 'vitest';
import { globalOptions } from '../../src/cli/command-spec.js';
import { commands } from '../../src/cli/command-table.js';
import { optionTexts, parseLine } from '../../src/cli/command-line.js';
import { commandHelp, helpText } from '../../src/cli/help-text.js';

const parse = (...args: readonly string[]) => {
  const line = parseLine(commands, args);
  if (line.kind === 'help') throw new Error('only help was asked for');
  return line;
};

describe('the command line of dpuctl', () => {
  it('shows the status when nothing is said, or only where the agent is', () => {
    expect(parse().command.name).toBe('status');
    expect(parse('--address', 'unix:/x/api.sock').command.name).toBe('status');
    expect(parse('-o', 'json', 'status').format).toBe('json');
  });

  it('takes the longest command that the words begin with', () => {
    const line = parse('why', 'pod', 'shop/web-0', '--network', 'a/b');
    expect([line.command.name, line.input.args, line.input.options['network']]).toEqual([
      'why pod',
      ['shop/web-0'],
      'a/b',
    ]);
    expect(parse('--run-dir', '/x', 'chain', 'fw').input.args).toEqual(['fw']);
  });

  it('takes the same letter for different options of different commands', () => {
    expect(parse('journal', '-f').input.options['follow']).toBe(true);
    expect(parse('apply', '-f', 'bundle.yaml').input.options['file']).toBe('bundle.yaml');
  });

  it('takes the form of the output, and refuses one that the command has not', () => {
    expect(parse('status').format).toBe('table');
    expect(parse('status', '-o', 'text').format).toBe('table');
    expect(parse('pods', '--wide').format).toBe('wide');
    expect(parse('status', '--json').format).toBe('json');
    expect(parse('get', 'ports', '-o', 'yaml').format).toBe('yaml');
    expect(() => parse('chain', 'a', '-o', 'wide')).toThrow('prints table, json, yaml, not wide');
  });

  it.each([
    [['help', 'nosuch'], 'there is no command "nosuch"'],
    [['nosuch', '-h'], 'there is no command "nosuch"'],
    [['help', 'why', 'nosuch'], 'dpuctl why takes pod, port, chain, not "nosuch"'],
    [['get', 'ports', '-o', 'table', '--json'], 'table and json are asked for at the same time'],
    [['get', 'ports', '--wide', '--json'], 'json and wide are asked for at the same time'],
  ])('refuses %j', (args, message) => {
    expect(() => parseLine(commands, args)).toThrow(message);
  });

  it('takes an option that may be given again as a list', () => {
    expect(optionTexts(parse('offload', 'flows', '--port', 'a', '--port', 'b').input.options, 'port')).toEqual([
      'a',
      'b',
    ]);
    expect(optionTexts(parse('offload', 'flows').input.options, 'port')).toEqual([]);
    expect(optionTexts(parse('offload', 'top', '--kind', 'pod').input.options, 'kind')).toEqual(['pod']);
    expect(optionTexts(parse('offload', 'top', '-w').input.options, 'watch')).toEqual([]);
    expect(() => parse('offload', 'top', '--kind', 'bridge')).toThrow('--kind takes pod, port, chain, not "bridge"');
    expect(() => parse('offload', 'nosuch')).toThrow('dpuctl offload takes status, top, flows, why');
  });

  it('takes one kind for several, and several for one', () => {
    expect(parseLine(commands, ['get', 'port', 'p0'])).toMatchObject({ input: { args: ['ports', 'p0'] } });
    expect(parseLine(commands, ['describe', 'ports', 'p0'])).toMatchObject({ input: { args: ['port', 'p0'] } });
    expect(parseLine(commands, ['watch', 'bridge'])).toMatchObject({ input: { args: ['bridges'] } });
    expect(parseLine(commands, ['get', 'ports', '-o', 'json', '--json'])).toMatchObject({ format: 'json' });
  });

  it('gives help on all commands, or on the one that is named', () => {
    expect(parseLine(commands, ['--help'])).toEqual({ kind: 'help', topic: undefined });
    expect(parseLine(commands, ['why', '-h'])).toEqual({ kind: 'help', topic: undefined });
    expect(parseLine(commands, ['why', 'pod', '--help'])).toMatchObject({ topic: { name: 'why pod' } });
    expect(parseLine(commands, ['help', 'trace'])).toMatchObject({ topic: { name: 'trace' } });
  });

  it.each([
    [['nonsense'], 'there is no command "nonsense"'],
    [['chain'], 'needs CHAIN'],
    [['trace', 'a', 'b'], 'unexpected argument "b"'],
    [['status', 'x'], 'unexpected argument "x"'],
    [['get', 'unicorns'], 'KIND is one of bridges, ports'],
    [['why'], 'dpuctl why takes pod, port, chain'],
    [['why', 'bridge', 'x'], 'dpuctl why takes pod, port, chain, not "bridge"'],
    [['pods', '--from', 'p0'], '--from is an option of dpuctl trace'],
    [['status', '-o', 'xml'], '--output takes table, wide'],
    [['status', '--loud'], "Unknown option '--loud'"],
    [['status', '--timeout', 'soon'], '--timeout takes seconds'],
  ])('is refused: %j', (args, message) => {
    expect(() => parseLine(commands, args)).toThrow(message);
  });
});

describe('the table of commands', () => {
  it('has code for each', async () => {
    for (const { load } of commands) expect(typeof (await load())).toBe('function');
  });

  it('names no command and no option twice', () => {
    const names = commands.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { options } of commands) {
      const all = [...globalOptions, ...options];
      const taken = all.flatMap(({ name, short }) => [name, ...(short === undefined ? [] : [short])]);
      expect(new Set(taken).size).toBe(taken.length);
    }
  });

  it('has only examples that can be parsed', () => {
    for (const { examples = [], name } of commands) {
      for (const example of examples) {
        const args = [...example.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
        expect(parse(...args).command.name).toBe(name);
      }
    }
  });

  it('is what help prints', () => {
    const help = helpText(commands);
    for (const { summary } of commands) expect(help).toContain(summary);
    expect(help).toMatch(/^ {2}-o, --output FORMAT {2,}\S/m);
    const trace = commands.find(({ name }) => name === 'trace');
    expect(trace === undefined ? '' : commandHelp(trace)).toContain('Usage: dpuctl trace CHAIN [OPTIONS]');
  });
});
