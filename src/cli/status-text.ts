/** The agent's status for a person: one table of objects, then findings and the newest changes. */

import type { JournalEntry } from '../agent/journal.js';
import type { AgentStatus } from '../agent/status.js';
import type { Condition } from '../model/condition.js';
import { formatTable } from './table.js';

function row(condition: Condition): readonly string[] {
  const { object, state, reason, message, evidence } = condition;
  const name = object.kind === 'port' ? `  ${object.name}` : object.name;
  const shown = reason === 'Ready' ? '' : message;
  const { type = '', ofport = '', link_state: link = '', mtu = '' } = evidence;
  const what = object.kind === 'bridge' ? 'bridge' : type === '' ? 'system' : type;
  return [name, what, ofport, link, mtu, state, reason === 'Ready' ? '' : reason, shown];
}

const heading = ['OBJECT', 'TYPE', 'OFPORT', 'LINK', 'MTU', 'STATE', 'REASON', 'MESSAGE'];

/** One line about the agent and its peers. */
export function formatSummary(status: AgentStatus): string {
  const ovsdb = status.ovsdb.kind === 'synced' ? `in sync with ${status.ovsdb.endpoint}` : status.ovsdb.message;
  const mode = status.repair === 'on' ? '' : ` · mode ${status.repair}`;
  return `${status.isReady ? 'READY' : 'NOT READY'} · OVSDB ${ovsdb} · vswitchd ${status.vswitchd}${mode}\n`;
}

/** The objects, one a line. */
export function formatConditions(conditions: readonly Condition[]): string {
  return formatTable([heading, ...conditions.map(row)]);
}

/** One change: when, what came of it, what it was. */
export function formatJournalEntry(entry: JournalEntry): string {
  const when = new Date(entry.wallMs).toISOString();
  const words = entry.message === undefined ? '' : ` (${entry.message})`;
  return `${when}  ${entry.outcome}  ${entry.summary}  ${entry.tookMs.toFixed(1)} ms${words}\n`;
}

/** The whole status. */
export function formatStatus(status: AgentStatus, journalCount = 5): string {
  const findings = status.findings.map((entry) => `! ${entry.reason}: ${entry.message}\n    ${entry.remedy}\n`);
  const journal = journalCount === 0 ? [] : status.journal.slice(-journalCount).map(formatJournalEntry);
  const parts = [formatSummary(status), '\n', formatConditions(status.conditions)];
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
