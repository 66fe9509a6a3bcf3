/**
 * JSON values as the embedded API server holds them, and the few operations that everything else builds on. Stored
 * objects are frozen; whoever wants to change one works on a clone. Knows nothing of Kubernetes.
 */

export type Json = null | boolean | number | string | Json[] | JsonObject;

export interface JsonObject {
  [key: string]: Json;
}

/** Whether the value is an object (not null, not an array). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Sets an own member. Assigning to `__proto__` would change the prototype instead, and clients choose these names. */
export function put(object: JsonObject, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  object[key] = value;
}

/** An own member, never one that was inherited. */
export function member(object: JsonObject | undefined, key: string): Json | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** An own member that is an object. */
export function objectAt(object: JsonObject | undefined, ...path: readonly string[]): JsonObject | undefined {
  let at: JsonObject | undefined = object;
  for (const key of path) {
    const next = member(at, key);
    if (!isObject(next)) return undefined;
    at = next;
  }
  return at;
}

/** A text at the end of a path, or '' where there is none. */
export function textAt(object: JsonObject | undefined, ...path: readonly string[]): string {
  const value = valueAt(object, ...path);
  return typeof value === 'string' ? value : '';
}

/** Whatever is at the end of a path. */
export function valueAt(object: JsonObject | undefined, ...path: readonly string[]): Json | undefined {
  const last = path.at(-1);
  return last === undefined ? object : member(objectAt(object, ...path.slice(0, -1)), last);
}

/** A list at the end of a path, or an empty one. */
export function listAt(object: JsonObject | undefined, ...path: readonly string[]): readonly Json[] {
  const value = valueAt(object, ...path);
  return Array.isArray(value) ? value : [];
}

/** The object at a key, made where it is missing. The owner must not be frozen. */
export function ensureObject(owner: JsonObject, key: string): JsonObject {
  const found = member(owner, key);
  if (isObject(found)) return found;
  const made: JsonObject = {};
  put(owner, key, made);
  return made;
}

/** A deep copy that may be changed. */
export function cloneJson<T extends Json>(value: T): T;
export function cloneJson(value: Json): Json {
  if (Array.isArray(value)) return value.map((entry) => cloneJson(entry));
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const [key, entry] of Object.entries(value)) put(copy, key, cloneJson(entry));
  return copy;
}

/** Deep equality; the order of members does not count. */
export function isSameJson(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return Array.isArray(right) && left.length === right.length && left.every((e, i) => isSameJson(e, right[i]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && isSameJson(left[key], right[key]));
}

/** Makes a value unchangeable, so that a reader inside the process cannot change what is stored. */
export function freezeJson<T extends Json>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const entry of Object.values(value)) freezeJson(entry);
  return Object.freeze(value);
}

/** A text as JSON, or undefined where it is not. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
