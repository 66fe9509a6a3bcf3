/** Reads the topology for one command. */

import type { ObjectKind } from '../gen/proto/dpu/agent/v1/common_pb.js';
import { ConditionState } from '../gen/proto/dpu/agent/v1/common_pb.js';
import {
  TopologyService,
  type Attachment,
  type Chain,
  type GetTopologyResponse,
  type TopologyObject,
} from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { AgentError } from '../lib/errors.js';
import { similarNames } from '../lib/similar.js';
import { safeText } from '../lib/text.js';
import type { CommandContext } from './command-context.js';
import { decodeCondition } from './decode.js';
import type { Condition } from '../model/condition.js';

export function readTopology(
  { connection, signal }: Pick<CommandContext, 'connection' | 'signal'>,
  kind: ObjectKind,
): Promise<GetTopologyResponse> {
  return connection.service(TopologyService).getTopology({ kinds: [kind] }, { signal });
}

export const nameOf = ({ ref }: TopologyObject): string => ref?.name ?? '';

/** What is said of the object itself; undefined where it is nobody's business. */
export function ownCondition(object: TopologyObject): Condition | undefined {
  const own = object.conditions.find((entry) => entry.object?.kind === object.ref?.kind) ?? object.conditions[0];
  return own === undefined ? undefined : decodeCondition(own);
}

export const isReady = ({ conditions }: TopologyObject): boolean =>
  conditions.every(({ state }) => state === ConditionState.READY);

export interface Attached {
  readonly object: TopologyObject;
  readonly attachment: Attachment;
}

export function attachmentsOf(objects: readonly TopologyObject[]): readonly Attached[] {
  return objects.flatMap((object) =>
    object.object.case === 'attachment' ? [{ object, attachment: object.object.value }] : [],
  );
}

export interface Chained {
  readonly object: TopologyObject;
  readonly chain: Chain;
}

export function chainsOf(objects: readonly TopologyObject[]): readonly Chained[] {
  return objects.flatMap((object) => (object.object.case === 'chain' ? [{ object, chain: object.object.value }] : []));
}

/** That there is nothing of that name, with names that may have been meant. */
export function noSuch(kind: string, name: string, names: readonly string[]): AgentError {
  const similar = similarNames(name, names, 5).map((entry) => safeText(entry));
  const list = similar.length === 0 ? names.slice(0, 10).map((entry) => safeText(entry)) : similar;
  return new AgentError('NOT_FOUND', `there is no ${kind} "${safeText(name)}"`, {
    remedy: list.length === 0 ? `The agent knows of none.` : `There are: ${list.join(', ')}.`,
  });
}
