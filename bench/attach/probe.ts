/**
 * Loaded into the agent's process before its main file. On SIGUSR2 it begins to measure the pauses of the event loop, on the
 * next it notes the longest and ends that: while nothing is asked for it costs nothing.
 */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';

const resolutionMs = 2;
const file = process.env['BENCH_PROBE'] ?? '';
const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
let isOn = false;

export interface ProbeNote {
  /** Longest pause of the event loop, ms. */
  readonly pauseMs: number;
  /** Processor time since the process began, ms. */
  readonly cpuMs: number;
}

function note(pauseMs: number): void {
  const { user, system } = process.cpuUsage();
  const text: ProbeNote = { pauseMs, cpuMs: (user + system) / 1_000 };
  writeFileSync(file, JSON.stringify(text));
}

process.on('SIGUSR2', () => {
  isOn = !isOn;
  if (isOn) {
    histogram.reset();
    histogram.enable();
    note(0);
    return;
  }
  histogram.disable();
  // What is recorded are the distances of a timer's calls.
  note(Math.max(0, histogram.max / 1e6 - resolutionMs));
});
