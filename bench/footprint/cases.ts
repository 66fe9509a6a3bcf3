/** The cases of the bench by name, and how many functions each needs. */
import type { Section } from '../table.js';
import type { Effort } from './effort.js';
import { devicesCase } from './devices-case.js';
import { podsCase } from './pods-case.js';
import { portsCase } from './ports-case.js';
import { writesCase } from './writes-case.js';

export interface Case {
  readonly functionCount: number;
  readonly run: (effort: Effort) => Promise<Section>;
}

export const cases: Readonly<Record<string, Case>> = {
  'ports-0': { functionCount: 1, run: (effort) => portsCase(0, 90, effort) },
  'ports-100': { functionCount: 100, run: (effort) => portsCase(100, 90, effort) },
  'ports-1000': { functionCount: 1000, run: (effort) => portsCase(1000, 130, effort) },
  'devices-100': { functionCount: 100, run: (effort) => devicesCase(0.0005, effort) },
  'devices-1000': { functionCount: 1000, run: (effort) => devicesCase(0.002, effort) },
  'pods-1000': { functionCount: 1000, run: (effort) => podsCase(1000, false, 130, effort) },
  'pods-200-ovn': { functionCount: 200, run: (effort) => podsCase(200, true, 130, effort) },
  writes: { functionCount: 1, run: writesCase },
};
