/** `dpuctl describe`: everything that the agent tells of one object. */

import { toJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { IntentSchema, IntentService } from '../gen/proto/dpu/agent/v1/intent_pb.js';
import { NodeService, type Status } from '../gen/proto/dpu/agent/v1/node_pb.js';
import { TopologyObjectSchema, type TopologyObject } from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { safeText } from '../lib/text.js';
import { conditionLines, findingLines } from './account-text.js';
import { exitNotReady } from './command-context.js';
import type { CommandInput, CtlContext } from './command-spec.js';
import { decodeCondition, decodeFinding } from './decode.js';
import { selectObjects, topologyKinds, topologyWord, type TopologyWord } from './get-command.js';
import { formatIntentStatus } from './intent-text.js';
import { isForPeople, printData, printMessage, toPlain } from './output.js';
import { paintMarks } from './paint.js';
import { isReady, nameOf, readTopology } from './topology-read.js';
import { usage } from './usage.js';

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `datapathType` → `datapath type`. */
const label = (key: string): string =>
  safeText(
    key.replace(/(?<=[a-z0-9])[A-Z]/g, (c) => ` ${c.toLowerCase()}`),
    128,
  );

/** Fields as indented lines, nested ones below their name; what is not there is left out. */
export function fieldLines(value: JsonObject, indent = '  '): readonly string[] {
  return Object.entries(value).flatMap(([key, entry]) => entryLines(label(key), entry, indent));
}

function entryLines(name: string, value: JsonValue, indent: string): readonly string[] {
  if (value === '' || value === null) return [];
  if (isObject(value)) return [`${indent}${name}:`, ...fieldLines(value, `${indent}  `)];
  if (!Array.isArray(value)) return [`${indent}${name}: ${safeText(String(value), 1_000)}`];
  if (value.length === 0) return [];
  if (!value.some((item) => typeof item === 'object')) {
    return [`${indent}${name}: ${safeText(value.map(String).join(', '), 2_000)}`];
  }
  return [`${indent}${name}:`, ...value.flatMap((item) => itemLines(item, `${indent}  `))];
}

function itemLines(item: JsonValue, indent: string): readonly string[] {
  if (!isObject(item)) return [`${indent}- ${safeText(JSON.stringify(item), 1_000)}`];
  const [first = '', ...rest] = fieldLines(item, `${indent}  `);
  return [`${indent}- ${first.trimStart()}`, ...rest];
}

/** What a topology object is, as text; `findings` are those about it. */
export function describeObject(object: TopologyObject, status: Status | undefined): string {
  const { ref, conditions } = object;
  const json = toJson(TopologyObjectSchema, object) as JsonObject;
  const what = isObject(json) && object.object.case !== undefined ? json[object.object.case] : undefined;
  const where = ref?.bridge === undefined || ref.bridge === '' ? '' : ` on ${safeText(ref.bridge)}`;
  const findings = (status?.findings ?? []).filter((entry) => entry.object?.name === ref?.name);
  const lines = [
    `${object.object.case ?? 'object'} ${safeText(nameOf(object), 512)}${where}`,
    ...(isObject(what) ? fieldLines(what) : []),
    ...(conditions.length === 0 ? [] : ['', 'Conditions:', ...conditions.map(decodeCondition).flatMap(conditionLines)]),
    ...(findings.length === 0 ? [] : ['', 'Findings:', ...findings.map(decodeFinding).flatMap(findingLines)]),
  ];
  return `${lines.join('\n')}\n`;
}

async function describeTopology(context: CtlContext, word: TopologyWord, name: string): Promise<number> {
  const { connection, signal } = context;
  const [answer, { status }] = await Promise.all([
    readTopology(context, topologyKinds[word][1]),
    connection.service(NodeService).getStatus({}, { signal }),
  ]);
  const objects = selectObjects(word, answer.objects, name);
  if (isForPeople(context)) {
    const texts = objects.map((object) => describeObject(object, status));
    context.print(paintMarks(texts.join('\n'), context.paint));
  } else await printData(context, { objects: objects.map((object) => toPlain(TopologyObjectSchema, object)) });
  return objects.every(isReady) ? 0 : exitNotReady;
}

async function describeIntent(context: CtlContext, owner: string): Promise<number> {
  const { connection, signal } = context;
  const { intent } = await connection.service(IntentService).get({ owner }, { signal });
  if (intent === undefined) throw usage(`owner "${safeText(owner)}" has no bundle`, 'dpuctl get intents lists them.');
  if (!isForPeople(context)) await printMessage(context, IntentSchema, intent);
  else {
    const { status, ...rest } = intent;
    const json = toJson(IntentSchema, { ...rest, $typeName: intent.$typeName });
    context.print(`intent of ${safeText(owner)}\n`);
    if (isObject(json)) context.print(`${fieldLines(json).join('\n')}\n`);
    if (status !== undefined) context.print(`\n${formatIntentStatus(status)}`);
  }
  return intent.status?.conditions.every(({ reason }) => reason === 'Ready') === true ? 0 : exitNotReady;
}

export async function describe(context: CtlContext, { args }: CommandInput): Promise<number> {
  const [word = '', name = ''] = args;
  if (word === 'intent' || word === 'intents') return describeIntent(context, name);
  const kind = topologyWord(word);
  if (kind === undefined) throw usage(`there is nothing to describe of kind "${safeText(word)}"`);
  return describeTopology(context, kind, name);
}
