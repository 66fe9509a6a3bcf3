/** A plan for a person: one block per object, the differences below it, and what traffic it costs. */

import { formatObject, type Finding } from '../model/condition.js';
import { safeText } from '../lib/text.js';
import type { Action, ActionKind } from './action.js';
import type { Plan } from './plan-builder.js';

const verbs: Record<ActionKind, string> = {
  createBridge: 'create',
  editBridge: 'repair',
  createPort: 'create',
  editPort: 'repair',
  editInterface: 'repair',
  movePort: 'move',
  dropInterfaces: 'repair',
  deletePort: 'remove',
  deleteBridge: 'remove',
};

const signs: Record<string, string> = { create: '+', repair: '~', move: '~', remove: '-' };

/** `create bridge br-int`: the action in a few words, for the journal, logs and the transaction's comment. */
export function summarizeAction(action: Action): string {
  return `${verbs[action.kind]} ${formatObject(action.object)}`;
}

function formatAction(action: Action): string[] {
  const verb = verbs[action.kind];
  const lines = [`${signs[verb] ?? '~'} ${summarizeAction(action)}`];
  for (const { table, field, from, to } of action.differences) {
    const change = verb === 'create' ? safeText(to) : `${safeText(from)} → ${safeText(to)}`;
    lines.push(`    ${table} ${field}: ${change}`);
  }
  lines.push(`    expected loss: ${action.loss ?? 'none'}`);
  return lines;
}

function formatFinding(finding: Finding): string[] {
  return [`! ${finding.reason}: ${finding.message}`, `    ${finding.remedy}`];
}

/** The whole plan as text. Ends with a count. */
export function formatPlan(plan: Plan): string {
  const lines = [
    ...plan.actions.flatMap(formatAction),
    ...plan.findings.flatMap(formatFinding),
    ...plan.blocked.map((entry) => `… ${formatObject(entry.object)} ${entry.reason}: ${entry.message}`),
  ];
  const count = `${plan.actions.length} change(s), ${plan.findings.length} finding(s), ${plan.blocked.length} waiting or blocked.`;
  return `${[...lines, plan.actions.length === 0 ? `Nothing to change. ${count}` : count].join('\n')}\n`;
}

/** The plan as JSON-able data; maps become objects. */
export function planToJson(plan: Plan): Readonly<Record<string, unknown>> {
  return {
    actions: plan.actions.map(({ kind, object, loss, differences }) => ({
      kind,
      object,
      loss: loss ?? null,
      differences,
    })),
    findings: plan.findings,
    blocked: plan.blocked,
    candidates: plan.candidates,
  };
}
