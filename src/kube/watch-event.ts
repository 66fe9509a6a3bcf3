/**
 * Reads one line of a watch, and one page of a list, without believing anything about them. Used by the Reflector.
 */

import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { identityOf, member, textMember } from './json-value.js';
import type { ObjectIdentity } from './json-value.js';
import { watchError } from './server-error.js';

export type WatchEvent =
  /** The object is, in this version. */
  | { readonly kind: 'present'; readonly identity: ObjectIdentity; readonly object: unknown }
  /** The object is gone, or left the selection. */
  | { readonly kind: 'deleted'; readonly identity: ObjectIdentity }
  /** Everything up to this version has been told. */
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  /** The watch cannot go on. */
  | { readonly kind: 'error'; readonly error: AgentError };

/**
 * The event of one line.
 * @throws AgentError PEER_PROTOCOL
 */
export function parseWatchEvent(line: string, path: string): WatchEvent {
  const json = parseLine(line);
  const type = member(json, 'type');
  const object = member(json, 'object');
  if (type === 'ERROR') return { kind: 'error', error: watchError(object, path) };
  if (type === 'BOOKMARK') {
    const resourceVersion = textMember(member(object, 'metadata'), 'resourceVersion');
    if (resourceVersion === undefined) throw malformed('a bookmark without a version', line);
    return { kind: 'bookmark', resourceVersion };
  }
  const identity = identityOf(object);
  if (identity === undefined) throw malformed('an object without uid or version', line);
  if (type === 'ADDED' || type === 'MODIFIED') return { kind: 'present', identity, object };
  if (type === 'DELETED') return { kind: 'deleted', identity };
  throw malformed('a type of event that Kubernetes does not have', line);
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    throw malformed('no JSON', line);
  }
}

function malformed(what: string, line: string): AgentError {
  return new AgentError('PEER_PROTOCOL', `an event of a watch is malformed: ${what}`, {
    facts: { start: safeText(line, 64), lengthChars: line.length },
  });
}

/** One page of a list. */
export interface ListPage {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
  /** Undefined on the last page. */
  readonly continueToken: string | undefined;
}

/**
 * The page that a list request got.
 * @throws AgentError PEER_PROTOCOL
 */
export function parseListPage(body: unknown): ListPage {
  const metadata = member(body, 'metadata');
  const resourceVersion = textMember(metadata, 'resourceVersion');
  // Go writes an empty list as null.
  const items = member(body, 'items') ?? [];
  if (resourceVersion === undefined || !Array.isArray(items)) {
    throw new AgentError('PEER_PROTOCOL', 'the answer of the server is not a list');
  }
  return { items, resourceVersion, continueToken: textMember(metadata, 'continue') };
}
