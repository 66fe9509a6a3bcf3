/**
 * What was measured of the offload of each interface and chain as series, with the pod whose interface it is. Bounded as the
 * series of interfaces are. What was not measured has none.
 */

import type { OffloadMeasured, OffloadRow } from '../../agent/api-view.js';
import { offloadObjectMetrics } from '../../telemetry/catalogue-offload.js';
import { labelText, type SeriesRow, type SeriesValue } from '../../telemetry/series-writer.js';
import type { SeriesLimits } from './interface-series.js';

/** In the order of the values of a row: packets of an interface, its share, the share of a chain. */
export const offloadSpecs = [
  offloadObjectMetrics.interfacePackets,
  offloadObjectMetrics.interfaceRatio,
  offloadObjectMetrics.chainRatio,
];

/** As many as a configuration may hold. */
const chainsMax = 256;

interface MeasuredRow {
  readonly row: OffloadRow;
  readonly measured: OffloadMeasured;
}

function packetsOf({ seen }: OffloadMeasured): readonly SeriesValue[] {
  if (seen === undefined) return [];
  return [
    { label: 'path="hw"', value: seen.hardware },
    { label: 'path="sw"', value: seen.software },
  ];
}

function ratioOf({ source, hardwareShare }: OffloadMeasured): readonly SeriesValue[] {
  return source === 'none' ? [] : [{ label: `source="${source}"`, value: hardwareShare }];
}

function measuredOf(rows: readonly OffloadRow[], kind: OffloadRow['kind']): readonly MeasuredRow[] {
  return rows.flatMap((row) =>
    row.kind === kind && row.measured !== undefined ? [{ row, measured: row.measured }] : [],
  );
}

/** The pod of each interface that is one's, as `namespace/pod`. */
function podsOf(rows: readonly OffloadRow[]): ReadonlyMap<string, string> {
  const pods = rows.filter((row) => row.kind === 'attachment' && row.interface !== '');
  return new Map(pods.map((row) => [row.interface, row.name]));
}

function interfaceRow({ row, measured }: MeasuredRow, pod: string | undefined): SeriesRow {
  const slash = pod?.indexOf('/') ?? -1;
  const labels = labelText({
    interface: row.interface,
    namespace: pod?.slice(0, Math.max(0, slash)) ?? '',
    pod: pod?.slice(slash + 1) ?? '',
  });
  return { labels, values: [packetsOf(measured), ratioOf(measured), []] };
}

/** Uplinks and patch ports before those of pods where not all have room, as with the counters of interfaces. */
function chosen(
  ports: readonly MeasuredRow[],
  pods: ReadonlyMap<string, string>,
  countMax: number,
): readonly MeasuredRow[] {
  if (ports.length <= countMax) return ports;
  const isOfPod = ({ row }: MeasuredRow): boolean => pods.has(row.interface);
  return [...ports.filter((port) => !isOfPod(port)), ...ports.filter(isOfPod)].slice(0, countMax);
}

/** The series of interfaces, then those of chains. */
export function offloadSeries(rows: readonly OffloadRow[], limits: SeriesLimits): readonly SeriesRow[] {
  const pods = podsOf(rows);
  const ports = limits.representors ? chosen(measuredOf(rows, 'port'), pods, limits.representorsMax) : [];
  const chains = measuredOf(rows, 'chain').slice(0, chainsMax);
  return [
    ...ports.map((port) => interfaceRow(port, limits.podLabels ? pods.get(port.row.interface) : undefined)),
    ...chains.map(({ row, measured }) => ({
      labels: labelText({ chain: row.name }),
      values: [[], [], ratioOf(measured)],
    })),
  ];
}
