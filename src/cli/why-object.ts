/**
 * `dpuctl why port` and `why chain`: everything that the agent says of one object, in one place: its conditions with their
 * evidence, the findings about it, and the changes that name it. Finds nothing out by itself.
 */

import type { JournalEntry } from '../agent/journal.js';
import type { AgentStatus } from '../agent/status.js';
import { shellCommand, plain } from '../attach/shell-command.js';
import { safeText } from '../lib/text.js';
import { formatObject, type Condition, type Finding } from '../model/condition.js';
import { reasons } from '../model/reasons.js';
import { usage } from './arguments.js';
import { formatJournalEntry } from './status-text.js';

export interface ObjectAccount {
  readonly kind: 'port' | 'chain';
  readonly name: string;
  readonly conditions: readonly Condition[];
  readonly findings: readonly Finding[];
  /** The newest changes that name it, oldest first. */
  readonly journal: readonly JournalEntry[];
  /** To look further; undefined when the name cannot be written into a command. */
  readonly command: string | undefined;
}

const journalShownMax = 10;

/** Whether a sentence has the name as a word of its own: `p1` is not in `p10`. */
function hasWord(text: string, name: string): boolean {
  return text.split(/[\s;:,()]+/).includes(name);
}

/** Conditions of the object; of a chain those of its ports too, and of a port those of the chains' ports on it. */
function conditionsOf({ conditions, chains }: AgentStatus, kind: 'port' | 'chain', name: string): readonly Condition[] {
  const ports = chains.flatMap((chain) => chain.switches.flatMap((entry) => entry.ports));
  const keys = new Set(ports.filter((port) => port.interface === name).map(({ key }) => key));
  return conditions.filter(({ object }) => {
    if (object.kind === kind) return object.name === name;
    if (object.kind !== 'chainPort') return false;
    return kind === 'chain' ? object.name.startsWith(`${name}/`) : keys.has(object.name);
  });
}

/** @throws AgentError USAGE when nothing is known of it */
export function accountOf(status: AgentStatus, kind: 'port' | 'chain', name: string, isKnown = false): ObjectAccount {
  const conditions = conditionsOf(status, kind, name);
  const findings = status.findings.filter(({ object }) => object.kind === kind && object.name === name);
  if (conditions.length === 0 && findings.length === 0 && !isKnown) {
    throw usage(`the agent knows no ${kind} "${safeText(name)}"`, 'dpuctl status lists what it knows.');
  }
  const shown = safeText(name);
  const journal = status.journal.filter(({ summary, details }) =>
    [summary, ...details].some((text) => hasWord(text, shown)),
  );
  const command =
    kind === 'chain'
      ? shellCommand('dpuctl', 'trace', plain(name))
      : shellCommand('ovs-vsctl', 'list', 'Interface', plain(name));
  return { kind, name, conditions, findings, journal: journal.slice(-journalShownMax), command };
}

/** Nothing said of it is wrong. */
export function isAccountReady({ conditions, findings }: ObjectAccount): boolean {
  return findings.length === 0 && conditions.every(({ state }) => state === 'ready');
}

const stateMarks = { ready: '✓', waiting: '…', failed: '✗' } as const;

function conditionLines({ object, state, reason, message, evidence }: Condition): readonly string[] {
  const seen = Object.entries(evidence).map(([key, value]) => `${safeText(key, 64)}=${safeText(value, 200)}`);
  return [
    `  ${stateMarks[state]} ${formatObject(object)}: ${reason}: ${safeText(message, 600)}`,
    ...(reason === 'Ready' || !Object.hasOwn(reasons, reason) ? [] : [`      ${reasons[reason]}`]),
    ...(seen.length === 0 ? [] : [`      ${seen.join(' ')}`]),
  ];
}

function findingLines({ reason, message, remedy, claimants }: Finding): readonly string[] {
  const who = claimants.map((claimant) => safeText(claimant, 200)).join(', ');
  return [
    `  ! ${reason}: ${safeText(message, 600)}${who === '' ? '' : ` [${who}]`}`,
    `      remedy   ${safeText(remedy, 600)}`,
  ];
}

/** The account as text. */
export function formatAccount(account: ObjectAccount): string {
  const { kind, name, conditions, findings, journal, command } = account;
  const lines = [
    `${kind} ${safeText(name)}`,
    ...conditions.flatMap(conditionLines),
    ...findings.flatMap(findingLines),
    ...(command === undefined ? [] : [`      command  $ ${command}`]),
  ];
  const changes = journal.length === 0 ? '' : `\nLast changes:\n${journal.map(formatJournalEntry).join('')}`;
  return `${lines.join('\n')}\n${changes}`;
}
