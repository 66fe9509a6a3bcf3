/** The tables of docs/offload.md as the code has them: settings, reasons of flows, findings, ways to fail. */

import { offloadFlowReasons } from '../../src/offload/flow-reasons.js';
import { failureModes } from '../../src/offload/failure-modes.js';
import { offloadChecks } from '../../src/offload/run-checks.js';
import type { SettingDanger, SettingNeed, SettingRule, TakesEffect } from '../../src/offload/setting-rule.js';
import { declarableRules } from '../../src/offload/setting-rules.js';

const effects: Readonly<Record<TakesEffect, string>> = {
  live: 'at once',
  latch: 'true at once, false by a restart',
  atLatch: 'when hw-offload turns on',
  release: 'false at once, true by a restart',
  init: 'by a restart; turning true may act at once',
  restart: 'by a restart',
  newObjects: 'for bridges made afterwards',
  never: 'at boot',
};

function effectOf({ takesEffect, takesEffectUnderDoca }: SettingRule): string {
  const own = effects[takesEffect];
  return takesEffectUnderDoca === undefined ? own : `${own}; OVS-DOCA: ${effects[takesEffectUnderDoca]}`;
}

function needText(need: SettingNeed): string {
  return need.kind === 'key' ? `\`${need.key}=${need.value}\`` : need.engines.join(' or ');
}

function dangerText({ when, what }: SettingDanger): string {
  switch (when.kind) {
    case 'any':
      return `Any change: ${what}`;
    case 'to':
      return `To \`${when.value}\`: ${what}`;
    case 'from':
      return `Away from \`${when.value}\`: ${what}`;
    case 'underDoca':
      return `Any, under OVS-DOCA: ${what}`;
  }
}

/** In whose Open vSwitch the key is known. */
function dialectText({ dialects }: SettingRule): string {
  if (!dialects.includes('nvidia')) return 'released';
  if (dialects.includes('upstream')) return 'all';
  return dialects.includes('docaSeries') ? 'NVIDIA, proposed' : 'NVIDIA';
}

const line = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |');

/** By place in the page: heading of the first column, and a line for each row. */
export const guideTables: Readonly<Record<string, readonly string[]>> = {
  Setting: declarableRules.map((rule) =>
    line(
      `\`${rule.key}\``,
      rule.defaultValue === undefined ? '' : `\`${rule.defaultValue}\``,
      effectOf(rule),
      rule.needs.map(needText).join(', '),
      dialectText(rule),
      rule.dangers.map(dangerText).join(' '),
    ),
  ),
  'Flow reason': Object.entries(offloadFlowReasons).map(([reason, { meaning, isExpected, remedy }]) =>
    line(`\`${reason}\``, meaning, isExpected ? 'yes' : 'no', remedy),
  ),
  '#': failureModes.map(({ number, failure, checks, otherwise }) =>
    line(
      String(number),
      failure,
      checks.length > 0 ? 'yes' : 'no',
      checks.length > 0 ? checks.map((check) => `\`${check}\``).join(', ') : (otherwise ?? ''),
    ),
  ),
};

/** Checks that can give each reason, in the order of the checks. */
export const checksByReason: ReadonlyMap<string, readonly string[]> = new Map(
  offloadChecks.flatMap(({ reasons }) =>
    reasons.map((reason) => [
      reason,
      offloadChecks.filter((check) => check.reasons.includes(reason)).map(({ name }) => name),
    ]),
  ),
);
