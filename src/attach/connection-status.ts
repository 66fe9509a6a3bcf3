/**
 * Reads `k8s.ovn.org/dpu.connection-status` and computes the JSON patch that changes it, which ovn-kubernetes' host half
 * waits for. The text belongs to several writers: what others wrote beside ours is carried over character by character, if
 * it is readable at all. Sends nothing.
 */

import { safeText } from '../lib/text.js';
import type { AnnotationText, PodView } from '../model/pod.js';
import { rawMembers } from './json-text.js';
import { defaultNadKey, parseNadKey } from './nad-key.js';
import { isJsonObject, memberOf, parseObject } from './parse-object.js';
import type { JsonObject, ObjectLimits, Unparsable } from './parse-object.js';

/** The status of one network of a pod on the wire. */
export interface ConnectionStatus {
  readonly status: 'Ready' | 'Error';
  /** Bounded and generic: the tenant reads it. Undefined for Ready. */
  readonly reason: string | undefined;
}

/** What somebody wrote as the status of one network; safe to print, bounded. */
export interface SeenStatus {
  readonly status: string;
  readonly reason?: string;
}

export type StatusReading =
  | { readonly kind: 'absent' }
  | Unparsable
  | {
      readonly kind: 'read';
      /** By nadKey. An entry without a readable status is missing here, as is one whose key names no network. */
      readonly networks: ReadonlyMap<string, SeenStatus>;
      /** Every entry as it is written: the JSON text by key, whatever it is. */
      readonly entries: ReadonlyMap<string, string>;
    };

