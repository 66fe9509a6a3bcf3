/** Hardware offload of the machine as a whole, as metrics. Reads the view; asks nobody. What is not known has no series. */

import type { MeasurementState, OffloadOverview, OffloadRow, OffloadSupervision } from '../../agent/api-view.js';
import { offloadMetrics } from '../../telemetry/catalogue-offload.js';
import type { Families } from '../../telemetry/metric-spec.js';

type Setting = OffloadSupervision['settings'][number];

/** Engine and objects are told by the database alone; all else only while somebody supervises. */
export function collectOffload(families: Families, overview: OffloadOverview, rows: readonly OffloadRow[]): void {
  const { engine, isConfigured, isInEffect, supervision } = overview;
  if (engine !== 'unknown') {
    families.put(offloadMetrics.configured, {}, isConfigured);
    families.put(offloadMetrics.engine, { engine }, 1);
  }
  families.put(offloadMetrics.inEffect, {}, isInEffect);
  families.count(offloadMetrics.objects, rows);
  collectRatio(families, rows);
  if (supervision === undefined) return;
  families.put(offloadMetrics.waiting, {}, overview.waiting !== undefined);
  collectFlows(families, supervision);
  collectSettings(families, supervision);
  collectTables(families, supervision);
  for (const measurement of supervision.measurements) collectMeasurement(families, measurement);
}

/** Of all ports together: a packet counts at each port that it crosses, on either path. */
function collectRatio(families: Families, rows: readonly OffloadRow[]): void {
  const counted = { hardware: 0, software: 0 };
  const dumped = { hardware: 0, software: 0 };
  for (const { kind, measured } of rows) {
    if (kind !== 'port' || measured === undefined) continue;
    counted.hardware += measured.counters?.hardwarePackets ?? 0;
    counted.software += measured.counters?.softwarePackets ?? 0;
    dumped.hardware += measured.flows?.hardware.packets ?? 0;
    dumped.software += measured.flows?.software.packets ?? 0;
  }
  const sources = [
    ['counters', counted],
    ['flows', dumped],
  ] as const;
  for (const [source, { hardware, software }] of sources) {
    const all = hardware + software;
    families.put(offloadMetrics.ratio, { source }, all > 0 ? hardware / all : undefined);
  }
}

function collectFlows(families: Families, supervision: OffloadSupervision): void {
  const { tiers, reasons, datapaths, packets, slowdown, flowsRefusal } = supervision;
  families.put(offloadMetrics.packets, { path: 'hw' }, packets.hardware);
  families.put(offloadMetrics.packets, { path: 'sw' }, packets.software);
  for (const [tier, { flows }] of tiers) families.put(offloadMetrics.flows, { tier }, flows);
  for (const [reason, { flows }] of reasons) families.put(offloadMetrics.softwareFlows, { reason }, flows);
  for (const { name: datapath, flows, flowLimit, flowLimitConfigured, dumpMs } of datapaths) {
    families.put(offloadMetrics.datapathFlows, { datapath }, flows);
    families.put(offloadMetrics.flowLimit, { datapath, kind: 'configured' }, flowLimitConfigured);
    families.put(offloadMetrics.flowLimit, { datapath, kind: 'effective' }, flowLimit);
    families.put(offloadMetrics.dumpDuration, { datapath }, secondsOf(dumpMs));
  }
  families.put(offloadMetrics.slowdown, {}, slowdown);
  families.put(offloadMetrics.dumpsByItself, {}, flowsRefusal === undefined);
}

/** Whether the daemon lacks what is declared, or else stored; undefined: nothing proves it. */
function drifts({ verdict, effective }: Setting): boolean | undefined {
  switch (verdict) {
    case 'inEffect':
      return effective.kind === 'known' ? false : undefined;
    case 'restartRequired':
    case 'dangerous':
    case 'invalid':
    case 'applyLive':
      return true;
    case 'staged':
    case 'unknown':
      return undefined;
  }
}

function collectSettings(families: Families, { settings, restart, findings, ...checks }: OffloadSupervision): void {
  families.count(offloadMetrics.settings, settings);
  for (const setting of settings) families.put(offloadMetrics.configDrift, { key: setting.key }, drifts(setting));
  families.put(offloadMetrics.restartRequired, {}, restart !== undefined);
  families.count(offloadMetrics.findings, findings);
  families.put(offloadMetrics.checks, { outcome: 'clear' }, checks.clear.length);
  families.put(offloadMetrics.checks, { outcome: 'notTestable' }, checks.notTestable.length);
}

function collectTables(families: Families, supervision: OffloadSupervision): void {
  const { representors, hugePages, connections, insertion } = supervision;
  for (const state of ['expected', 'present', 'stale', 'down'] as const) {
    families.put(offloadMetrics.representors, { state }, representors[state]);
  }
  for (const { sizeBytes, total, free } of hugePages) {
    // As the kernel names them: hugepages-2048kB.
    const size = `${sizeBytes / 1_024}kB`;
    families.put(offloadMetrics.hugePages, { size, state: 'total' }, total * sizeBytes);
    families.put(offloadMetrics.hugePages, { size, state: 'free' }, free * sizeBytes);
  }
  for (const { table, count, limit } of connections) {
    families.put(offloadMetrics.connections, { table }, count);
    families.put(offloadMetrics.connectionLimit, { table }, limit > 0 ? limit : undefined);
  }
  if (insertion === undefined) return;
  families.put(offloadMetrics.enqueued, {}, insertion.enqueued);
  families.put(offloadMetrics.inserted, {}, insertion.inserted);
  families.put(offloadMetrics.hardwareConnections, { direction: 'both' }, insertion.connectionsBoth);
  families.put(offloadMetrics.hardwareConnections, { direction: 'one' }, insertion.connectionsOne);
  families.put(offloadMetrics.insertLatency, { stat: 'mean' }, insertion.latencyMean);
  families.put(offloadMetrics.insertLatency, { stat: 'deviation' }, insertion.latencyDeviation);
}

function collectMeasurement(families: Families, state: MeasurementState): void {
  const { name: measurement, wallMs, cost, readings, failures, mainThreadMs } = state;
  families.put(offloadMetrics.measuredAt, { measurement }, secondsOf(wallMs));
  families.put(offloadMetrics.measurements, { measurement }, readings);
  families.put(offloadMetrics.measurementFailures, { measurement }, failures);
  families.put(offloadMetrics.collectorDuration, { measurement }, secondsOf(cost?.tookMs));
  families.put(offloadMetrics.mainThread, { measurement }, mainThreadMs / 1e3);
}

function secondsOf(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1e3;
}
