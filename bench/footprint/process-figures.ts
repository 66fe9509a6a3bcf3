/** What the kernel says of a process: memory, processor time, and what it wrote. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Resident {
  readonly rssBytes: number;
  /** Of it, what no file stands behind: the rest is the text of Node, shared by all processes of the same program. */
  readonly anonymousBytes: number;
  /** The most that was ever resident. */
  readonly peakBytes: number;
}

export interface Doings {
  /** Processor time of all threads, ms. */
  readonly cpuMs: number;
  /** What reached a block device, or will, as the kernel accounts it (proc(5), `write_bytes`). */
  readonly diskBytes: number;
  /** Calls of write and its like, on sockets, pipes and files alike. */
  readonly writeCalls: number;
  /** How often it was woken. */
  readonly wakeUps: number;
}

/** Of clock ticks a second, for /proc/<pid>/stat. */
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

function numberIn(text: string, key: string): number {
  const found = new RegExp(`^${key}:\\s*(\\d+)`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`the kernel does not tell ${key}`);
  return Number(found);
}

export function resident(pid: number): Resident {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (key: string): number => numberIn(text, key) * 1024;
  return { rssBytes: bytes('VmRSS'), anonymousBytes: bytes('RssAnon'), peakBytes: bytes('VmHWM') };
}

export function doings(pid: number): Doings {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program is in parentheses and may hold anything; user and system time are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const io = readFileSync(`/proc/${pid}/io`, 'utf8');
  return {
    cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond,
    diskBytes: numberIn(io, 'write_bytes'),
    writeCalls: numberIn(io, 'syscw'),
    wakeUps: numberIn(readFileSync(`/proc/${pid}/status`, 'utf8'), 'voluntary_ctxt_switches'),
  };
}

/** Of this process and of the children that have ended and were waited for, in clock ticks that are ms apart: for many repetitions. */
export function processorMs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime, stime, cutime and cstime of proc(5), the 14th to 17th field.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return (ticks * 1000) / ticksPerSecond;
}

/** What was done between two looks. */
export function between(before: Doings, after: Doings): Doings {
  return {
    cpuMs: after.cpuMs - before.cpuMs,
    diskBytes: after.diskBytes - before.diskBytes,
    writeCalls: after.writeCalls - before.writeCalls,
    wakeUps: after.wakeUps - before.wakeUps,
  };
}
