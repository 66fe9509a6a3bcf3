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

  it('takes what is to be explained', () => {
    const pod = { kind: 'whyPod', namespace: 'shop', name: 'web-0', network: undefined };
    expect(parse('why', 'pod', 'shop/web-0').command).toEqual(pod);
    expect(parse('why', 'pod', 'shop/web-0', '--network', 'a/b').command).toEqual({ ...pod, network: 'a/b' });
    expect(parse('why', 'port', 'p0').command).toEqual({ kind: 'whyObject', object: 'port', name: 'p0' });
    expect(parse('why', 'chain', 'c').command).toEqual({ kind: 'whyObject', object: 'chain', name: 'c' });
  });

  it('takes the form of the output', () => {
    expect(parse('pods').command).toEqual({ kind: 'pods', isWide: false, isFailingFirst: false });
    expect(parse('pods', '-o', 'wide', '--failing-first').command).toEqual({
      kind: 'pods',
      isWide: true,
      isFailingFirst: true,
    });
    expect(parse('pods', '--wide').command).toMatchObject({ isWide: true });
    expect(parse('status', '-o', 'json').isJson).toBe(true);
    expect(parse('status', '--json').isJson).toBe(true);
    expect(parse('status', '--output', 'text').isJson).toBe(false);
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
    [['why'], 'explains a pod, a port or a chain, not ""'],
    [['why', 'node', 'x'], 'not "node"'],
    [['why', 'pod'], 'needs the name of one'],
    [['why', 'pod', 'web-0'], 'is not NAMESPACE/NAME of a pod'],
    [['why', 'pod', 'a/b/c'], 'is not NAMESPACE/NAME of a pod'],
    [['why', 'pod', 'shop/$(id)'], 'is not NAMESPACE/NAME of a pod'],
    [['why', 'pod', 'shop/web-0', 'more'], 'unexpected argument "more"'],
    [['why', 'port', 'p0', '--network', 'x'], '--network is an option of dpuctl why pod'],
    [['pods', '--network', 'x'], '--network is an option of dpuctl why pod'],
    [['pods', 'x'], 'unexpected argument "x"'],
    [['status', '--failing-first'], '--failing-first is an option of dpuctl pods'],
    [['status', '-o', 'wide'], 'the wide form is one of dpuctl pods'],
    [['status', '-o', 'yaml'], 'takes text, json or wide, not "yaml"'],
    [['--nonsense'], '--nonsense'],
  ])('refuses %j', (args, words) => {
    expect(() => parse(...args)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(() => parse(...args)).toThrow(words);
  });
});
