import { open } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { runTool } from '../../src/host/run-tool.js';
import { systemClock } from '../../src/lib/clock.js';
import { FakeTool } from '../fakes/fake-tool.js';

const calm = { clock: systemClock, timeoutMs: 30_000 };

describe('runTool', () => {
  it('gives exit code and both outputs', async () => {
    await using tool = await FakeTool.create('echo out; echo err >&2; exit 3');
    expect(await runTool(tool, ['a b', '$HOME', ';'], calm)).toEqual({
      kind: 'exited',
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await tool.calls()).toEqual(['a b $HOME ;']);
  });

  it('puts the fixed arguments first and passes nothing of its own environment', async () => {
    await using tool = await FakeTool.create('env');
    vi.stubEnv('SECRET_TOKEN', 'x');
    const result = await runTool({ file: tool.file, args: ['-n', 'dpu'] }, ['link'], calm);
    vi.unstubAllEnvs();
    expect(result).toMatchObject({ kind: 'exited', stdout: expect.stringContaining('LC_ALL=C') as unknown });
    expect(JSON.stringify(result)).not.toContain('SECRET_TOKEN');
    expect(await tool.calls()).toEqual(['-n dpu link']);
  });

  it('says that a program cannot be started', async () => {
    expect(await runTool({ file: '/nonexistent/ip', args: [] }, [], calm)).toEqual({
      kind: 'notStarted',
      reason: 'ENOENT',
    });
  });

  it('says so too where Node throws instead of telling', async () => {
    expect(await runTool({ file: '/proc/self/status/ip', args: [] }, [], calm)).toEqual({
      kind: 'notStarted',
      reason: 'ENOTDIR',
    });
    expect(await runTool({ file: 'ip', args: [] }, ['a\0b'], calm)).toMatchObject({ kind: 'notStarted' });
    await using tool = await FakeTool.create('true');
    await using writer = await open(tool.file, 'r+');
    expect(writer.fd).toBeGreaterThan(0);
    expect(await runTool(tool, [], calm)).toEqual({ kind: 'notStarted', reason: 'ETXTBSY' });
  });

  it('gives up at the deadline and kills the program', async () => {
    await using tool = await FakeTool.create('echo $$ > "$D/pid"; exec sleep 1000');
    expect(await runTool(tool, [], { clock: systemClock, timeoutMs: 300 })).toEqual({ kind: 'timedOut' });
    const pid = Number(await tool.text('pid'));
    expect(pid).toBeGreaterThan(0);
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 5_000);
  });

  it('does not start a program for a caller that has given up', async () => {
    await using tool = await FakeTool.create('true');
    expect(await runTool(tool, [], { ...calm, signal: AbortSignal.abort() })).toEqual({ kind: 'aborted' });
    expect(await tool.calls()).toEqual([]);
  });

  it('stops a program when the caller gives up', async () => {
    await using tool = await FakeTool.create('exec sleep 1000');
    const controller = new AbortController();
    const result = runTool(tool, ['x'], { ...calm, signal: controller.signal });
    await vi.waitFor(async () => expect(await tool.calls()).toEqual(['x']), 5_000);
    controller.abort();
    expect(await result).toEqual({ kind: 'aborted' });
  });

  it('does not keep an output without end', async () => {
    await using tool = await FakeTool.create('exec yes');
    const result = await runTool(tool, [], { ...calm, outputBytesMax: 1000 });
    expect(result).toEqual({ kind: 'broken', reason: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER' });
  });

  it('gives a program something to read', async () => {
    await using tool = await FakeTool.create('exec cat');
    const stdin = 'line\n'.repeat(10_000);
    expect(await runTool(tool, [], { ...calm, stdin })).toEqual({ kind: 'exited', code: 0, stdout: stdin, stderr: '' });
  });

  it('does not mind a program that ends before it has read everything', async () => {
    await using tool = await FakeTool.create('exit 4');
    const result = await runTool(tool, [], { ...calm, stdin: 'x'.repeat(4_000_000) });
    expect(result).toMatchObject({ kind: 'exited', code: 4 });
  });

  it('tells a program that was killed from one that ended', async () => {
    await using tool = await FakeTool.create('kill -9 $$');
    expect(await runTool(tool, [], calm)).toEqual({ kind: 'broken', reason: 'signal SIGKILL' });
  });
});
