import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  parseProcessStat,
  processStartedWallMs,
  readDaemonProcess,
  readUptimeMs,
} from '../../src/host/process-facts.js';
import { filesOf } from '../fakes/file-texts.js';

const fields = 'S 1 77 77 0 -1 4194368 6177 0 0 0 1531 482 0 0 20 0 9 0';
const stat = (name: string, ticks: string): string =>
  `77 (${name}) ${fields} ${ticks} 400000 9000 18446744073709551615\n`;

const daemon = (): Record<string, string> => ({
  '/proc/stat': 'cpu  1 2 3\nbtime 1700000000\nprocesses 4\n',
  '/proc/uptime': '7200.52 28000.00\n',
  '/proc/77/stat': stat('ovs-vswitchd', '12345'),
  '/proc/77/status': 'Name:\tovs-vswitchd\nVmHWM:\t  300000 kB\nVmRSS:\t  204800 kB\nThreads:\t9\n',
});

describe('the process of ovs-vswitchd', () => {
  it('has a start, an age and memory', async () => {
    expect(await readDaemonProcess(77, { files: filesOf(daemon()) })).toEqual({
      kind: 'known',
      value: {
        pid: 77,
        startedWallMs: 1_700_000_123_450,
        ageMs: 7_200_520 - 123_450,
        residentBytes: 200 * 2 ** 20,
      },
    });
  });

  it('started at one time, whoever asks', async () => {
    const files = filesOf(daemon());
    const reading = await readDaemonProcess(77, { files });
    expect(reading).toMatchObject({ value: { startedWallMs: await processStartedWallMs(77, { files }) } });
  });

  it('keeps its start when the clock of the machine is set, and its age', async () => {
    const texts = daemon();
    const files = filesOf(texts);
    const before = await readDaemonProcess(77, { files });
    texts['/proc/stat'] = 'btime 1799999999\n';
    expect(await readDaemonProcess(77, { files })).toEqual(before);
    expect(await processStartedWallMs(77, { files })).toBe(1_700_000_123_450);
  });

  it('is another one with another start', async () => {
    const texts = daemon();
    const files = filesOf(texts);
    await processStartedWallMs(77, { files });
    texts['/proc/77/stat'] = stat('ovs-vswitchd', '12346');
    expect(await processStartedWallMs(77, { files })).toBe(1_700_000_123_460);
  });

  it('may have the name that Ubuntu gives the build with DPDK', async () => {
    const files = filesOf({ ...daemon(), '/proc/77/stat': stat('ovs-vswitchd-dp', '1') });
    expect(await readDaemonProcess(77, { files })).toMatchObject({ kind: 'known' });
  });

  it('is unknown where its number is of another namespace', async () => {
    const files = filesOf({ ...daemon(), '/proc/77/stat': stat('ki\u001bll) (me', '5') });
    const fact = await readDaemonProcess(77, { files });
    expect(fact).toEqual({
      kind: 'unknown',
      why: 'process 77 is ki\\u001bll) (me here; ovs-vswitchd may run in another pid namespace',
    });
    expect(await processStartedWallMs(77, { files })).toBeUndefined();
    expect(await readDaemonProcess(78, { files })).toMatchObject({
      why: expect.stringContaining('not to be seen') as string,
    });
    expect(await readDaemonProcess(undefined, { files })).toMatchObject({ why: 'no process of ovs-vswitchd is known' });
  });

  it.each([
    ['/proc/stat', 'cpu 1\n', 'when the machine was booted'],
    ['/proc/uptime', 'long\n', '/proc/uptime'],
    ['/proc/77/stat', '77 (ovs-vswitchd) S 1\n', '/proc/77/stat'],
    ['/proc/77/status', 'Name:\tovs-vswitchd\nState:\tZ (zombie)\n', 'VmRSS'],
  ])('is unknown without what %s says', async (path, text, why) => {
    const fact = await readDaemonProcess(77, { files: filesOf({ ...daemon(), [path]: text }) });
    expect(fact).toMatchObject({ kind: 'unknown', why: expect.stringContaining(why) as string });
  });

  it('is read of the kernel as it writes it', async () => {
    const parsed = parseProcessStat(readFileSync('/proc/self/stat', 'utf8'));
    const uptime = await readUptimeMs();
    if (parsed === undefined || uptime.kind === 'unknown') throw new Error('this machine has no proc(5)');
    // Of this process, which has run for less than the machine.
    expect(parsed.startedTicks * 10).toBeGreaterThan(0);
    expect(parsed.startedTicks * 10).toBeLessThan(uptime.value);
  });

  it.each(['', '77', '77 (x', '77 x) S', '77 (x) S 1 2', `77 (x) ${fields} soon 1`])('makes nothing of %j', (text) => {
    expect(parseProcessStat(text)).toBeUndefined();
  });
});
