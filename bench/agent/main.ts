/** The agent's bench: `npm run bench -- agent [case ...] [--quick]`. Figures of one machine: trust ratios, not digits. */
import { runSuite, type Cases } from '../suite.js';
import { drift, type Effort } from './drift.js';

const cases: Cases<Effort> = Object.fromEntries(
  [10, 200, 1000].flatMap((count) => [
    [`drift-${count}-db`, (effort: Effort) => drift(count, false, effort)],
    [`drift-${count}`, (effort: Effort) => drift(count, true, effort)],
  ]),
);

await runSuite(cases, {
  quick: { changeCount: 23, commandCount: 13 },
  full: { changeCount: 203, commandCount: 33 },
});
