/**
 * What proc(5) says of the process ovs-vswitchd: when it was started, and how much memory it holds. Read under an injected root.
 * Whoever asks for its start asks here, so that all name one life of the daemon alike.
 */

import { join } from 'node:path';
import { safeText } from '../lib/text.js';
import { known, unknown, type Fact } from '../model/fact.js';
import type { FileSource, FilesUnderRoot } from './file-source.js';
import { promptFiles } from './prompt-files.js';

/** One life of ovs-vswitchd. */
export interface DaemonProcess {
  readonly pid: number;
  /** Milliseconds since 1970 UTC; stays the same when the clock of the machine is set. */
  readonly startedWallMs: number;
  /** Since its start, ms; of the kernel's own clock, so that setting the clock of the machine does not change it. */
  readonly ageMs: number;
  /** VmRSS: memory in RAM, huge pages not counted. */
  readonly residentBytes: number;
}

/**
 * USER_HZ, in which starttime is written (proc_pid_stat(5), field 22): 100 on every architecture that Node runs on
 * (include/uapi/asm-generic/param.h of Linux).
 */
const millisecondsPerTick = 10;
const smallBytesMax = 16_384;
/** /proc/stat has a number for each interrupt of the machine in one line. */
const statBytesMax = 1_048_576;
const rootsMax = 16;
/** The kernel cuts the name at 15 characters: `ovs-vswitchd-dp` is the build of Ubuntu with DPDK. */
const daemonName = 'ovs-vswitchd';

/**
 * Times of boot, for each source by its root, as first read. The kernel computes `btime` from the wall clock each time: a card
 * without a battery for its clock boots years behind, and the first answer of NTP would make one process look like two.
 */
const bootTimes = new WeakMap<FileSource, Map<string, number>>();

async function bootedWallMs(root: string, files: FileSource): Promise<number | undefined> {
  const kept = bootTimes.get(files) ?? new Map<string, number>();
  bootTimes.set(files, kept);
  const stat = kept.has(root) ? undefined : await textOf(files, join(root, 'proc/stat'), statBytesMax);
  const seconds = /^btime ([0-9]{1,12})$/m.exec(stat ?? '')?.[1];
  // Asked once more: of two that read at the same time, the first to end decides for both.
  if (seconds !== undefined && !kept.has(root) && kept.size < rootsMax) kept.set(root, Number(seconds) * 1000);
  return kept.get(root);
}

/** Any failure means that the fact is not known: no such file or process, no right to read it, too long to be it. */
async function textOf(files: FileSource, path: string, bytesMax: number): Promise<string | undefined> {
  return files.read(path, bytesMax).catch(() => undefined);
}

/** Name and starttime of proc_pid_stat(5). The name stands in brackets and may have brackets itself. */
export function parseProcessStat(text: string): { readonly name: string; readonly startedTicks: number } | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  // The fields after the name begin with field 3.
  const ticks = text.slice(close + 2).split(' ')[22 - 3];
  if (open < 0 || close < open || ticks === undefined || !/^[0-9]{1,14}$/.test(ticks)) return undefined;
  return { name: text.slice(open + 1, close), startedTicks: Number(ticks) };
}

async function findDaemon(pid: number, root: string, files: FileSource): Promise<Fact<number>> {
  const text = await textOf(files, join(root, 'proc', String(pid), 'stat'), smallBytesMax);
  if (text === undefined) return unknown(`process ${pid} is not to be seen here; it may run in another pid namespace`);
  const stat = parseProcessStat(text);
  if (stat === undefined) return unknown(`/proc/${pid}/stat cannot be read`);
  // The number is of the daemon's own pid namespace, where it may well be somebody else's here.
  if (!stat.name.includes(daemonName)) {
    return unknown(`process ${pid} is ${safeText(stat.name, 32)} here; ${daemonName} may run in another pid namespace`);
  }
  return known(stat.startedTicks);
}

/**
 * When ovs-vswitchd was started, milliseconds since 1970 UTC. Equal for one process however often it is asked, and for all who
 * read from the same `files` and `root`. Undefined: no such process is to be seen here. Never rejects.
 * @param pid as its pid file says
 */
export async function processStartedWallMs(
  pid: number,
  { root = '/', files = promptFiles }: FilesUnderRoot = {},
): Promise<number | undefined> {
  const [ticks, booted] = await Promise.all([findDaemon(pid, root, files), bootedWallMs(root, files)]);
  return ticks.kind === 'unknown' || booted === undefined ? undefined : booted + ticks.value * millisecondsPerTick;
}

/** Since the machine was booted, ms: the first number of proc_uptime(5), seconds. Never rejects. */
export async function readUptimeMs({ root = '/', files = promptFiles }: FilesUnderRoot = {}): Promise<Fact<number>> {
  const text = await textOf(files, join(root, 'proc/uptime'), smallBytesMax);
  const seconds = /^([0-9]{1,12}(?:\.[0-9]{1,9})?) /.exec(text ?? '')?.[1];
  return seconds === undefined ? unknown('/proc/uptime cannot be read') : known(Math.round(Number(seconds) * 1000));
}

/**
 * Start and memory of ovs-vswitchd. Never rejects.
 * @param pid as its pid file says; undefined: there is none
 */
export async function readDaemonProcess(
  pid: number | undefined,
  { root = '/', files = promptFiles }: FilesUnderRoot = {},
): Promise<Fact<DaemonProcess>> {
  if (pid === undefined) return unknown(`no process of ${daemonName} is known`);
  const [ticks, booted, uptime, status] = await Promise.all([
    findDaemon(pid, root, files),
    bootedWallMs(root, files),
    readUptimeMs({ root, files }),
    textOf(files, join(root, 'proc', String(pid), 'status'), smallBytesMax),
  ]);
  if (ticks.kind === 'unknown') return ticks;
  if (uptime.kind === 'unknown') return uptime;
  if (booted === undefined) return unknown('/proc/stat does not say when the machine was booted');
  // proc_pid_status(5); in kB whatever the size of a page, unlike statm.
  const kilobytes = /^VmRSS:\s+([0-9]{1,12}) kB$/m.exec(status ?? '')?.[1];
  if (kilobytes === undefined) return unknown(`/proc/${pid}/status has no VmRSS: the process is ending`);
  const startedMs = ticks.value * millisecondsPerTick;
  return known({
    pid,
    startedWallMs: booted + startedMs,
    ageMs: Math.max(0, uptime.value - startedMs),
    residentBytes: Number(kilobytes) * 1024,
  });
}
