/** `dpuctl watch topology`: what is there, then one line for each change, through restarts of the agent. */

import { toJson, type JsonValue } from '@bufbuild/protobuf';
import {
  ConditionState,
  ConditionStateSchema,
  type ObjectKind,
  type ObjectRef,
  ObjectRefSchema,
} from '../gen/proto/dpu/agent/v1/common_pb.js';
import {
  type TopologyObject,
  TopologyObjectSchema,
  TopologyService,
  type WatchTopologyResponse,
} from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { safeText } from '../lib/text.js';
import { wordOf } from '../words/enum-words.js';
import type { CommandContext } from './command-context.js';
import { follow } from './follow.js';
import { formatRef } from './intent-text.js';
import { isForPeople, itemPrinter, toPlain } from './output.js';

type Sort = 'present' | 'added' | 'changed' | 'removed';

const marks: Readonly<Record<Sort, string>> = { present: '=', added: '+', changed: '~', removed: '-' };

/** Differences of one object that a line shows; there is -o json for all. */
const differencesMax = 6;

type Flat = ReadonlyMap<string, string>;

/** Values by path, of what the object is; its version and name are no news. */
function flatten(value: JsonValue, path: string, into: Map<string, string>): void {
  if (typeof value !== 'object' || value === null) {
    into.set(path, typeof value === 'string' ? value : JSON.stringify(value));
    return;
  }
  for (const [key, child] of Object.entries(value)) flatten(child, path === '' ? key : `${path}.${key}`, into);
}

function factsOf({ object }: TopologyObject): Flat {
  const flat = new Map<string, string>();
  const { case: kind, value } = object;
  if (kind === undefined) return flat;
  const field = TopologyObjectSchema.fields.find(({ localName }) => localName === kind);
  if (field?.message !== undefined) flatten(toJson(field.message, value), '', flat);
  return flat;
}

/** `ready`, or the first condition that is not, with its reason. */
function stateOf({ conditions }: TopologyObject): string {
  const [first] = conditions;
  if (first === undefined) return '';
  const open = conditions.find(({ state }) => state !== ConditionState.READY);
  if (open === undefined) return 'ready';
  return `${wordOf(ConditionStateSchema, open.state) ?? 'unknown'} (${safeText(open.reason)})`;
}

const shown = (value: string | undefined): string =>
  value === undefined || value === '' ? 'none' : safeText(value, 80);

function differences(before: TopologyObject, after: TopologyObject): readonly string[] {
  const lines: string[] = [];
  const [stateBefore, stateAfter] = [stateOf(before), stateOf(after)];
  if (stateBefore !== stateAfter) lines.push(`${shown(stateBefore)} → ${shown(stateAfter)}`);
  const [old, now] = [factsOf(before), factsOf(after)];
  for (const path of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(path), now.get(path)];
    if (was !== is) lines.push(`${safeText(path, 80)} ${shown(was)} → ${shown(is)}`);
  }
  return lines;
}

const keyOf = ({ kind, name }: ObjectRef): string => `${kind} ${name}`;

/** Whether a difference is more than another version number: versions of another instance mean nothing. */
function isSame(before: TopologyObject, after: TopologyObject): boolean {
  const plain = (object: TopologyObject): string => JSON.stringify({ ...toObject(object), version: undefined });
  return plain(before) === plain(after);
}

const toObject = (object: TopologyObject): Readonly<Record<string, JsonValue>> =>
  toJson(TopologyObjectSchema, object) as Record<string, JsonValue>;

/** What the watcher knows, and where it goes on from. */
class TopologyLog {
  readonly #context: CommandContext;
  readonly #printItem: (item: JsonValue) => void;
  readonly #objects = new Map<string, TopologyObject>();
  #parts: TopologyObject[] = [];
  #isFirst = true;
  /** Empty: with a snapshot. */
  resourceVersion = '';

  constructor(context: CommandContext, printItem: (item: JsonValue) => void) {
    this.#context = context;
    this.#printItem = printItem;
  }

  take({ event }: WatchTopologyResponse): void {
    switch (event.case) {
      case 'snapshot':
        this.#parts.push(...event.value.objects);
        if (event.value.isComplete) this.#takeSnapshot(event.value.resourceVersion);
        return;
      case 'delta':
        for (const ref of event.value.removed) this.#remove(ref);
        for (const object of event.value.changed) this.#put(object);
        this.resourceVersion = event.value.resourceVersion;
        return;
      case 'bookmark':
        this.resourceVersion = event.value.resourceVersion;
        return;
      case 'startOver':
        this.#context.warn(`dpuctl: starting over: ${safeText(event.value.message, 400)}\n`);
        this.restart();
        return;
      case undefined:
        return;
    }
  }

  /** The next stream begins with a snapshot, of which only what differs is printed. */
  restart(): void {
    this.resourceVersion = '';
    this.#parts = [];
  }

  #takeSnapshot(version: string): void {
    const objects = this.#parts;
    const keys = new Set(objects.flatMap(({ ref }) => (ref === undefined ? [] : [keyOf(ref)])));
    for (const [key, { ref }] of [...this.#objects]) {
      if (!keys.has(key) && ref !== undefined) this.#remove(ref);
    }
    for (const object of objects) this.#put(object);
    this.#parts = [];
    this.#isFirst = false;
    this.resourceVersion = version;
  }

  #put(object: TopologyObject): void {
    const { ref } = object;
    if (ref === undefined) return;
    const before = this.#objects.get(keyOf(ref));
    this.#objects.set(keyOf(ref), object);
    if (before === undefined) this.#print(this.#isFirst ? 'present' : 'added', ref, [stateOf(object)], object);
    else if (!isSame(before, object)) this.#print('changed', ref, differences(before, object), object);
  }

  #remove(ref: ObjectRef): void {
    if (this.#objects.delete(keyOf(ref))) this.#print('removed', ref, [], undefined);
  }

  #print(sort: Sort, ref: ObjectRef, notes: readonly string[], object: TopologyObject | undefined): void {
    const time = new Date(this.#context.clock.wallMs()).toISOString();
    if (!isForPeople(this.#context)) {
      const plain = object === undefined ? null : toPlain(TopologyObjectSchema, object);
      this.#printItem({ time, event: sort, ref: toPlain(ObjectRefSchema, ref), object: plain });
      return;
    }
    const told = notes.filter((note) => note !== '');
    const more = told.length > differencesMax ? [`${told.length - differencesMax} more`] : [];
    const text = [...told.slice(0, differencesMax), ...more].join(', ');
    const line = `${time.slice(11, 19)} ${marks[sort]} ${formatRef(ref)}`;
    this.#context.print(text === '' ? `${line}\n` : `${line}: ${text}\n`);
  }
}

/** Prints what is there and what changes, until the person has had enough. @param kinds empty: all */
export async function watchTopology(context: CommandContext, kinds: readonly ObjectKind[]): Promise<number> {
  const log = new TopologyLog(context, await itemPrinter(context));
  let hasToStartOver = false;
  await follow(context, {
    open: (signal) => {
      hasToStartOver = false;
      const request = { resourceVersion: log.resourceVersion, kinds: [...kinds] };
      return context.connection.service(TopologyService).watchTopology(request, { signal, isAnsweredAtOnce: true });
    },
    take: (message) => {
      log.take(message);
      hasToStartOver = message.event.case === 'startOver';
      return false;
    },
    startsOver: () => hasToStartOver,
    onLost: () => {
      // A snapshot that came in part only is worth nothing.
      if (log.resourceVersion === '') log.restart();
    },
  });
  return 0;
}
