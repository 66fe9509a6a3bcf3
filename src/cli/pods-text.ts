/** The networks of the host cluster's pods for a person, one a line. Foreign text is escaped and bounded. */

import { formatSpan } from '../attach/age-text.js';
import type { AttachmentView, PodFacts } from '../attach/attachment-view.js';
import { safeText } from '../lib/text.js';
import type { PodsContent } from './read-pods.js';
import { formatTable } from './table.js';

export interface PodsForm {
  readonly isWide: boolean;
  readonly isFailingFirst: boolean;
  readonly nowWallMs: number;
}

interface Line {
  readonly pod: PodFacts;
  readonly view: AttachmentView;
}

const heading = ['POD', 'NETWORK', 'VF', 'REPRESENTOR', 'STATE', 'REASON', 'AGE'];
const wideHeading = ['OFPORT', 'MAC', 'IFACE-ID', 'SANDBOX', 'STATUS', 'MESSAGE'];

const stateOrder = { failed: 0, waiting: 1, ready: 2 } as const;

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareLines(a: Line, b: Line): number {
  return (
    compareText(a.pod.namespace, b.pod.namespace) ||
    compareText(a.pod.name, b.pod.name) ||
    compareText(a.view.nadKey, b.view.nadKey) ||
    compareText(a.pod.uid, b.pod.uid)
  );
}

/** The lines in the order in which they are printed. */
function linesOf(pods: readonly PodFacts[], isFailingFirst: boolean): readonly Line[] {
  const lines = pods.flatMap((pod) => pod.attachments.map((view) => ({ pod, view }))).sort(compareLines);
  if (!isFailingFirst) return lines;
  return lines.sort((a, b) => stateOrder[a.view.state] - stateOrder[b.view.state] || compareLines(a, b));
}

function wideCells({ evidence, ifaceId, sandboxId, shown, reason, message }: AttachmentView): readonly string[] {
  return [
    evidence['ofport'] ?? '',
    evidence['attached_mac'] ?? '',
    ifaceId ?? '',
    sandboxId?.slice(0, 13) ?? '',
    shown ?? '',
    reason === 'Ready' ? '' : message,
  ].map((text) => safeText(text, 600));
}

function row({ pod, view }: Line, { isWide, nowWallMs }: PodsForm): readonly string[] {
  const { pf, vf } = view;
  const cells = [
    `${safeText(pod.namespace, 63)}/${safeText(pod.name, 253)}`,
    safeText(view.nadKey, 512),
    pf === undefined || vf === undefined ? '' : `pf${pf}vf${vf}`,
    safeText(view.device ?? '', 64),
    view.state,
    view.reason === 'Ready' ? '' : view.reason,
    formatSpan(nowWallMs - view.sinceWallMs),
  ];
  return isWide ? [...cells, ...wideCells(view)] : cells;
}

/** The pods in the order of the table; the form of JSON. */
export function sortPods(pods: readonly PodFacts[]): readonly PodFacts[] {
  return [...pods].sort((a, b) => compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`));
}

/** A table of all networks of pods; pods that have nothing to attach are counted. */
export function formatPods({ pods }: PodsContent, form: PodsForm): string {
  const lines = linesOf(pods, form.isFailingFirst);
  const bareCount = pods.filter(({ attachments }) => attachments.length === 0).length;
  const bare = bareCount === 0 ? '' : `${bareCount} pod(s) have nothing to attach.\n`;
  if (lines.length === 0) return bare === '' ? 'The agent knows of no pods.\n' : bare;
  const head = form.isWide ? [...heading, ...wideHeading] : heading;
  const table = formatTable([head, ...lines.map((line) => row(line, form))]);
  return bare === '' ? table : `${table}\n${bare}`;
}

/** Whether every network of every pod is ready. */
export function arePodsReady(pods: readonly PodFacts[]): boolean {
  return pods.every(({ attachments }) => attachments.every(({ state }) => state === 'ready'));
}
