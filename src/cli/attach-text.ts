/** What the loop of the host cluster's pods says of itself, in a few lines for a person. Foreign text is escaped and bounded. */

import type { AttachStatus } from '../agent/status.js';
import { formatSpan } from '../attach/age-text.js';
import { whyLabelCommand } from '../attach/look-commands.js';
import { leaseText, skewText } from '../attach/rung-looks.js';
import { safeText } from '../lib/text.js';

/** Failures that are printed; the rest is counted. */
const failuresShownMax = 10;

function clusterText({ cluster }: AttachStatus, nowWallMs: number): string {
  const server = safeText(cluster.server);
  switch (cluster.kind) {
    case 'synced':
      return `in sync with ${server}`;
    case 'stale':
      return `${server} silent for ${formatSpan(nowWallMs - cluster.sinceWallMs)}: ${safeText(cluster.message, 400)}`;
    case 'connecting':
      return `not read yet from ${server}: ${safeText(cluster.message, 400)}`;
  }
}

/** One line: how the loop stands to the host cluster. */
export function formatAttachState(attach: AttachStatus, nowWallMs: number): string {
  const node = attach.nodeName === undefined ? 'an unnamed node' : safeText(attach.nodeName, 253);
  const skew = skewText(attach);
  const parts = [
    `mode ${attach.mode}`,
    `host cluster ${clusterText(attach, nowWallMs)}`,
    leaseText(attach, nowWallMs),
    ...(skew === undefined ? [] : [`its clock is ${skew}`]),
  ];
  return `Pods of ${node} · ${parts.join(' · ')}\n`;
}

function countsText({ counts, podCount }: AttachStatus): string {
  const byCount = Object.entries(counts).sort(([a, many], [b, few]) => few - many || (a < b ? -1 : 1));
  const total = byCount.reduce((sum, [, count]) => sum + count, 0);
  const list = byCount.map(([reason, count]) => `${count} ${safeText(reason, 64)}`).join(', ');
  return `${podCount} pod(s), ${total} network(s) to attach${list === '' ? '' : `: ${list}`}`;
}

function statusesText({ statuses, pendingCount }: AttachStatus): string {
  const { written, conflicts, failed, inFlight, lastError } = statuses;
  const waiting = inFlight === 0 ? '' : `, ${inFlight} on the way`;
  const words = lastError === undefined ? '' : ` (last: ${safeText(lastError, 300)})`;
  return `statuses: ${written} written, ${conflicts} in conflict, ${failed} failed${words}${waiting} · ${pendingCount} change(s) pending`;
}

/** The whole summary. */
export function formatAttach(attach: AttachStatus, nowWallMs: number): string {
  const lines = [`  ${countsText(attach)}`, `  ${statusesText(attach)}`];
  for (const { label, reason, message } of attach.failures.slice(0, failuresShownMax)) {
    lines.push(`  ✗ ${safeText(label, 400)}: ${safeText(reason, 64)}: ${safeText(message, 400)}`);
    lines.push(`      $ ${whyLabelCommand(label)}`);
  }
  const rest = attach.failures.length - failuresShownMax;
  if (rest > 0) lines.push(`  … and ${rest} more: dpuctl pods --failing-first`);
  return `${formatAttachState(attach, nowWallMs)}${lines.map((line) => `${line}\n`).join('')}`;
}
