/**
 * Applies the difference that a `modify` of update2 and update3 carries (ovsdb-server(7), "Update2 Notification"): sets
 * are xor-ed; in maps an equal pair deletes, another value replaces, a new key adds; all that holds at most one member is
 * replaced. Used by the replica. Never changes its arguments.
 */

import type { ColumnType } from './column-type.js';
import type { Atom, Value } from './types.js';
import { emptyMap, emptySet, isSetValue } from './value-model.js';

/** Below this, searching the array for each member is cheaper than building a Set of thousands. */
const fewMembers = 4;

function applySetDiff(old: readonly Atom[], diff: readonly Atom[]): readonly Atom[] {
  const changed = diff.length <= fewMembers ? diff : new Set(diff);
  const isChanged = (atom: Atom): boolean => (changed instanceof Set ? changed.has(atom) : diff.includes(atom));
  const kept = old.filter((atom) => !isChanged(atom));
  if (old.length - kept.length < diff.length) {
    const known = diff.length <= fewMembers ? old : new Set(old);
    for (const atom of diff) {
      const isKnown = known instanceof Set ? known.has(atom) : old.includes(atom);
      if (!isKnown) kept.push(atom);
    }
  }
  return kept.length === 0 ? emptySet : Object.freeze(kept);
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
