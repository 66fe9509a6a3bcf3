/** What a bundle would change, made of a look at the switch with it in force. Pure; bounded, for it is sent in one message. */

import { ofctlCommand } from '../chain/describe-flows.js';
import { safeText } from '../lib/text.js';
import type { Action } from '../plan/action.js';
import { summarizeAction } from '../plan/format.js';
import type { ChainLook } from './chain-reconciler.js';
import type { IntentPreview, PlannedChange } from './intent-desk-types.js';
import type { Look } from './reconciler.js';

/** Changes and lines of each kind that are shown. */
const shownMax = 2_000;

function changeOf(action: Action): PlannedChange {
  const { object, differences, loss } = action;
  const lines = differences.map(({ table, field, from, to }) => safeText(`${table} ${field}: ${from} → ${to}`));
  return { object, summary: summarizeAction(action), differences: lines, loss };
}

/** @param chains undefined: the chains could not be looked at */
export function previewOf({ plan }: Look, chains: ChainLook | undefined): IntentPreview {
  const flows = chains?.plan.changes ?? [];
  const lines = flows.slice(0, shownMax).map((change) => ofctlCommand(change));
  const more = flows.length > shownMax ? [`and ${flows.length - shownMax} more`] : [];
  const findings = [...plan.findings, ...(chains?.verdict.findings ?? []), ...(chains?.plan.findings ?? [])];
  return {
    changes: plan.actions.slice(0, shownMax).map(changeOf),
    flowChanges: [...lines, ...more],
    findings: findings.slice(0, shownMax),
  };
}
