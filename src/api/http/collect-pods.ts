/** The host cluster's pods and the devices, as metrics. Reads the view; asks nobody. */

import type { AgentView } from '../../agent/api-view.js';
import type { ClusterState, LeaseState } from '../../agent/attach-ports.js';
import type { AttachStatus } from '../../agent/status.js';
import { podMetrics, switchMetrics } from '../../telemetry/catalogue.js';
import type { Families } from '../../telemetry/metric-spec.js';

const attachModes = ['on', 'observe', 'bootGrace', 'standby', 'leaseForeign', 'leaseUnknown', 'blind'];
const clusterStates: readonly ClusterState['kind'][] = ['synced', 'stale', 'connecting'];
const leaseStates: readonly LeaseState['kind'][] = ['disabled', 'unknown', 'held', 'foreign'];

/** What the loop of the pods says; nothing while pods are not looked at. */
export function collectAttach(families: Families, attach: AttachStatus | undefined, wallMs: number): void {
  if (attach === undefined) return;
  const { mode, podCount, cluster, clockSkewMs, lease, statuses } = attach;
  families.states(podMetrics.mode, 'mode', attachModes, mode);
  families.put(podMetrics.pods, {}, podCount);
  families.states(podMetrics.cluster, 'state', clusterStates, cluster.kind);
  const staleMs = cluster.kind === 'stale' ? Math.max(0, wallMs - cluster.sinceWallMs) : 0;
  families.put(podMetrics.clusterStale, {}, cluster.kind === 'connecting' ? undefined : staleMs / 1e3);
  families.put(podMetrics.clockSkew, {}, clockSkewMs === undefined ? undefined : clockSkewMs / 1e3);
  families.states(podMetrics.lease, 'state', leaseStates, lease.kind);
  const renewedMs =
    lease.kind === 'held' ? lease.renewedWallMs : lease.kind === 'foreign' ? lease.seenWallMs : undefined;
  families.put(podMetrics.leaseAge, {}, renewedMs === undefined ? undefined : Math.max(0, wallMs - renewedMs) / 1e3);
  families.put(podMetrics.statusWrites, { outcome: 'written' }, statuses.written);
  families.put(podMetrics.statusWrites, { outcome: 'conflict' }, statuses.conflicts);
  families.put(podMetrics.statusWrites, { outcome: 'failed' }, statuses.failed);
  families.put(podMetrics.statusWritesInFlight, {}, statuses.inFlight);
}

/** Attachments and representors, of which only numbers are exported. */
export function collectTopology(families: Families, { topology }: AgentView): void {
  const { objects } = topology.snapshot();
  const facts = objects.map((object) => object.facts);
  families.count(
    podMetrics.attachments,
    facts.flatMap((entry) => (entry.kind === 'attachment' ? [entry.view] : [])),
  );
  families.count(
    switchMetrics.representors,
    facts.flatMap((entry) => {
      if (entry.kind !== 'representor') return [];
      const { kind, hasCarrier } = entry.netdev;
      return [{ kind, carrier: hasCarrier ? 'yes' : 'no', plugged: entry.bridge === undefined ? 'no' : 'yes' }];
    }),
  );
}
