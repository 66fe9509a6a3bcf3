/** Offload under supervision, with something of everything that metrics are made of. */

import type { OffloadMeasured, OffloadOverview, OffloadRow, OffloadSupervision } from '../../src/agent/api-view.js';
import { measuredOf, offloadRow, overviewOf, supervisionOf, tally } from './offload-world.js';

/** What `supervisionOf` leaves out because not every machine tells it; each figure is told from the others by its value. */
const seldomTold: Partial<OffloadSupervision> = {
  flowsRefusal: 'the datapath has too many flows',
  hugePages: [{ sizeBytes: 2 ** 21, total: 512, free: 12 }],
  connections: [{ table: 'nf_conntrack', count: 900, limit: 1_000 }],
  insertion: {
    enqueued: 5,
    inserted: 700,
    connectionsBoth: 30,
    connectionsOne: 6,
    latencyMean: 0.000_2,
    latencyDeviation: 0.000_05,
  },
  representors: { expected: 16, present: 14, stale: 1, down: 2 },
};

export const supervised = (
  fields: Partial<OffloadSupervision> = {},
  about: Partial<OffloadOverview> = {},
): OffloadOverview => overviewOf({ supervision: supervisionOf({ ...seldomTold, ...fields }), ...about });

/** By the counters of its port: 900 packets of 1000 in hardware. */
export const byCounters: OffloadMeasured = measuredOf({
  hardwareShare: 0.9,
  counters: { hardwarePackets: 900, softwarePackets: 100, spanMs: 60_000 },
  seen: { hardware: 90_000, software: 4_000 },
  flows: undefined,
});

/** By a dump alone: 250 packets of 1000 in hardware. */
export const byFlows: OffloadMeasured = measuredOf({
  source: 'flows',
  hardwareShare: 0.25,
  counters: undefined,
  flows: { hardware: tally(1, 250), software: tally(3, 750), apart: tally(2, 9_000) },
});

export const measuredRow = (
  kind: OffloadRow['kind'],
  name: string,
  device: string,
  measured?: OffloadMeasured,
): OffloadRow => offloadRow(kind, name, 'partial', { interface: device, measured });
