/** `dpuctl get`: objects of one kind, one a line. */

import { create } from '@bufbuild/protobuf';
import { ObjectKind } from '../gen/proto/dpu/agent/v1/common_pb.js';
import { IntentStatus_Phase, ListResponseSchema } from '../gen/proto/dpu/agent/v1/intent_pb.js';
import { NodeService, StatusSchema } from '../gen/proto/dpu/agent/v1/node_pb.js';
import { GetTopologyResponseSchema, type TopologyObject } from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { exitNotReady } from './command-context.js';
import type { CommandInput, CtlContext } from './command-spec.js';
import { findingRows, intentRows, topologyRows } from './get-tables.js';
import { listIntents } from './list-intents.js';
import { isForPeople, printData, printMessage, toPlain } from './output.js';
import { paintStates } from './paint.js';
import { formatTable } from './table.js';
import { isReady, nameOf, noSuch, readTopology } from './topology-read.js';
import { usage } from './usage.js';

/** Words of the command line with the kind that they mean; one of them is as good as several. */
export const topologyKinds = {
  bridges: ['bridge', ObjectKind.BRIDGE],
  ports: ['port', ObjectKind.PORT],
  representors: ['representor', ObjectKind.REPRESENTOR],
  attachments: ['attachment', ObjectKind.ATTACHMENT],
  chains: ['chain', ObjectKind.CHAIN],
} as const;

export type TopologyWord = keyof typeof topologyKinds;

/** `port` and `ports` are the same. */
export function topologyWord(word: string): TopologyWord | undefined {
  const plural = Object.keys(topologyKinds).find((name) => name === word || name === `${word}s`);
  return plural as TopologyWord | undefined;
}

function print(context: CtlContext, rows: readonly (readonly string[])[], none: string): void {
  context.print(rows.length <= 1 ? `${none}\n` : paintStates(formatTable(rows), context.paint));
}

/** The object of that name; of an attachment also all networks of the pod. */
export function selectObjects(
  word: TopologyWord,
  objects: readonly TopologyObject[],
  name: string | undefined,
): readonly TopologyObject[] {
  if (name === undefined) return objects;
  const found = objects.filter((object) => {
    if (nameOf(object) === name) return true;
    return (
      object.object.case === 'attachment' && `${object.object.value.namespace}/${object.object.value.pod}` === name
    );
  });
  if (found.length === 0) throw noSuch(topologyKinds[word][0], name, objects.map(nameOf));
  return found;
}

async function getTopology(context: CtlContext, word: TopologyWord, name: string | undefined): Promise<number> {
  const [kind, number] = topologyKinds[word];
  const answer = await readTopology(context, number);
  const objects = selectObjects(word, answer.objects, name);
  if (isForPeople(context)) {
    const rows = topologyRows(kind, objects, context.format === 'wide', context.clock.wallMs());
    print(context, rows, `There are no ${word}.`);
  } else {
    const { resourceVersion } = answer;
    const shown = create(GetTopologyResponseSchema, { resourceVersion, objects: [...objects] });
    await printMessage(context, GetTopologyResponseSchema, shown);
  }
  return objects.every(isReady) ? 0 : exitNotReady;
}

async function getFindings(context: CtlContext, name: string | undefined): Promise<number> {
  const { connection, signal } = context;
  const { status } = await connection.service(NodeService).getStatus({}, { signal });
  const all = status?.findings ?? [];
  const findings =
    name === undefined ? all : all.filter(({ object, reason }) => object?.name === name || reason === name);
  if (isForPeople(context)) print(context, findingRows(findings, context.format === 'wide'), 'There are no findings.');
  else {
    const plain = toPlain(StatusSchema, create(StatusSchema, { findings }));
    const list = typeof plain === 'object' && plain !== null && 'findings' in plain ? plain['findings'] : [];
    await printData(context, { findings: list });
  }
  return findings.length === 0 ? 0 : exitNotReady;
}

async function getIntents(context: CtlContext, name: string | undefined): Promise<number> {
  const { connection, signal } = context;
  const all = await listIntents(connection, signal);
  const intents = all.filter(({ owner }) => name === undefined || owner === name);
  if (name !== undefined && intents.length === 0) {
    throw noSuch(
      'intent of owner',
      name,
      all.map(({ owner }) => owner),
    );
  }
  if (isForPeople(context)) {
    print(
      context,
      intentRows(intents, context.format === 'wide', context.clock.wallMs()),
      'No owner has handed in a bundle.',
    );
  } else await printMessage(context, ListResponseSchema, create(ListResponseSchema, { intents }));
  return intents.every(({ status }) => status?.phase === IntentStatus_Phase.READY) ? 0 : exitNotReady;
}

export async function get(context: CtlContext, { args }: CommandInput): Promise<number> {
  const [word = '', name] = args;
  if (word === 'findings' || word === 'finding') return getFindings(context, name);
  if (word === 'intents' || word === 'intent') return getIntents(context, name);
  const kind = topologyWord(word);
  if (kind === undefined) throw usage(`there is no kind "${word}"`);
  return getTopology(context, kind, name);
}
