import { describe, expect, it } from 'vitest';
import { parseOptions, vfCountMax } from '../../src/sandbox/options.js';

describe('the command line of the sandbox', () => {
  it('brings up three functions, live and real, when nothing is said', () => {
    expect(parseOptions([])).toEqual({ isOnce: false, vfCount: 3, isDummy: false, isHelp: false });
  });

  it('takes what is said', () => {
    const args = ['--once', '--dummy', '--vfs', String(vfCountMax), '-h'];
    expect(parseOptions(args)).toEqual({ isOnce: true, vfCount: vfCountMax, isDummy: true, isHelp: true });
  });

  it.each([['0'], ['65'], ['-1'], ['2.5'], ['many'], ['']])('refuses %j functions', (count) => {
    expect(() => parseOptions([`--vfs=${count}`])).toThrow('1 to 64');
  });

  it('refuses what it does not know', () => {
    expect(() => parseOptions(['--loud'])).toThrow('--loud');
    expect(() => parseOptions(['now'])).toThrow();
  });
});
