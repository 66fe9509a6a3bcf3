/** What the supervisor of offload knows, for those who show it. Pure. */

import type { OffloadRecord } from '../offload/offload-record.js';
import type { CheckReport } from '../offload/run-checks.js';
import type { TrafficRecord } from '../offload/traffic-record.js';
import type { MeasurementState, OffloadSupervision } from './api-view.js';

export interface SupervisionSources {
  readonly record: OffloadRecord;
  readonly traffic: TrafficRecord;
  readonly report: CheckReport;
  readonly measurements: readonly MeasurementState[];
  /** Of who asks ovs-vswitchd. */
  readonly poller: { readonly slowdown: number; readonly refusal: string | undefined };
}

export function supervisionView(sources: SupervisionSources): OffloadSupervision {
  const { record, traffic, report, measurements, poller } = sources;
  return {
    settings: record.settings(),
    restart: record.restart(),
    findings: report.findings,
    clear: report.clear,
    notTestable: report.notTestable,
    datapaths: record.datapaths().map(({ name, flows, flowLimit, flowLimitConfigured, offloaded, dumpMs }) => ({
      ...{ name, flows, flowLimit, flowLimitConfigured, dumpMs },
      offloadedByOvs: offloaded,
    })),
    tiers: traffic.tiers(),
    reasons: traffic.reasons(),
    measurements,
    slowdown: poller.slowdown,
    flowsRefusal: poller.refusal,
    hugePages: record.hugePages(),
    connections: record.connections(),
    insertion: record.insertion(),
    representors: record.representors(),
    packets: traffic.packets(),
  };
}
