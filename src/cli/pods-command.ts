/** `dpuctl pods`: the networks of the host cluster's pods, one a line. */

import { create } from '@bufbuild/protobuf';
import { ObjectKind } from '../gen/proto/dpu/agent/v1/common_pb.js';
import { NodeService } from '../gen/proto/dpu/agent/v1/node_pb.js';
import { GetTopologyResponseSchema, type TopologyObject } from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { AgentError } from '../lib/errors.js';
import { formatAttachState } from './attach-text.js';
import { exitNotReady } from './command-context.js';
import type { CommandInput, CtlContext } from './command-spec.js';
import { decodeAttach, wallMsOf } from './decode.js';
import { topologyRows } from './get-tables.js';
import { isForPeople, printMessage } from './output.js';
import { paintStates } from './paint.js';
import { formatAge } from './status-text.js';
import { formatTable } from './table.js';
import { attachmentsOf, isReady, nameOf, ownCondition, readTopology } from './topology-read.js';

const order = { failed: 0, waiting: 1, ready: 2 } as const;

const rank = (object: TopologyObject): number => order[ownCondition(object)?.state ?? 'ready'];

const compareNames = (a: TopologyObject, b: TopologyObject): number => (nameOf(a) < nameOf(b) ? -1 : 1);

/** By name; those that have failed before those that wait, where that is wanted. */
export function sortAttachments(
  objects: readonly TopologyObject[],
  isFailingFirst: boolean,
): readonly TopologyObject[] {
  return [...objects].sort((a, b) => (isFailingFirst ? rank(a) - rank(b) : 0) || compareNames(a, b));
}

/** The table; pods that have nothing to attach are counted. */
export function formatPods(
  objects: readonly TopologyObject[],
  podCount: number,
  isWide: boolean,
  nowWallMs: number,
): string {
  const pods = new Set(attachmentsOf(objects).map(({ attachment }) => `${attachment.namespace}/${attachment.pod}`));
  const bareCount = Math.max(0, podCount - pods.size);
  const bare = bareCount === 0 ? '' : `${bareCount} pod(s) have nothing to attach.\n`;
  if (objects.length === 0) return bare === '' ? 'The agent knows of no pods.\n' : bare;
  const table = formatTable(topologyRows('attachment', objects, isWide, nowWallMs));
  return bare === '' ? table : `${table}\n${bare}`;
}

export async function pods(context: CtlContext, { options }: CommandInput): Promise<number> {
  const { connection, signal, clock } = context;
  const [{ status }, topology] = await Promise.all([
    connection.service(NodeService).getStatus({}, { signal }),
    readTopology(context, ObjectKind.ATTACHMENT),
  ]);
  if (status?.attach === undefined) {
    throw new AgentError('NOT_CONNECTED', 'the agent does not look at the pods of a host cluster', {
      remedy: 'Set hostCluster, and attach.mode to observe or attach; just after a start, wait a moment.',
    });
  }
  const attach = decodeAttach(status.attach);
  const objects = sortAttachments(topology.objects, options['failing-first'] === true);
  const nowWallMs = clock.wallMs();
  const [ageMs, freshMs] = [nowWallMs - (wallMsOf(status.observedAt) ?? 0), status.freshSeconds * 1_000];
  if (isForPeople(context)) {
    const table = formatPods(objects, attach.podCount, context.format === 'wide', nowWallMs);
    const age = formatAge(ageMs, freshMs);
    context.print(`${formatAttachState(attach, nowWallMs)}\n${paintStates(table, context.paint)}\n${age}`);
  } else {
    const { resourceVersion } = topology;
    const shown = create(GetTopologyResponseSchema, { resourceVersion, objects: [...objects] });
    await printMessage(context, GetTopologyResponseSchema, shown);
  }
  const isFresh = ageMs <= freshMs && attach.cluster.kind !== 'connecting';
  return isFresh && objects.every(isReady) ? 0 : exitNotReady;
}
