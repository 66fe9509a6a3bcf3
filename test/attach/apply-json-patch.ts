/**
 * A small RFC 6902 applier for tests: test, add, replace and remove on objects, all or nothing, with the pointers of RFC
 * 6901. Written from the two documents and knows nothing of the agent.
 */

import { isDeepStrictEqual } from 'node:util';

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

type Holder = Record<string, unknown>;

/** The document after all operations; throws at the first that fails and leaves `document` as it was. */
export function applyJsonPatch(document: unknown, operations: readonly Operation[]): unknown {
  const root: Holder = { '': structuredClone(document) };
  for (const operation of operations) applyOne(root, operation);
  return root[''];
}

function applyOne(root: Holder, { op, path, value }: Operation): void {
  if (path !== '' && !path.startsWith('/')) throw new Error(`no pointer: ${path}`);
  const tokens = path.split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = tokens.pop() ?? '';
  let holder = root;
  for (const token of tokens) {
    const next = holder[token];
    if (!Object.hasOwn(holder, token) || typeof next !== 'object' || next === null) throw new Error(`no ${path}`);
    holder = next as Holder;
  }
  const isThere = Object.hasOwn(holder, last);
  if (op !== 'add' && !isThere) throw new Error(`${op}: nothing at ${path}`);
  if (op === 'test' && !isDeepStrictEqual(holder[last], value)) throw new Error(`test failed at ${path}`);
  if (op === 'add' || op === 'replace') holder[last] = structuredClone(value);
  if (op === 'remove') Reflect.deleteProperty(holder, last);
  if (!['test', 'add', 'replace', 'remove'].includes(op)) throw new Error(`unknown operation ${op}`);
}
