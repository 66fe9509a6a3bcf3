/** One case, in a process of its own inside the network namespace of the DPU: `node inside.js CASE [--quick]`. */
import { eachCase, effortOf, report } from '../suite.js';
import { cases } from './cases.js';
import { efforts } from './effort.js';

await eachCase(cases, async ({ run }) => report(await run(effortOf(efforts))));
