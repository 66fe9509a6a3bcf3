/** `dpuctl offload top`: each object with where its packets are processed, those with most packets in software first. */

import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { ListOffloadResponseSchema, OffloadService, type OffloadRow } from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { safeText } from '../lib/text.js';
import type { CommandContext } from './command-context.js';
import { follow } from './follow.js';
import {
  count,
  kindOf,
  lapse,
  names,
  percent,
  rowName,
  sentence,
  softwareFlowsOf,
  softwareRate,
  sourceWord,
  verdictWord,
} from './offload-words.js';
import { isForPeople, itemPrinter, printMessage, toPlain } from './output.js';
import { clearScreen, redraw } from './redraw.js';
import type { RowKind } from './row-kinds.js';
import { formatTable } from './table.js';

export interface OffloadTopOptions {
  /** Draws again whenever something differs. */
  readonly isLive: boolean;
  /** Undefined: all kinds. */
  readonly kind: RowKind | undefined;
  readonly rowsMax: number | undefined;
  /** Between two looks of the agent, ms, 1000 and above. */
  readonly intervalMs: number;
  /** Lines of the terminal; undefined: not known. */
  readonly terminalRows: number | undefined;
}

export const offloadTopIntervalMsDefault = 5_000;

/**
 * By packets a second in software, the most first; then those that nobody counts, by the packets of their software flows: what
 * flows have carried since each was made is no rate, and is never compared with one.
 */
export function sortBySoftware(rows: readonly OffloadRow[]): readonly OffloadRow[] {
  const rate = ({ measured }: OffloadRow): number => softwareRate(measured) ?? -1;
  const packets = ({ measured }: OffloadRow): number => Number(softwareFlowsOf(measured).packets);
  return [...rows].sort((a, b) => rate(b) - rate(a) || packets(b) - packets(a) || (a.key < b.key ? -1 : 1));
}

const heading = ['KIND', 'NAME', 'VERDICT', 'HARDWARE', 'SW PKT/S', 'SW FLOWS', 'SW PACKETS', 'WHY'];
const wideHeading = ['BY', 'WINDOW', 'PORTS', 'SHARED WITH', 'MESSAGE'];

/** The reason with most packets; where no flow tells one, that of the verdict, unless all is in hardware. */
function whyOf({ measured, reason, verdict }: OffloadRow): string {
  const [top] = measured?.reasons ?? [];
  if (top !== undefined) return `${safeText(top.reason, 64)}${top.isExpected ? ' (expected)' : ''}`;
  return verdictWord({ verdict }) === 'hardware' ? '' : safeText(reason, 64);
}

function cells(row: OffloadRow, isWide: boolean): readonly string[] {
  const { measured, message } = row;
  const flows = measured?.softwareFlows;
  const plain = [
    kindOf(row) ?? 'other',
    rowName(row),
    verdictWord(row),
    percent(measured?.hardwareShare),
    count(softwareRate(measured)),
    count(flows?.flows),
    count(flows?.packets),
    whyOf(row),
  ];
  if (!isWide) return plain;
  const { ports = [], sharedWith = [], window } = measured ?? {};
  return [...plain, sourceWord(measured), lapse(window), names(ports), names(sharedWith), sentence(message)];
}

/** One screen. Without its heading where there is nothing. */
export function formatOffloadTop(rows: readonly OffloadRow[], isWide: boolean, rowsMax: number | undefined): string {
  const shown = rows.slice(0, rowsMax);
  if (shown.length === 0) return 'The agent knows of no such object.\n';
  const more = rows.length > shown.length ? `… and ${rows.length - shown.length} more\n` : '';
  return (
    formatTable([isWide ? [...heading, ...wideHeading] : heading, ...shown.map((row) => cells(row, isWide))]) + more
  );
}

const selectorOf = (kind: RowKind | undefined) => ({
  ports: kind === 'port',
  attachments: kind === 'pod',
  chains: kind === 'chain',
  names: [],
});

const problemText = (problems: readonly string[]): string =>
  problems.map((problem) => `! ${sentence(problem)}\n`).join('');

async function showOnce(context: CommandContext, { kind, rowsMax }: OffloadTopOptions): Promise<void> {
  const { connection, signal, format } = context;
  const request = { selector: selectorOf(kind) };
  const answer = await connection.service(OffloadService).listOffload(request, { signal });
  const rows = sortBySoftware(answer.rows);
  if (isForPeople(context)) {
    context.print(formatOffloadTop(rows, format === 'wide', rowsMax) + problemText(answer.problems));
  } else {
    const message = create(ListOffloadResponseSchema, { rows: rows.slice(0, rowsMax), problems: answer.problems });
    await printMessage(context, ListOffloadResponseSchema, message);
  }
}

async function showLive(context: CommandContext, options: OffloadTopOptions): Promise<void> {
  const { kind, intervalMs, terminalRows } = options;
  const rows = new Map<string, OffloadRow>();
  const printItem = await itemPrinter(context);
  const isDrawn = context.isTerminal && isForPeople(context);
  // Heading, the line about the rest, and the one where the cursor stands.
  const room = isDrawn && terminalRows !== undefined ? Math.max(1, terminalRows - 3) : undefined;
  const rowsMax = options.rowsMax ?? room;
  const show = (problems: readonly string[]): void => {
    const sorted = sortBySoftware([...rows.values()]);
    if (isForPeople(context)) {
      const text = formatOffloadTop(sorted, context.format === 'wide', rowsMax) + problemText(problems);
      context.print(isDrawn ? redraw(text) : `${text}\n`);
    } else {
      const message = create(ListOffloadResponseSchema, { rows: sorted.slice(0, rowsMax), problems: [...problems] });
      printItem(toPlain(ListOffloadResponseSchema, message));
    }
  };
  if (isDrawn) context.print(clearScreen);
  const request = { selector: selectorOf(kind), interval: durationFromMs(intervalMs) };
  await follow(context, {
    open: (signal) =>
      context.connection.service(OffloadService).watchOffload(request, { signal, isAnsweredAtOnce: true }),
    take: (message) => {
      for (const key of message.removed) rows.delete(key);
      for (const row of message.rows) rows.set(row.key, row);
      show(message.problems);
      return false;
    },
    // What was known is no longer watched: it comes anew.
    onLost: () => rows.clear(),
  });
}

/** Shows the table once, or until the person has had enough. */
export async function offloadTop(context: CommandContext, options: OffloadTopOptions): Promise<number> {
  await (options.isLive ? showLive(context, options) : showOnce(context, options));
  return 0;
}
