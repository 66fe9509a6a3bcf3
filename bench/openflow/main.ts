/** The OpenFlow bench: `npm run bench -- openflow [case ...] [--quick]`. Figures of one machine: trust ratios, not digits. */
import { runSuite, type Cases } from '../suite.js';
import { flows, single } from './cases.js';

/** By the number of rounds. */
const cases: Cases<number> = {
  single,
  'flows-1k': (rounds) => flows(1000, rounds),
  'flows-10k': (rounds) => flows(10_000, rounds),
  'flows-100k': (rounds) => flows(100_000, Math.min(rounds, 3)),
};

await runSuite(cases, { quick: 2, full: 7 });
