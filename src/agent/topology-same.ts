/**
 * Whether an object of the topology is what it was, cheaply where nothing has changed: identity first, then the values that
 * can be made anew without being another. Pure.
 */

import { isDeepStrictEqual } from 'node:util';
import { unreachable } from '../lib/assert.js';
import type { Condition } from '../model/condition.js';
import type { TopologyDraft } from './topology-drafts.js';
import type { TopologyFacts } from './topology.js';

/** Whether nothing that is shown of the object differs. */
export function isSameObject(a: TopologyDraft, b: TopologyDraft): boolean {
  return a.ref.bridge === b.ref.bridge && isSameFacts(a.facts, b.facts) && isSameConditions(a.conditions, b.conditions);
}

function isSameFacts(a: TopologyFacts, b: TopologyFacts): boolean {
  switch (a.kind) {
    case 'bridge':
      return b.kind === 'bridge' && a.mode === b.mode && a.source === b.source && isSameValue(a.observed, b.observed);
    case 'port':
      return b.kind === 'port' && isSameValue(a.observed, b.observed);
    case 'representor':
      return b.kind === 'representor' && a.bridge === b.bridge && isSameRecord(a.netdev, b.netdev);
    case 'attachment':
      return b.kind === 'attachment' && a.podUid === b.podUid && isSameRecord(a.view, b.view);
    case 'chain':
      return b.kind === 'chain' && isSameValue(a.view, b.view);
    default:
      return unreachable(a);
  }
}

/**
 * Rows are the same value as long as they do not change, so the deep look is taken at those few only that have: after a new
 * connection to the database all are made anew, and mostly equal.
 */
function isSameValue(a: unknown, b: unknown): boolean {
  return a === b || isDeepStrictEqual(a, b);
}

/** Of flat values: devices and attachments are made anew by every look, and the deep look at each would be dear. */
function isSameRecord(a: object, b: object): boolean {
  if (a === b) return true;
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  for (const key in left) {
    const value = left[key];
    if (value === right[key]) continue;
    if (typeof value !== 'object' || !isSameValue(value, right[key])) return false;
  }
  for (const key in right) if (right[key] !== undefined && !(key in left)) return false;
  return true;
}

function isSameConditions(a: readonly Condition[], b: readonly Condition[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((condition, index) => isSameCondition(condition, b[index]));
}

function isSameCondition(a: Condition, b: Condition | undefined): boolean {
  if (a === b) return true;
  return (
    b !== undefined &&
    a.state === b.state &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.object.kind === b.object.kind &&
    a.object.name === b.object.name &&
    a.object.bridge === b.object.bridge &&
    isSameRecord(a.evidence, b.evidence)
  );
}
