/** What a process has used, as the kernel counts it. */
import { readFile } from 'node:fs/promises';

export interface ProcessLoad {
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly atMs: number;
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const msPerTick = 10;

export async function loadOf(pid: number): Promise<ProcessLoad> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name may hold blanks and brackets; what follows the last bracket is fields 3 and on (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? '0';
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * msPerTick,
    rssBytes: Number(kilobytes) * 1024,
    atMs: performance.now(),
  };
}

/** Share of one processor between two looks, percent. */
export function cpuPercent(from: ProcessLoad, to: ProcessLoad): number {
  return (100 * (to.cpuMs - from.cpuMs)) / (to.atMs - from.atMs);
}
