/** The counters of each interface as series, with the pod whose interface it is. Bounded; what is left out is counted. */

import type { StatsAnswer, StatsRow, DirectionCounters } from '../../agent/api-view.js';
import { interfaceMetrics, switchMetrics } from '../../telemetry/catalogue.js';
import type { Families } from '../../telemetry/metric-spec.js';
import { labelText, type SeriesRow, type SeriesValue } from '../../telemetry/series-writer.js';

/** As `api.metrics` of the configuration. */
export interface SeriesLimits {
  readonly representors: boolean;
  readonly podLabels: boolean;
  readonly representorsMax: number;
}

/** In the order of the values of a row. */
export const interfaceSpecs = Object.values(interfaceMetrics);
const counterNames: readonly (keyof DirectionCounters)[] = ['packets', 'bytes', 'drops', 'errors'];

const receivedLabel = 'direction="received"';
const sentLabel = 'direction="sent"';

function valuesOf({ received, sent }: StatsRow): readonly (readonly SeriesValue[])[] {
  return counterNames.map((name) => [
    { label: receivedLabel, value: received[name] },
    { label: sentLabel, value: sent[name] },
  ]);
}

/** Which rows have series: uplinks and patch ports before those of pods, for they tell of all of them. */
function chosen(ports: readonly StatsRow[], pods: ReadonlyMap<string, StatsRow>, max: number): readonly StatsRow[] {
  if (ports.length <= max) return ports;
  const others = ports.filter((row) => !pods.has(row.interface));
  const ofPods = ports.filter((row) => pods.has(row.interface));
  return [...others, ...ofPods].slice(0, max);
}

/** The series, and about them: how many interfaces there are, how many have no series, and how old the counters are. */
export function interfaceSeries(
  families: Families,
  { rows }: StatsAnswer,
  limits: SeriesLimits,
  wallMs: number,
): readonly SeriesRow[] {
  const ports = rows.filter(({ kind }) => kind === 'port');
  const pods = new Map(rows.filter(({ kind }) => kind === 'attachment').map((row) => [row.interface, row]));
  const shown = limits.representors ? chosen(ports, pods, limits.representorsMax) : [];
  families.put(switchMetrics.interfaces, {}, ports.length);
  families.put(switchMetrics.withoutSeries, {}, ports.length - shown.length);
  let newest = -Infinity;
  for (const row of ports) newest = Math.max(newest, row.wallMs);
  if (ports.length > 0) families.put(switchMetrics.countersAge, {}, Math.max(0, wallMs - newest) / 1e3);
  return shown.map((row) => {
    const pod = limits.podLabels ? pods.get(row.interface)?.attachment : undefined;
    const labels = labelText({
      bridge: row.bridge,
      interface: row.interface,
      namespace: pod?.namespace ?? '',
      pod: pod?.pod ?? '',
    });
    return { labels, values: valuesOf(row) };
  });
}
