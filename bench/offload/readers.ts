/** Those who read a dump, each a process of its own: this library, and what people do today. */
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Reading {
  readonly ms: number;
  /** Largest resident set, bytes; of ovs-appctl without its grep. */
  readonly peak: number;
  /** Flows in hardware that it found. */
  readonly offloaded: number;
}

export type HowToRead = 'stream' | 'call';

/** Reads with this library: line by line, or the whole text at once. Without the start of the process. */
export async function readByLibrary(socket: string, how: HowToRead): Promise<Reading & { readonly cpuMs: number }> {
  const script = join(import.meta.dirname, 'children', 'read.js');
  const { stdout } = await run(process.execPath, [script, `socket=${socket}`, `how=${how}`]);
  return JSON.parse(stdout) as Reading & { readonly cpuMs: number };
}

/** `ovs-appctl dpctl/dump-flows -m | grep -c offloaded:yes`, with the start of both. */
export async function readByAppctl(socket: string): Promise<Reading> {
  const startMs = performance.now();
  const appctl = spawn('ovs-appctl', ['-t', socket, 'dpctl/dump-flows', '-m'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const grep = spawn('grep', ['-c', 'offloaded:yes'], { stdio: [appctl.stdout, 'pipe', 'inherit'] });
  // This process reads nothing of the pipe: it belongs to grep.
  appctl.stdout.destroy();
  let count = '';
  grep.stdout.setEncoding('utf8').on('data', (text: string) => (count += text));
  let peak = 0;
  const look = setInterval(() => {
    void peakOf(appctl.pid).then((size) => (peak = Math.max(peak, size)));
  }, 10);
  await new Promise((resolve) => grep.once('close', resolve));
  clearInterval(look);
  return { ms: performance.now() - startMs, peak, offloaded: Number(count) };
}

async function peakOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** `grep -c` over the text in a file: the least that reading it can cost. */
export async function grepFile(file: string): Promise<Reading> {
  const startMs = performance.now();
  const { stdout } = await run('grep', ['-c', 'offloaded:yes', file]);
  return { ms: performance.now() - startMs, peak: NaN, offloaded: Number(stdout) };
}
