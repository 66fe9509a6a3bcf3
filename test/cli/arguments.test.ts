import { describe, expect, it } from 'vitest';
import { parseInvocation } from '../../src/cli/arguments.js';

const parse = (...args: readonly string[]) => parseInvocation(args, {});

describe('the command line of dpuctl', () => {
  it('shows the status when nothing is said', () => {
    expect(parse()).toEqual({
      command: { kind: 'status' },
      isJson: false,
      runDir: '/run/dpu-node-agent',
      ovsRunDir: undefined,
    });
  });

  it('takes the run directory from the option before the environment', () => {
    const env = { DPU_AGENT_RUN_DIR: '/env' };
    expect(parseInvocation([], env).runDir).toBe('/env');
    expect(parseInvocation(['--run-dir', '/option'], env).runDir).toBe('/option');
  });

  it('takes a chain with its options', () => {
    expect(parse('chain', 'fw', '--interval', '0.5').command).toEqual({ kind: 'chain', chain: 'fw', intervalMs: 500 });
    expect(parse('chain', 'fw').command).toMatchObject({ intervalMs: 1_000 });
    const trace = { kind: 'trace', chain: 'fw', from: 'p0', packet: 'udp' };
    expect(parse('trace', 'fw', '--from', 'p0', '--packet', 'udp').command).toEqual(trace);
  });

  it('gives help whatever else is said', () => {
    expect(parse('nonsense', '--help').command).toEqual({ kind: 'help' });
  });

  it.each([
    [['nonsense'], 'there is no command "nonsense"'],
    [['chain'], 'needs the name of a chain'],
    [['trace', 'a', 'b'], 'unexpected argument "b"'],
    [['status', 'x'], 'unexpected argument "x"'],
    [['chain', 'a', '--interval', '-1'], 'ambiguous'],
    [['chain', 'a', '--interval=-1'], 'from 0 to 3600'],
    [['chain', 'a', '--interval', 'soon'], 'from 0 to 3600'],
    [['status', '--packet', 'udp'], '--packet is an option of dpuctl trace'],
    [['trace', 'a', '--interval', '1'], '--interval is an option of dpuctl chain'],
    [['--nonsense'], '--nonsense'],
  ])('refuses %j', (args, words) => {
    expect(() => parse(...args)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(() => parse(...args)).toThrow(words);
  });
});
