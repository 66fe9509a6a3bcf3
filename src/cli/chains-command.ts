/** `dpuctl chains`: the service chains, one a line. */

import { ObjectKind } from '../gen/proto/dpu/agent/v1/common_pb.js';
import { GetTopologyResponseSchema, type TopologyObject } from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { safeText } from '../lib/text.js';
import { exitNotReady } from './command-context.js';
import type { CtlContext } from './command-spec.js';
import { topologyRows } from './get-tables.js';
import { isForPeople, printMessage } from './output.js';
import { paintStates } from './paint.js';
import { formatTable } from './table.js';
import { chainsOf, isReady, nameOf, ownCondition, readTopology } from './topology-read.js';

const heading = ['CHAIN', 'BRIDGE', 'SWITCHES', 'PORTS', 'STATE', 'REASON', 'MESSAGE'];

/** A table of all chains, those that are refused among them; a sentence when there are none. */
export function formatChains(objects: readonly TopologyObject[]): string {
  if (objects.length === 0) return 'The agent has no chains.\n';
  const rows = chainsOf(objects).map(({ object, chain: { bridge, switches } }) => {
    const condition = ownCondition(object);
    const isFine = condition === undefined || condition.reason === 'Ready';
    // One that is refused and has no earlier version is known by its name alone.
    const isInForce = switches.length > 0;
    return [
      safeText(nameOf(object)),
      safeText(bridge),
      isInForce ? String(switches.length) : '-',
      isInForce ? String(switches.reduce((sum, { ports }) => sum + ports.length, 0)) : '-',
      condition?.state ?? '-',
      isFine ? '' : condition.reason,
      isFine ? '' : condition.message,
    ];
  });
  return formatTable([heading, ...rows]);
}

export async function chains(context: CtlContext): Promise<number> {
  const topology = await readTopology(context, ObjectKind.CHAIN);
  const { objects } = topology;
  if (!isForPeople(context)) await printMessage(context, GetTopologyResponseSchema, topology);
  else if (context.format === 'table') context.print(paintStates(formatChains(objects), context.paint));
  else {
    const table = formatTable(topologyRows('chain', objects, true, context.clock.wallMs()));
    context.print(paintStates(table, context.paint));
  }
  return objects.every(isReady) ? 0 : exitNotReady;
}
