/**
 * Applies the difference that a `modify` of update2 and update3 carries (ovsdb-server(7), "Update2 Notification"): sets
 * are xor-ed; in maps an equal pair deletes, another value replaces, a new key adds; all that holds at most one member is
 * replaced. Used by the replica. Never changes its arguments.
 */

import type { ColumnType } from './column-type.js';
import type { Atom, Value } from './types.js';
import { emptyMap, emptySet, isSetValue } from './value-model.js';

/** Up to here, searching the array for each member is cheaper than building a Set of thousands. */
const fewMembers = 4;

function applySetDiff(old: readonly Atom[], diff: readonly Atom[]): readonly Atom[] {
  const members = diff.length <= fewMembers ? toggleFew(old, diff) : toggleMany(old, diff);
  return members.length === 0 ? emptySet : Object.freeze(members);
}

function toggleFew(old: readonly Atom[], diff: readonly Atom[]): Atom[] {
  // Spreading is two orders faster here than slice(), which V8 does slowly for frozen arrays.
  const members = [...old];
  for (const atom of diff) {
    const at = members.indexOf(atom);
    if (at < 0) members.push(atom);
    else members.splice(at, 1);
  }
  return members;
}

function toggleMany(old: readonly Atom[], diff: readonly Atom[]): Atom[] {
  const members = new Set(old);
  for (const atom of diff) if (!members.delete(atom)) members.add(atom);
  return [...members];
}

function applyMapDiff(old: ReadonlyMap<Atom, Atom>, diff: ReadonlyMap<Atom, Atom>): ReadonlyMap<Atom, Atom> {
  const map = new Map(old);
  for (const [key, item] of diff) {
    if (map.get(key) === item) map.delete(key);
    else map.set(key, item);
  }
  return map.size === 0 ? emptyMap : map;
}

/**
 * The value after the change. The server sends the new value itself for every type of at most one member, maps included
 * (ovsdb-data.c, ovsdb_datum_diff).
 */
export function applyDiff(type: ColumnType, old: Value, diff: Value): Value {
  if (type.max === 1 || typeof old !== 'object' || typeof diff !== 'object') return diff;
  if (isSetValue(old)) return isSetValue(diff) ? applySetDiff(old, diff) : diff;
  return isSetValue(diff) ? diff : applyMapDiff(old, diff);
}