/** An operation of RFC 6902. */
export interface JsonPatchOperation {
  readonly op: 'test' | 'add' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

export interface StatusPatch {
  /** In this order; the first ones are tests, so that nothing is written to another pod or over another's change. */
  readonly operations: readonly JsonPatchOperation[];
  /** The annotation as it will be. */
  readonly text: string;
}

/** Larger than those of the other annotations: what is beyond them is overwritten, together with what others wrote. */
export const statusLimits: ObjectLimits = { sizeBytesMax: 64 * 1024, keyCountMax: 256 };
/** Characters of a reason. */
export const reasonLengthMax = 120;

const annotationsPath = '/metadata/annotations';
// RFC 6901 section 3: `/` inside a name is written `~1`.
const detailsPath = `${annotationsPath}/k8s.ovn.org~1dpu.connection-details`;
const statusPath = `${annotationsPath}/k8s.ovn.org~1dpu.connection-status`;
const statusNames: readonly string[] = ['status', 'reason'];

/**
 * Reads the map form and the legacy form (one bare status object, which stands for the network `default`). Legacy if and
 * only if some member named Status or Reason (in any letter case) is no object and no member with the key of a network is.
 */
export function parseConnectionStatus(text: AnnotationText): StatusReading {
  const object = parseObject(text, statusLimits);
  if (object.kind !== 'object') return object;
  const members = [...object.entries];
  const isFlat = members.some(([key, value]) => statusNames.includes(key.toLowerCase()) && !isJsonObject(value));
  const isMap = members.some(([key, value]) => isJsonObject(value) && parseNadKey(key) !== undefined);
  // The reader has accepted it, so it is a text; a text that is too long never gets here.
  const raw = typeof text === 'string' ? text : '';
  if (isFlat && !isMap) {
    const networks = seenOf([[defaultNadKey, Object.fromEntries(members)]]);
    return { kind: 'read', networks, entries: new Map([[defaultNadKey, raw.trim()]]) };
  }
  return { kind: 'read', networks: seenOf(members), entries: rawMembers(raw) };
}

function seenOf(members: readonly (readonly [string, unknown])[]): ReadonlyMap<string, SeenStatus> {
  const networks = new Map<string, SeenStatus>();
  for (const [key, value] of members) {
    if (parseNadKey(key) === undefined || !isJsonObject(value)) continue;
    const status = readText(value, 'Status');
    const reason = readText(value, 'Reason');
    if (status === undefined) continue;
    const shown = safeText(status, 32);
    networks.set(
      key,
      reason === undefined ? { status: shown } : { status: shown, reason: safeText(reason, reasonLengthMax) },
    );
  }
  return networks;
}

function readText(object: JsonObject, name: string): string | undefined {
  const member = memberOf(object, name);
  return member.kind === 'value' && typeof member.value === 'string' && member.value !== '' ? member.value : undefined;
}

/**
 * The patch of `pods/status` that gives the networks in `changes` their status (undefined: removes the entry), or undefined
 * when the annotation says so already. A text that cannot be read is replaced by one with only the given statuses; to remove
 * an entry from such a text changes nothing. A word is written only beside the very details that it was said of.
 */
export function statusPatch(
  pod: PodView,
  changes: ReadonlyMap<string, ConnectionStatus | undefined>,
): StatusPatch | undefined {
  const old = pod.annotations.status;
  const reading = parseConnectionStatus(old);
  const before = reading.kind === 'read' ? reading.entries : new Map<string, string>();
  const entries = changed(before, changes);
  if (entries === undefined) return undefined;
  const text = formatEntries(entries);
  const isReadable = typeof old === 'string' && reading.kind !== 'unparsable';
  const isSaid = [...changes.values()].some((status) => status !== undefined);
  const { details } = pod.annotations;
  // That there are none, or what is in one that is too long to be kept, cannot be tested: then the version stands for it.
  const needsVersion = !isReadable || (isSaid && typeof details !== 'string');
  const tests: JsonPatchOperation[] = [{ op: 'test', path: '/metadata/uid', value: pod.uid }];
  if (needsVersion) tests.push({ op: 'test', path: '/metadata/resourceVersion', value: pod.resourceVersion });
  if (isSaid && typeof details === 'string') tests.push({ op: 'test', path: detailsPath, value: details });
  const change = isReadable ? replaceText(old, text) : addText(pod, text);
  return { operations: [...tests, ...change], text };
}

function replaceText(old: string, text: string): readonly JsonPatchOperation[] {
  return [
    { op: 'test', path: statusPath, value: old },
    { op: 'replace', path: statusPath, value: text },
  ];
}

/** RFC 6902 section 4.1: `add` needs the parent, and replaces what is there. Hence the test of the version before it. */
function addText(pod: PodView, text: string): readonly JsonPatchOperation[] {
  const parent: JsonPatchOperation = { op: 'add', path: annotationsPath, value: {} };
  const add: JsonPatchOperation = { op: 'add', path: statusPath, value: text };
  return pod.hasAnnotations ? [add] : [parent, add];
}

function changed(
  before: ReadonlyMap<string, string>,
  changes: ReadonlyMap<string, ConnectionStatus | undefined>,
): ReadonlyMap<string, string> | undefined {
  const entries = new Map([...before].filter(([, raw]) => isDecodable(raw)));
  const isSpoilt = entries.size < before.size;
  let isChanged = false;
  for (const [key, status] of changes) {
    const present = entries.get(key);
    if (status === undefined) isChanged = entries.delete(key) || before.has(key) || isChanged;
    else if (isSpoilt || present === undefined || !says(present, status)) {
      entries.set(key, formatStatus(status));
      isChanged = true;
    }
  }
  return isChanged ? entries : undefined;
}

/**
 * Whether ovn-kubernetes can decode the entry. One that it cannot (`5`, `{"Status":5}`) spoils the whole text for it: it
 * takes the text for the legacy form then, and our statuses would not be seen. Such entries are not carried over.
 */
function isDecodable(raw: string): boolean {
  const value: unknown = JSON.parse(raw);
  if (!isJsonObject(value)) return value === null;
  return Object.entries(value).every(
    ([key, member]) => member === null || typeof member === 'string' || !statusNames.includes(key.toLowerCase()),
  );
}

/**
 * Whether every reader takes `text` for this status. With two spellings of a name it depends on the reader (Go takes the
 * last), so that such an entry never says what we want.
 */
function says(text: string, wanted: ConnectionStatus): boolean {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) return false;
  const names = Object.keys(value).map((key) => key.toLowerCase());
  if (statusNames.some((name) => names.filter((key) => key === name).length > 1)) return false;
  return readText(value, 'Status') === wanted.status && readText(value, 'Reason') === boundReason(wanted.reason);
}

/** The entry of one network, with the letter case that ovn-kubernetes writes. */
export function formatStatus(status: ConnectionStatus): string {
  // JSON.stringify leaves out what is undefined.
  return JSON.stringify({ Status: status.status, Reason: boundReason(status.reason) });
}

/** Printable ASCII, at most 120 characters; undefined when nothing is left. */
function boundReason(reason: string | undefined): string | undefined {
  const bounded = reason
    ?.replaceAll(/[^\x20-\x7e]+/g, ' ')
    .slice(0, reasonLengthMax)
    .trim();
  return bounded === '' ? undefined : bounded;
}

function formatEntries(entries: ReadonlyMap<string, string>): string {
  return `{${[...entries].map(([key, raw]) => `${JSON.stringify(key)}:${raw}`).join(',')}}`;
}
