/**
 * `bridge/dump-flows --offload-stats BRIDGE`, since 2.13: the OpenFlow rules of a bridge, hidden ones too, with the part of their
 * packets that is credited to hardware (ofproto.c, flow_stats_ds). Packets are credited by what the datapath flow is when its
 * counters are read, marking included. Tested with 3.1, 3.5, 4.0.
 */

import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface BridgeFlow {
  /** 0 when it is not printed. */
  readonly table: number;
  readonly durationS: number;
  readonly packets: number;
  readonly bytes: number;
  /** A part of `packets`; undefined without --offload-stats. */
  readonly offloadPackets: number | undefined;
  readonly offloadBytes: number | undefined;
  /** Priority and match as printed, without a comma at the end. */
  readonly match: string;
  readonly actions: string;
}

export interface BridgeFlows {
  readonly flows: readonly BridgeFlow[];
  readonly unknown: UnknownLines;
}

export function parseBridgeFlows(text: string): BridgeFlows {
  const flows: BridgeFlow[] = [];
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const flow = flowOf(line);
    if (flow === undefined) unknown.add(line);
    else flows.push(flow);
  }
  return { flows, unknown: unknown.result };
}

const statistics = new Set(['table_id', 'duration', 'n_packets', 'n_bytes', 'n_offload_packets', 'n_offload_bytes']);

function flowOf(line: string): BridgeFlow | undefined {
  const actionsAt = line.indexOf('actions=');
  if (actionsAt < 0) return undefined;
  const figures = new Map<string, number>();
  const parts = line.slice(0, actionsAt).split(', ');
  const match: string[] = [];
  for (const part of parts) {
    const [, name = '', value] = /^\s*(\w+)=(\d+)s?$/.exec(part) ?? [];
    if (statistics.has(name)) figures.set(name, Number(value));
    else match.push(part);
  }
  const packets = figures.get('n_packets');
  const bytes = figures.get('n_bytes');
  if (packets === undefined || bytes === undefined) return undefined;
  return {
    table: figures.get('table_id') ?? 0,
    durationS: figures.get('duration') ?? 0,
    packets,
    bytes,
    offloadPackets: figures.get('n_offload_packets'),
    offloadBytes: figures.get('n_offload_bytes'),
    match: match.join(', ').replace(/,$/, ''),
    actions: line.slice(actionsAt + 'actions='.length),
  };
}
