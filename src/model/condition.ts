/** What the agent says of an object: is it as intended, on what evidence, and if not, why. Types and one constructor. */

import { safeText } from '../lib/text.js';
import type { Reason } from './reasons.js';

/** `ready`: all evidence seen. `waiting`: nothing is wrong, something has to come. `failed`: somebody has to act. */
export type ConditionState = 'ready' | 'waiting' | 'failed';

/**
 * What can be named. Beside what the agent looks after: what findings about hardware offload are about: the node and
 * ovs-vswitchd, which have no name; a setting by its key, a device, a datapath, a table of connections.
 */
export type ObjectKind =
  | 'bridge'
  | 'port'
  | 'chain'
  | 'chainPort'
  | 'attachment'
  | 'intent'
  | 'node'
  | 'vswitchd'
  | 'setting'
  | 'device'
  | 'datapath'
  | 'table';

export interface ObjectRef {
  readonly kind: ObjectKind;
  /** Of an intent: its owner. Empty for the node and for ovs-vswitchd. */
  readonly name: string;
  /** The bridge of a port, or of a chain. */
  readonly bridge?: string;
}

export interface Condition {
  readonly object: ObjectRef;
  readonly state: ConditionState;
  readonly reason: Reason;
  /** One sentence for a person, with the values that matter. Foreign text in it is escaped and bounded. */
  readonly message: string;
  /** What was seen, by name: `ofport`, `link_state`, `ifindex` … */
  readonly evidence: Readonly<Record<string, string>>;
}

/** A difference that the agent reports and does not repair by itself. */
export interface Finding {
  readonly reason: Reason;
  readonly object: ObjectRef;
  readonly message: string;
  /** Who wants or holds the object, where two are in conflict: both are named. */
  readonly claimants: readonly string[];
  readonly remedy: string;
}

/** `port p0 on br-sfc`, `bridge br-sfc`, `vswitchd`; safe to print, for names of rows can be anything. */
export function formatObject(object: ObjectRef): string {
  const name = object.name === '' ? object.kind : `${object.kind} ${safeText(object.name)}`;
  return object.bridge === undefined ? name : `${name} on ${safeText(object.bridge)}`;
}

/** A key that is equal for equal objects, whatever their place in a list. */
export function objectKey(object: ObjectRef): string {
  return `${object.kind}:${object.name}`;
}
