/** Processor time, as the kernel counts it. */
import { readFile } from 'node:fs/promises';

/** USER_HZ is 100 on every Linux that Node runs on. */
const msPerTick = 10;

/** Fields of proc(5) from the third on: the name before them may hold blanks and brackets. */
async function statFields(path: string): Promise<readonly number[]> {
  const stat = await readFile(path, 'utf8');
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}

/** Of all threads of a process, ms. */
export async function processMs(pid: number): Promise<number> {
  const fields = await statFields(`/proc/${pid}/stat`);
  return ((fields[11] ?? 0) + (fields[12] ?? 0)) * msPerTick;
}

/** Of the children of a process that have ended, ms. */
export async function childrenMs(pid: number): Promise<number> {
  const fields = await statFields(`/proc/${pid}/stat`);
  return ((fields[13] ?? 0) + (fields[14] ?? 0)) * msPerTick;
}

/** Of the main thread of a process alone, ms; to the nanosecond, unlike the ticks of `stat`. */
export async function mainThreadMs(pid: number): Promise<number> {
  const [runNs = '0'] = (await readFile(`/proc/${pid}/task/${pid}/schedstat`, 'utf8')).split(' ');
  return Number(runNs) / 1e6;
}
