/** Tables of connections that can be full: in hardware, in userspace, in the kernel. Pure. */

import { known, type Fact } from '../../model/fact.js';
import type { Effective } from '../effective-settings.js';
import type { EngineKind } from '../engine-state.js';
import type { ConnectionFacts } from '../offload-facts.js';
import type { InsertionReading } from '../readings.js';

/** Name of the table of OVS-DOCA. */
export const hardwareTable = 'hardware';

/**
 * The table of OVS-DOCA. NVIDIA's build tells its connections with the statistics of offload, those of both directions and
 * those of one; how many it has room for is hw-offload-ct-size. Undefined: there is none, or nobody tells its fill.
 * @param stored what the database says of the size, or its default: it counts where nothing proves what is in effect
 */
export function hardwareConnections(
  engine: EngineKind | undefined,
  insertion: InsertionReading | undefined,
  effective: Effective,
  stored: string | undefined,
): ConnectionFacts | undefined {
  const { connectionsBoth, connectionsOne } = insertion ?? {};
  if (engine !== 'doca' || (connectionsBoth === undefined && connectionsOne === undefined)) return undefined;
  const size = effective.kind === 'known' ? effective.value : stored;
  const limit = Number(size ?? '');
  if (size === undefined || !Number.isSafeInteger(limit) || limit < 0) return undefined;
  return { table: hardwareTable, count: (connectionsBoth ?? 0) + (connectionsOne ?? 0), limit };
}

/** All tables that can be seen; unknown where there is none, for the reason of the first. */
export function allConnections(
  hardware: ConnectionFacts | undefined,
  others: readonly [Fact<readonly ConnectionFacts[]>, ...Fact<readonly ConnectionFacts[]>[]],
): Fact<readonly ConnectionFacts[]> {
  const seen = others.flatMap((fact) => (fact.kind === 'known' ? [fact.value] : []));
  if (hardware === undefined && seen.length === 0) return others[0];
  return known([...(hardware === undefined ? [] : [hardware]), ...seen.flat()]);
}
