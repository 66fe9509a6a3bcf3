/**
 * The status of an agent on one screen: who it is, whether all is well, what hurts first, and counts for the rest. Pure.
 * Foreign text is escaped and bounded.
 */

import { formatSpan } from '../attach/age-text.js';
import type { JournalEntry } from '../agent/journal.js';
import type { Node, Uplink } from '../gen/proto/dpu/agent/v1/node_pb.js';
import { safeText } from '../lib/text.js';
import type { Condition, Finding } from '../model/condition.js';
import { formatAttach } from './attach-text.js';
import { wallMsOf, type ShownStatus } from './decode.js';
import { formatAge, formatConditions, formatJournalEntry, formatSummary } from './status-text.js';

export interface Screen {
  readonly status: ShownStatus;
  readonly node: Node | undefined;
  /** The line about hardware offload; undefined: there is nothing to say of it. */
  readonly offload?: string | undefined;
  /** The newest changes, oldest first. */
  readonly journal: readonly JournalEntry[];
  /** Everything, however long it is. */
  readonly isWide: boolean;
  readonly nowWallMs: number;
}

/** So many objects fit a screen as they are; of more only those that are not ready are shown. */
const objectsWholeMax = 24;
const objectsShownMax = 12;
const findingsShownMax = 5;

/** `100 Gbit/s`. */
export function formatSpeed(bitsPerSecond: number): string {
  const steps = [
    [1e9, 'Gbit/s'],
    [1e6, 'Mbit/s'],
    [1e3, 'kbit/s'],
  ] as const;
  const [unit, name] = steps.find(([step]) => bitsPerSecond >= step) ?? [1, 'bit/s'];
  return `${Number((bitsPerSecond / unit).toFixed(1))} ${name}`;
}

function uplinkText({ name, hasCarrier, speedBps }: Uplink): string {
  const shown = safeText(name, 64);
  if (!hasCarrier) return `${shown} down`;
  return speedBps === undefined ? `${shown} up` : `${shown} ${formatSpeed(Number(speedBps))}`;
}

/** One line: the machine, its software, its uplinks. */
export function formatNode({ agent, machine, openVswitch, uplinks }: Node, nowWallMs: number): string {
  const { hostname = '', product = '' } = machine ?? {};
  const startedMs = wallMsOf(agent?.startedAt);
  const age = startedMs === undefined ? '' : `, up ${formatSpan(nowWallMs - startedMs)}`;
  const { version = '', engine = '', docaVersion = '' } = openVswitch ?? {};
  const words = [engine, docaVersion === '' ? '' : `DOCA ${docaVersion}`].filter((text) => text !== '').join(', ');
  const parts = [
    safeText(hostname, 253),
    safeText(product, 120),
    `agent ${safeText(agent?.version ?? '?', 64)}${age}`,
    version === '' ? '' : `Open vSwitch ${safeText(version, 64)}${words === '' ? '' : ` (${safeText(words, 80)})`}`,
    uplinks.slice(0, 4).map(uplinkText).join(', '),
  ];
  return `${parts.filter((text) => text !== '').join(' · ')}\n`;
}

const order = { failed: 0, waiting: 1, ready: 2 } as const;

const plurals: Readonly<Record<string, string>> = {
  bridge: 'bridges',
  port: 'ports',
  chain: 'chains',
  chainPort: 'chain ports',
  attachment: 'attachments',
  intent: 'intents',
};

function countText(kind: string, states: readonly Condition['state'][]): string {
  const parts = (['failed', 'waiting', 'ready'] as const).flatMap((state) => {
    const count = states.filter((entry) => entry === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  return `${plurals[kind] ?? kind}: ${parts.join(', ')}`;
}

/** `bridges: 2 ready · ports: 1 failed, 999 ready`. */
export function formatCounts(conditions: readonly Condition[]): string {
  const byKind = new Map<string, Condition['state'][]>();
  for (const { object, state } of conditions) {
    const states = byKind.get(object.kind);
    if (states === undefined) byKind.set(object.kind, [state]);
    else states.push(state);
  }
  return `${[...byKind].map(([kind, states]) => countText(kind, states)).join(' · ')}\n`;
}

function objectsText(conditions: readonly Condition[], isWide: boolean): string {
  if (conditions.length === 0) return 'Nothing is wanted of the agent.\n';
  if (isWide || conditions.length <= objectsWholeMax) return formatConditions(conditions);
  const open = conditions
    .filter(({ state }) => state !== 'ready')
    .sort((a, b) => order[a.state] - order[b.state])
    .slice(0, objectsShownMax);
  const openCount = conditions.filter(({ state }) => state !== 'ready').length;
  const rest = openCount - open.length;
  return [
    formatCounts(conditions),
    ...(open.length === 0 ? [] : ['\n', formatConditions(open)]),
    ...(rest > 0 ? [`… and ${rest} more that are not ready: dpuctl status -o wide\n`] : []),
  ].join('');
}

function findingsText(findings: readonly Finding[], isWide: boolean): string {
  const shown = isWide ? findings : findings.slice(0, findingsShownMax);
  const rest = findings.length - shown.length;
  const lines = shown.map(
    ({ reason, message, remedy }) =>
      `! ${safeText(reason, 64)}: ${safeText(message, 600)}\n    ${safeText(remedy, 600)}\n`,
  );
  return `${lines.join('')}${rest > 0 ? `… and ${rest} more: dpuctl get findings\n` : ''}`;
}

/** The screen. */
export function formatScreen({ status, node, offload = '', journal, isWide, nowWallMs }: Screen): string {
  const parts = [
    formatSummary(status),
    node === undefined ? '' : formatNode(node, nowWallMs),
    offload,
    '\n',
    objectsText(status.conditions, isWide),
    status.attach === undefined ? '' : `\n${formatAttach(status.attach, nowWallMs)}`,
    status.findings.length === 0 ? '' : `\n${findingsText(status.findings, isWide)}`,
    journal.length === 0 ? '' : `\nLast changes:\n${journal.map(formatJournalEntry).join('')}`,
    `\n${formatAge(nowWallMs - status.wallMs, status.freshMs)}`,
  ];
  return parts.join('');
}
