/** Benchmarks of service chains: `npm run bench -- chains [case ...] [--quick]`. */
import { runSuite, type Cases } from '../suite.js';
import { lossCase } from './loss.js';
import { portCase } from './port.js';
import { restartCase } from './restart.js';

interface Effort {
  readonly portCount: number;
  readonly restartCount: number;
  readonly lossCount: number;
}

const cases: Cases<Effort> = {
  'port-50': ({ portCount }) => portCase(50, portCount),
  'restart-1': ({ restartCount }) => restartCase(1, restartCount),
  'restart-50': ({ restartCount }) => restartCase(50, restartCount),
  'restart-200': ({ restartCount }) => restartCase(200, restartCount),
  loss: ({ lossCount }) => lossCase(lossCount),
};

await runSuite(cases, {
  quick: { portCount: 30, restartCount: 3, lossCount: 1 },
  full: { portCount: 300, restartCount: 15, lossCount: 5 },
});
