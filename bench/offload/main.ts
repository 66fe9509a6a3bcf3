/** Benchmarks of offload statistics: `npm run bench -- offload [case ...] [--quick]`. Figures of one machine: trust ratios. */
import { runSuite, type Cases } from '../suite.js';
import { dump } from './dump.js';
import { parseLines } from './lines.js';
import { live } from './live.js';
import { steady, type SteadyEffort } from './steady.js';

interface Effort extends SteadyEffort {
  readonly flowCount: number;
  readonly liveCount: number;
  readonly rounds: number;
}

const cases: Cases<Effort> = {
  lines: ({ flowCount, rounds }) => Promise.resolve(parseLines(flowCount, rounds)),
  dump: ({ flowCount, rounds }) => dump(flowCount, rounds),
  live: ({ liveCount, rounds }) => live(liveCount, rounds),
  steady,
};

/** A DPU with all its functions, and the largest number of flows that is dumped without being asked for. */
const sizes = { portCount: 1000, steadyFlows: 20_000 };

await runSuite(cases, {
  quick: { flowCount: 200_000, liveCount: 2000, rounds: 1, ...sizes, windowMs: 60_000, turns: 1 },
  full: { flowCount: 200_000, liveCount: 20_000, rounds: 5, ...sizes, windowMs: 120_000, turns: 3 },
});
