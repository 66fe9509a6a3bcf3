/** Runs the children of the bench, each a process of its own so that nothing of the last one is in its heap. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { median } from '../table.js';

export type Figures = Readonly<Record<string, number>>;

export interface Child {
  /** Resolves when the child says "ready". */
  readonly ready: Promise<void>;
  /** The figures of its last line. Rejects when it fails. */
  readonly figures: Promise<Figures>;
}

/** How long one child may take, ms. */
const childMsMax = 180_000;

/** Starts a child that was compiled with this bench. */
export function startNode(name: string, args: Readonly<Record<string, string | number>>): Child {
  const script = join(import.meta.dirname, 'children', `${name}.js`);
  const pairs = Object.entries(args).map(([key, value]) => `${key}=${value}`);
  return start(process.execPath, ['--expose-gc', script, ...pairs]);
}

/** Starts a Python peer with the interpreter that has Debian's ovs package. */
export function startPython(name: string, args: readonly string[]): Child {
  return start('/usr/bin/python3', [join(process.env['BENCH_PEERS'] ?? '.', `${name}.py`), ...args]);
}

function start(file: string, args: readonly string[]): Child {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: childMsMax, killSignal: 'SIGKILL' });
  let lastLine = '';
  let isReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  createInterface(child.stdout).on('line', (line) => {
    if (line === 'ready') isReady();
    else lastLine = line;
  });
  const figures = new Promise<Figures>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      isReady();
      if (code === 0) resolve(JSON.parse(lastLine) as Figures);
      else reject(new Error(`${file} ${args.join(' ')} ended with ${String(code)}`));
    });
  });
  return { ready, figures };
}

/** The wall time of a program, ms. */
export async function timeTool(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** The median of one figure over several rounds. */
export function medianOf(rounds: readonly Figures[], name: string): number {
  return median(rounds.map((figures) => figures[name] ?? NaN));
}
