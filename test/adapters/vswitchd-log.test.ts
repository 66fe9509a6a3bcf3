import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linesOfLife, VswitchdLog } from '../../src/adapters/vswitchd-log.js';
import { ManualClock } from '../config/manual-clock.js';

const startedMs = Date.parse('2026-08-06T10:00:00.000Z');
const line = (time: string, number: string, rest = 'bridge|INFO|text'): string =>
  `2026-08-06T${time}Z|${number}|${rest}`;

describe('the lines of a life', () => {
  it('begin with the first message of its main thread', () => {
    const lines = [
      line('10:00:00.100', '00841'),
      line('10:00:00.200', '00001', 'vlog|INFO|opened log file'),
      line('10:00:00.300', '00001', 'ofproto_dpif_upcall(handler1)|WARN|text'),
      line('10:00:00.300', '00002'),
    ];
    expect(linesOfLife(lines.join('\n'), startedMs)).toEqual(lines.slice(1));
  });

  it('begin with its time where a monitor has started it, and each has what follows it', () => {
    const lines = [
      line('09:59:59.900', '00012'),
      '  of the life before',
      line('10:00:00.000', '00013'),
      '  of this one',
      '',
    ];
    expect(linesOfLife(lines.join('\n'), startedMs)).toEqual([lines[2], lines[3]]);
  });

  it('are none where nothing was written since', () => {
    expect(linesOfLife(line('09:00:00.000', '00001'), startedMs)).toEqual([]);
    expect(linesOfLife('not a log at all\n\n', startedMs)).toEqual([]);
  });

  it('are the last 200, bounded and escaped', () => {
    const lines = Array.from({ length: 300 }, (_, index) =>
      line('10:01:00.000', String(index + 10), `x|INFO|\u001b${index}`),
    );
    const told = linesOfLife(
      [...lines, line('10:01:00.000', '400', `x|INFO|${'y'.repeat(5000)}`)].join('\n'),
      startedMs,
    );
    expect(told).toHaveLength(200);
    expect(told[0]).toContain('\\u001b101');
    expect(told.at(-1)?.length).toBe(1025);
  });
});

describe('the log', () => {
  let root: string;
  const life = { pid: 42, startedMs, isVisible: true };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'log-'));
    await mkdir(join(root, 'proc/42/fd'), { recursive: true });
    await mkdir(join(root, 'proc/42/root/var/log'), { recursive: true });
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  const cmdline = (...words: readonly string[]): Promise<void> =>
    writeFile(join(root, 'proc/42/cmdline'), `${words.join('\0')}\0`);

  it('is the one of the command line, in the mount namespace of the process', async () => {
    await cmdline('ovs-vswitchd', '--log-file=/var/log/ovs.log');
    await writeFile(join(root, 'proc/42/root/var/log/ovs.log'), `${line('10:00:01.000', '00007')}\n`);
    expect(await new VswitchdLog({ root }).read(life)).toEqual({
      kind: 'known',
      value: [line('10:00:01.000', '00007')],
    });
  });

  it('is the one that the process has open where the command line names none', async () => {
    await cmdline('ovs-vswitchd', '--log-file');
    await writeFile(join(root, 'somewhere.log'), line('10:00:01.000', '00007'));
    await symlink('/dev/null', join(root, 'proc/42/fd/0'));
    await symlink(join(root, 'somewhere.log'), join(root, 'proc/42/fd/5'));
    expect(await new VswitchdLog({ root }).read(life)).toMatchObject({ value: [line('10:00:01.000', '00007')] });
  });

  it('is read from its end only, and from the beginning of a line', async () => {
    const file = join(root, 'long.log');
    const lines = Array.from({ length: 5000 }, (_, index) => line('10:00:01.000', String(index + 2).padStart(5, '0')));
    await writeFile(file, `${lines.join('\n')}\n`);
    const told = await new VswitchdLog({ file }).read(life);
    expect(told).toEqual({ kind: 'known', value: lines.slice(-200) });
  });

  it('is given up on a file system that hangs, and not read again while it does', async () => {
    const clock = new ManualClock();
    let asked = 0;
    const tail = (): Promise<string> => {
      asked += 1;
      return new Promise(() => undefined);
    };
    const log = new VswitchdLog({ file: '/hung.log', clock, tail });
    const told = log.read(life);
    clock.advance(2_000);
    expect(await told).toEqual({
      kind: 'unknown',
      why: 'the log of ovs-vswitchd cannot be read: its file system has not answered in 2000 ms',
    });
    expect(await log.read(life)).toEqual({ kind: 'unknown', why: 'the file system of the log of ovs-vswitchd hangs' });
    expect(asked).toBe(1);
    expect(clock.timerCount).toBe(0);
  });

  it('is unknown where it is not to be seen, not there, or no file', async () => {
    const why = async (log: VswitchdLog, isVisible = true): Promise<string> => {
      const told = await log.read({ ...life, isVisible });
      return told.kind === 'unknown' ? told.why : 'known';
    };
    expect(await why(new VswitchdLog({ root }), false)).toContain('not to be seen');
    expect(await why(new VswitchdLog({ root }))).toContain('ENOENT');
    await cmdline('ovs-vswitchd');
    expect(await why(new VswitchdLog({ root }))).toBe('ovs-vswitchd keeps no log file');
    await cmdline('ovs-vswitchd', '--log-file=/nonesuch.log');
    expect(await why(new VswitchdLog({ root }))).toBe('the log of ovs-vswitchd cannot be read: ENOENT');
    expect(await why(new VswitchdLog({ file: root }))).toBe('the log of ovs-vswitchd cannot be read: it is no file');
  });
});
