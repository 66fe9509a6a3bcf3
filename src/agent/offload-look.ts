/** What the ladder of a pod, and the account of a port or chain, tell of offload, from the rows that the agent shows of it. Pure. */

import type { OffloadLook } from '../attach/ladder.js';
import { safeText } from '../lib/text.js';
import { isAllExpected } from '../offload/expected-reasons.js';
import { offloadFlowReasons } from '../offload/flow-reasons.js';
import type { OffloadRow } from './api-view.js';

/** Key of the row of a network of a pod. */
export const attachmentKey = (namespace: string, pod: string, nadKey: string): string =>
  `attachment/${namespace}/${pod}/${nadKey}`;

function lookOf({ verdict, reason, message, measured }: OffloadRow): OffloadLook {
  const [top] = measured?.reasons ?? [];
  const reasons = (measured?.reasons ?? []).map((entry) => ({ ...entry, ...offloadFlowReasons[entry.reason] }));
  return {
    verdict,
    reason: safeText(reason, 64),
    message: safeText(message, 400),
    hardwareShare: measured?.hardwareShare,
    why: top === undefined ? undefined : { reason: top.reason, ...offloadFlowReasons[top.reason] },
    isExpected: isAllExpected(reasons, measured?.flows?.software.flows),
  };
}

/** Of one row, by its key; undefined: there is none, or it has no port on the switch, and so no packets. */
export function offloadLook(rows: readonly OffloadRow[], key: string): OffloadLook | undefined {
  const row = rows.find((candidate) => candidate.key === key);
  return row === undefined || row.reason === 'NotOnSwitch' ? undefined : lookOf(row);
}

/** By network, for those networks of the pod of which there is a row. */
export function offloadLooks(
  rows: readonly OffloadRow[],
  { namespace, name }: { readonly namespace: string; readonly name: string },
  nadKeys: readonly string[],
): ReadonlyMap<string, OffloadLook> {
  const wanted = new Map(nadKeys.map((nadKey) => [attachmentKey(namespace, name, nadKey), nadKey]));
  const looks = new Map<string, OffloadLook>();
  for (const row of rows) {
    const nadKey = row.kind === 'attachment' ? wanted.get(row.key) : undefined;
    if (nadKey !== undefined) looks.set(nadKey, lookOf(row));
  }
  return looks;
}
