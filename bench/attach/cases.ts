/** The cases of the bench by name, and how many functions each needs. */
import type { Section } from '../table.js';
import type { Effort } from './effort.js';
import { memoryCase } from './memory-case.js';
import { portsCase } from './ports-case.js';

export interface Case {
  readonly functionCount: number;
  readonly run: (effort: Effort) => Promise<Section>;
}

export const cases: Readonly<Record<string, Case>> = {
  'ports-10': { functionCount: 200, run: (effort) => portsCase(10, false, effort) },
  'ports-100': { functionCount: 200, run: (effort) => portsCase(100, false, effort) },
  'ports-500': { functionCount: 200, run: (effort) => portsCase(500, false, effort) },
  ovn: { functionCount: 200, run: (effort) => portsCase(10, true, effort) },
  memory: { functionCount: 1000, run: memoryCase },
};
