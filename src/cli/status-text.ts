/** The agent's status for a person: one table of objects, then pods, findings and the newest changes. */

import { failedPods, failedPodsText } from '../agent/failed-pods.js';
import type { JournalEntry } from '../agent/journal.js';
import type { AgentStatus, AttachStatus } from '../agent/status.js';
import { safeText } from '../lib/text.js';
import type { Condition } from '../model/condition.js';
import { formatAttach } from './attach-text.js';
import { formatTable } from './table.js';

/** What stands in the column of types. */
function typeOf({ object, evidence }: Condition): string {
  switch (object.kind) {
    case 'chainPort':
      return 'chain port';
    case 'port':
      return evidence['type'] === undefined || evidence['type'] === '' ? 'system' : evidence['type'];
    default:
      return object.kind;
  }
}

/** A port of a chain stands below its chain, so its name need not repeat it. */
function nameOf({ object }: Condition): string {
  const name = safeText(object.name);
  if (object.kind === 'chainPort') return `  ${name.slice(name.indexOf('/') + 1)}`;
  return object.kind === 'port' ? `  ${name}` : name;
}

function row(condition: Condition): readonly string[] {
  const { state, reason, message, evidence } = condition;
  const shown = reason === 'Ready' ? '' : message;
  const { ofport = '', link_state: link = '', mtu = '' } = evidence;
  return [nameOf(condition), typeOf(condition), ofport, link, mtu, state, reason === 'Ready' ? '' : reason, shown];
}

/** Each chain with its ports below it; all else as it comes. */
function arrange(conditions: readonly Condition[]): readonly Condition[] {
  const isChainPort = ({ object }: Condition): boolean => object.kind === 'chainPort';
  const chainPorts = conditions.filter(isChainPort);
  return conditions
    .filter((condition) => !isChainPort(condition))
    .flatMap((condition) => {
      const { kind, name } = condition.object;
      if (kind !== 'chain') return [condition];
      return [condition, ...chainPorts.filter(({ object }) => object.name.startsWith(`${name}/`))];
    });
}

const heading = ['OBJECT', 'TYPE', 'OFPORT', 'LINK', 'MTU', 'STATE', 'REASON', 'MESSAGE'];

type Summed = Pick<AgentStatus, 'isReady' | 'ovsdb' | 'vswitchd' | 'repair'> & {
  readonly attach?: Pick<AttachStatus, 'failures'> | undefined;
};

/** One line about the agent and its peers; ready it is although a pod has no network, so that is said beside. */
export function formatSummary(status: Summed): string {
  const ovsdb = status.ovsdb.kind === 'synced' ? `in sync with ${status.ovsdb.endpoint}` : status.ovsdb.message;
  const mode = status.repair === 'on' ? '' : ` · mode ${status.repair}`;
  const failed = failedPodsText(failedPods(status.attach?.failures ?? []));
  const pods = failed === undefined ? '' : ` · ${failed}`;
  return `${status.isReady ? 'READY' : 'NOT READY'}${pods} · OVSDB ${ovsdb} · vswitchd ${status.vswitchd}${mode}\n`;
}

/** The objects, one a line. */
export function formatConditions(conditions: readonly Condition[]): string {
  return formatTable([heading, ...arrange(conditions).map(row)]);
}

/** One change: when, what came of it, what it was, and on whose behalf where that is somebody else's than the agent's own. */
export function formatJournalEntry(entry: JournalEntry): string {
  const when = new Date(entry.wallMs).toISOString();
  const words = entry.message === undefined ? '' : ` (${entry.message})`;
  const who = entry.actor === 'agent' ? '' : `  by ${entry.actor}`;
  return `${when}  ${entry.outcome}  ${entry.summary}  ${entry.tookMs.toFixed(1)} ms${who}${words}\n`;
}

/** The whole status. */
export function formatStatus(status: AgentStatus, journalCount = 5): string {
  const findings = status.findings.map((entry) => `! ${entry.reason}: ${entry.message}\n    ${entry.remedy}\n`);
  const journal = journalCount === 0 ? [] : status.journal.slice(-journalCount).map(formatJournalEntry);
  const parts = [formatSummary(status), '\n', formatConditions(status.conditions)];
  if (status.attach !== undefined) parts.push('\n', formatAttach(status.attach, status.wallMs));
  if (findings.length > 0) parts.push('\n', ...findings);
  if (journal.length > 0) parts.push('\nLast changes:\n', ...journal);
  return parts.join('');
}

/** How old the status is, and what that means: a file outlives the one who wrote it. */
export function formatAge(ageMs: number, freshMs: number): string {
  const seconds = Math.max(0, Math.round(ageMs / 1_000));
  if (ageMs <= freshMs) return `As of ${seconds} s ago.\n`;
  return `STALE: as of ${seconds} s ago, and a newer status is due every ${Math.round(freshMs / 1_000)} s. The agent is not running or hangs.\n`;
}
