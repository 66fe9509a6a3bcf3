/**
 * Redaction of data, as opposed to text: what is under the key of a secret is replaced whole, and fields that are known to hold
 * names teach the redactor these names. Data is first learned from, all of it, and only then written.
 */

import type { IdentityKind, Redactor } from './redact.js';
import { isSecretName, isSecretPath, secretMark } from './secret-words.js';

const kindsByField: Readonly<Record<string, IdentityKind>> = {
  hostname: 'host',
  host: 'host',
  nodeName: 'host',
  hostNodeName: 'host',
  serverName: 'host',
  'system-id': 'host',
  serial: 'serial',
  namespace: 'namespace',
  pod: 'pod',
  podUid: 'id',
  ifaceId: 'id',
  'iface-id': 'id',
  'iface-id-ver': 'id',
  sandboxId: 'id',
  holder: 'id',
  context: 'id',
};

const labelFields: ReadonlySet<string> = new Set(['label', 'heldBy', 'network']);
const dpfFields: ReadonlySet<string> = new Set(['dpfId', 'dpf-id']);
const actorFields: ReadonlySet<string> = new Set(['actor', 'identity']);
/** Where `namespace/pod` stands in sentences. */
const sentenceFields: ReadonlySet<string> = new Set(['summary', 'details', 'message', 'problems']);

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `namespace/pod`, and a network after it. */
function learnLabel(redactor: Redactor, label: string): void {
  for (const word of label.split(' ')) {
    const [namespace, pod] = word.split('/');
    if (pod === undefined) continue;
    redactor.learn('pod', pod);
    redactor.learn('namespace', namespace);
  }
}

/** `namespace/pod/interface`. */
function learnDpfId(redactor: Redactor, id: string): void {
  const [namespace, pod, name] = id.split('/');
  redactor.learn('pod', pod);
  redactor.learn('namespace', namespace);
  if (name !== undefined && name.length > 2) redactor.learn('id', name);
}

// RFC 1123 names; units such as kbit/s are none.
const podWord = /(?<![\w./-])([a-z0-9][a-z0-9.-]+)\/([a-z0-9][a-z0-9.-]*[a-z0-9])(?![\w/])/g;
const dpfWord = /\bservice ([^\s/]+\/[^\s/]+\/[^\s:,;/]+)/g;

function learnSentence(redactor: Redactor, text: string): void {
  for (const [, id = ''] of text.matchAll(dpfWord)) learnDpfId(redactor, id);
  for (const [word] of text.matchAll(podWord)) learnLabel(redactor, word);
}

function learnText(redactor: Redactor, name: string, text: string, owner: Fields): void {
  const kind = kindsByField[name];
  if (kind !== undefined) redactor.learn(kind, text);
  if (labelFields.has(name)) learnLabel(redactor, text);
  if (dpfFields.has(name)) learnDpfId(redactor, text);
  if (sentenceFields.has(name)) learnSentence(redactor, text);
  if (name === 'name' && /attachment/i.test(String(owner['kind']))) learnLabel(redactor, text);
  const [, who] = /^(?:cn|dns|uri|spiffe):(?:\/\/)?(.+)$/.exec(text) ?? [];
  if (actorFields.has(name)) redactor.learn('id', who);
  if (/^(?:iface-id|ifaceId)$/.test(name)) learnLabel(redactor, text.replace('_', '/'));
}

/** A row of the API is named by `key`, beside what it is; in a map of somebody else it is a key like any other. */
const isRowKey = (name: string, owner: Fields): boolean => name === 'key' && ('kind' in owner || 'wire' in owner);

const hidesSecret = (name: string, value: unknown, owner: Fields): boolean =>
  isSecretName(name) && !isSecretPath(name, value) && !isRowKey(name, owner) && typeof value !== 'boolean';

function learnSecrets(redactor: Redactor, value: unknown): void {
  if (typeof value === 'string') {
    redactor.learnSecret(value);
    // What was written in several lines is repeated in single ones.
    for (const line of value.split('\n')) redactor.learnSecret(line.trim());
  } else if (typeof value === 'object' && value !== null) {
    for (const entry of Object.values(value)) learnSecrets(redactor, entry);
  }
}

/** Teaches the redactor the names and secrets that the data holds. */
export function learnTree(redactor: Redactor, value: unknown, name = '', owner: Fields = {}): void {
  if (hidesSecret(name, value, owner)) learnSecrets(redactor, value);
  else if (typeof value === 'string') {
    learnText(redactor, name, value, owner);
    const inner = innerJson(value);
    if (inner !== undefined) learnTree(redactor, inner);
  } else if (Array.isArray(value)) for (const entry of value) learnTree(redactor, entry, name, owner);
  else if (isFields(value)) for (const [key, entry] of Object.entries(value)) learnTree(redactor, entry, key, value);
}

/** Data that somebody has put into a text. */
function innerJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const inner: unknown = JSON.parse(text);
    return inner;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The data without identities and secrets. */
export function redactTree(redactor: Redactor, value: unknown, name = '', owner: Fields = {}): unknown {
  if (hidesSecret(name, value, owner)) return value === null || value === '' ? value : secretMark;
  if (typeof value === 'string') {
    const inner = innerJson(value);
    return inner === undefined ? redactor.redact(value) : JSON.stringify(redactTree(redactor, inner));
  }
  if (Array.isArray(value)) return value.map((entry) => redactTree(redactor, entry, name, owner));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [redactor.redact(key), redactTree(redactor, entry, key, value)]),
  );
}
