/** The OVSDB bench: `npm run bench -- ovsdb [case ...] [--quick]`. Figures of one machine: trust ratios, not digits. */
import { runSuite, type Cases } from '../suite.js';
import { addPort, type Effort, sync, transactions, updates } from './cases.js';

const cases: Cases<Effort> = {
  'sync-1k': (effort) => sync(1000, effort),
  'sync-10k': (effort) => sync(10_000, effort),
  'sync-50k': (effort) => sync(50_000, { ...effort, rounds: Math.min(3, effort.rounds) }),
  transactions,
  updates,
  'add-port': (effort) => addPort(10, effort),
  'add-port-500': (effort) => addPort(500, effort),
};

await runSuite(cases, { quick: { rounds: 1, count: 2000 }, full: { rounds: 5, count: 8000 } });
