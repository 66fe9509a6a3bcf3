/**
 * JSON patch (RFC 6902) as API servers apply it: an unreadable patch is a bad request (400), one that does not fit the
 * object, or whose `test` fails, is "Invalid" (422) and changes nothing. Pure.
 */

import { cloneJson, isObject, isSameJson, member, put } from './json.js';
import type { Json, JsonObject } from './json.js';
import { badRequest, tooLarge, unappliablePatch } from './status.js';

/** Operations in one patch (apiserver, maxJSONPatchOperations). */
const operationsMax = 10_000;

interface Operation {
  readonly op: string;
  readonly path: readonly string[];
  readonly from: readonly string[] | undefined;
  readonly value: Json | undefined;
}

/** The patched document; the one handed in stays as it is. Throws StatusError 400, 413 or 422. */
export function applyJsonPatch(document: JsonObject, patch: Json): JsonObject {
  const operations = readOperations(patch);
  const root: { document: Json } = { document: cloneJson(document) };
  for (const operation of operations) applyOperation(root, operation);
  if (!isObject(root.document)) throw unappliablePatch();
  return root.document;
}

function readOperations(patch: Json): Operation[] {
  if (!Array.isArray(patch)) {
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    );
  }
  if (patch.length > operationsMax) {
    const limit = `The allowed maximum operations in a JSON patch is ${operationsMax}, got ${patch.length}`;
    throw tooLarge(limit);
  }
  return patch.map(readOperation);
}

function readOperation(entry: Json): Operation {
  if (!isObject(entry)) throw badRequest('error decoding patch: an operation is not an object');
  const { op, path, from } = entry;
  if (typeof op !== 'string' || typeof path !== 'string') throw unappliablePatch();
  return {
    op,
    path: parsePointer(path),
    from: typeof from === 'string' ? parsePointer(from) : undefined,
    value: member(entry, 'value'),
  };
}

/** RFC 6901: `~1` is a slash, `~0` a tilde, in this order. */
function parsePointer(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw unappliablePatch();
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

interface Root {
  document: Json;
}

function applyOperation(root: Root, operation: Operation): void {
  const { path } = operation;
  switch (operation.op) {
    case 'add':
      add(root, path, required(operation.value));
      return;
    case 'remove':
      remove(root, path);
      return;
    case 'replace':
      find(root, path);
      replace(root, path, required(operation.value));
      return;
    case 'move': {
      const from = required(operation.from);
      const value = find(root, from);
      remove(root, from);
      add(root, path, value);
      return;
    }
    case 'copy':
      add(root, path, cloneJson(find(root, required(operation.from))));
      return;
    case 'test':
      test(root, path, operation.value ?? null);
      return;
    default:
      throw unappliablePatch();
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw unappliablePatch();
  return value;
}

/** A missing member equals null in the library that API servers use (evanphx/json-patch, Patch.test). */
function test(root: Root, path: readonly string[], expected: Json): void {
  const parent = find(root, path.slice(0, -1));
  const last = path.at(-1);
  const actual = last === undefined ? root.document : childOf(parent, last);
  if (!isSameJson(actual ?? null, expected)) throw unappliablePatch();
}

function childOf(parent: Json, token: string): Json | undefined {
  if (Array.isArray(parent)) return parent[indexOf(token, parent.length - 1)];
  return isObject(parent) ? member(parent, token) : undefined;
}

function find(root: Root, path: readonly string[]): Json {
  let at: Json = root.document;
  for (const token of path) {
    const next = childOf(at, token);
    if (next === undefined) throw unappliablePatch();
    at = next;
  }
  return at;
}

function add(root: Root, path: readonly string[], value: Json): void {
  const last = path.at(-1);
  if (last === undefined) {
    root.document = value;
    return;
  }
  const parent = find(root, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(last === '-' ? parent.length : indexOf(last, parent.length), 0, value);
  else if (isObject(parent)) put(parent, last, value);
  else throw unappliablePatch();
}

function replace(root: Root, path: readonly string[], value: Json): void {
  const last = path.at(-1);
  if (last === undefined) {
    root.document = value;
    return;
  }
  const parent = find(root, path.slice(0, -1));
  if (Array.isArray(parent)) parent[indexOf(last, parent.length - 1)] = value;
  else if (isObject(parent)) put(parent, last, value);
}

function remove(root: Root, path: readonly string[]): void {
  find(root, path);
  const last = path.at(-1);
  if (last === undefined) throw unappliablePatch();
  const parent = find(root, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(indexOf(last, parent.length - 1), 1);
  else if (isObject(parent)) Reflect.deleteProperty(parent, last);
}

function indexOf(token: string, indexMax: number): number {
  const index = /^(?:0|[1-9][0-9]*)$/.test(token) ? Number(token) : Infinity;
  if (index > indexMax) throw unappliablePatch();
  return index;
}
