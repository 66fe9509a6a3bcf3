/** `dpuctl top`: rates of ports, pods and chain ports, the busiest first, with what is known of their offload. */

import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { OffloadService, type OffloadRow } from '../gen/proto/dpu/agent/v1/offload_pb.js';
import {
  StatsRow_Kind,
  StatsService,
  type StatsRow,
  type WatchStatsResponse,
} from '../gen/proto/dpu/agent/v1/stats_pb.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { CommandContext } from './command-context.js';
import { follow } from './follow.js';
import { count, kindOf, percent, verdictWord } from './offload-words.js';
import { itemPrinter } from './output.js';
import { RateTable, type RateRow, type Rates } from './rates.js';
import { clearScreen, redraw } from './redraw.js';
import { formatTable } from './table.js';

export interface TopOptions {
  readonly isOnce: boolean;
  /** How many rows are shown at most; undefined: all, or what the terminal has room for. */
  readonly rowsMax: number | undefined;
  /** Between two looks, ms, 500 and above. */
  readonly intervalMs: number;
  /** Lines of the terminal; undefined: not known. */
  readonly terminalRows: number | undefined;
}

export const topIntervalMsDefault = 5_000;
/** How much later than its interval a message may come before none is expected. */
const messageGraceMs = 500;

const heading = ['KIND', 'NAME', 'BRIDGE', 'RX PKT/S', 'TX PKT/S', 'RX BIT/S', 'TX BIT/S', 'DROPS/S', 'OFFLOAD'];

const kindWords: Readonly<Partial<Record<StatsRow_Kind, string>>> = {
  [StatsRow_Kind.PORT]: 'port',
  [StatsRow_Kind.ATTACHMENT]: 'pod',
  [StatsRow_Kind.CHAIN_PORT]: 'chain',
};

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : a + b;
}

/** What is known of the offload of an object. */
interface KnownOffload {
  readonly verdict: string;
  /** Packets of hardware by all packets, 0 to 1; undefined: not known. */
  readonly hardwareShare: number | undefined;
}

type Offload = ReadonlyMap<string, KnownOffload>;

/** Networks of one pod have the same name and devices of their own. */
function offloadKey(kind: string | undefined, name: string, device: string): string {
  return `${kind ?? ''} ${name} ${kind === 'pod' ? device : ''}`;
}

/** By what a row of counters can be matched with. */
export function offloadOf(rows: readonly OffloadRow[]): Offload {
  return new Map(
    rows.map((row) => [
      offloadKey(kindOf(row), row.name, row.interface),
      { verdict: verdictWord(row), hardwareShare: row.measured?.hardwareShare },
    ]),
  );
}

/** A port of a chain goes by what is known of the chain. */
function offloadOfRow({ kind, name, interface: device }: StatsRow, offload: Offload): KnownOffload | undefined {
  const subject = kind === StatsRow_Kind.CHAIN_PORT ? (name.split('/')[0] ?? '') : name;
  return offload.get(offloadKey(kindWords[kind], subject, device));
}

/** `hardware 99.0 %`. */
function offloadText(known: KnownOffload | undefined): string {
  if (known === undefined) return '-';
  const { verdict, hardwareShare } = known;
  return hardwareShare === undefined ? verdict : `${verdict} ${percent(hardwareShare)}`;
}

function nameOf({ kind, name, network }: StatsRow): string {
  const isSecond = kind === StatsRow_Kind.ATTACHMENT && network !== '' && network !== 'default';
  return safeText(isSecond ? `${name} ${network}` : name);
}

/** One screen. */
export function formatTop(rows: readonly RateRow[], offload: Offload, rowsMax: number | undefined): string {
  const shown = rows.slice(0, rowsMax);
  const cells = shown.map(({ row, received, sent }) => [
    kindWords[row.kind] ?? 'other',
    nameOf(row),
    safeText(row.bridge),
    count(received.packets),
    count(sent.packets),
    count(received.bits),
    count(sent.bits),
    count(sum(received.drops, sent.drops)),
    offloadText(offloadOfRow(row, offload)),
  ]);
  const more = rows.length > shown.length ? `… and ${rows.length - shown.length} more\n` : '';
  return formatTable([heading, ...cells]) + more;
}

// What is not known is null: every row has every field.
const perSecond = ({ packets, bits, drops }: Rates) => ({
  packets: packets ?? null,
  bits: bits ?? null,
  drops: drops ?? null,
});

function toPlainRows(rows: readonly RateRow[], offload: Offload, wallMs: number) {
  const plain = rows.map(({ row, received, sent }) => ({
    kind: kindWords[row.kind] ?? 'other',
    name: row.name,
    bridge: row.bridge,
    interface: row.interface,
    network: row.network,
    receivedPerSecond: perSecond(received),
    sentPerSecond: perSecond(sent),
    offload: offloadOfRow(row, offload)?.verdict ?? '-',
    hardwareShare: offloadOfRow(row, offload)?.hardwareShare ?? null,
  }));
  return { time: new Date(wallMs).toISOString(), rows: plain };
}

/** An agent that cannot say anything of offload is no reason to show no rates. */
async function askOffload({ connection, signal }: CommandContext): Promise<Offload> {
  try {
    return offloadOf((await connection.service(OffloadService).listOffload({}, { signal })).rows);
  } catch (error) {
    if (error instanceof AgentError) return new Map();
    throw error;
  }
}

/** What has been heard, and when somebody has to look again. */
class TopFeed {
  readonly #clock: Clock;
  readonly table = new RateTable();
  problems: readonly string[] = [];
  /** Of the clock, ms, at the newest message; undefined while the stream is not open. */
  #heardMs: number | undefined;
  #hasNews = false;
  #wake: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#heardMs !== undefined;
  }

  rows(): readonly RateRow[] {
    return this.table.rows(this.#heardMs === undefined ? 0 : this.#clock.nowMs() - this.#heardMs);
  }

  take(message: WatchStatsResponse): void {
    this.table.take(message);
    this.problems = message.problems;
    this.#heardMs = this.#clock.nowMs();
    this.wake();
  }

  /** Nothing that is known goes on being true. */
  lose(): void {
    this.#heardMs = undefined;
    this.table.clear();
  }

  wake(): void {
    this.#hasNews = true;
    this.#wake();
  }

  /** Until there is news, or the time is over, ms; undefined: for ever. */
  async wait(ms: number | undefined): Promise<void> {
    if (!this.#hasNews) {
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : this.#clock.after(ms, resolve);
        this.#wake = () => {
          timer?.cancel();
          resolve();
        };
      });
    }
    this.#hasNews = false;
  }
}

async function show(context: CommandContext, feed: TopFeed, options: TopOptions): Promise<void> {
  const offload = await askOffload(context);
  const rows = feed.rows();
  if (context.format === 'json' || context.format === 'yaml') {
    const print = await itemPrinter(context);
    print(toPlainRows(rows.slice(0, options.rowsMax), offload, context.clock.wallMs()));
    return;
  }
  const isDrawn = context.isTerminal && !options.isOnce;
  // Heading, the line about the rest, and the one where the cursor stands.
  const room = isDrawn && options.terminalRows !== undefined ? Math.max(1, options.terminalRows - 3) : undefined;
  const told = feed.problems.map((problem) => `${safeText(problem, 400)}\n`).join('');
  const text = formatTop(rows, offload, options.rowsMax ?? room) + told;
  context.print(isDrawn ? redraw(text) : options.isOnce ? text : `${text}\n`);
}

/** Draws at every message; where nothing differs none comes, and the interval draws. Returns when there is nothing more to do. */
async function draw(context: CommandContext, feed: TopFeed, options: TopOptions): Promise<void> {
  const tickMs = options.intervalMs + messageGraceMs;
  await feed.wait(undefined);
  if (options.isOnce && !feed.table.isMeasured && !context.signal.aborted) await feed.wait(tickMs);
  while (!context.signal.aborted) {
    if (feed.isOpen) await show(context, feed, options);
    if (options.isOnce) return;
    await feed.wait(tickMs);
  }
}

/** Shows rates until the person has had enough, or once. */
export async function top(context: CommandContext, options: TopOptions): Promise<number> {
  const feed = new TopFeed(context.clock);
  const done = new AbortController();
  const inner: CommandContext = { ...context, signal: AbortSignal.any([context.signal, done.signal]) };
  inner.signal.addEventListener('abort', () => feed.wake(), { once: true });
  const request = {
    selector: { ports: true, attachments: true, chains: true },
    interval: durationFromMs(options.intervalMs),
  };
  if (context.isTerminal && !options.isOnce) context.print(clearScreen);
  const following = follow(inner, {
    open: (signal) => inner.connection.service(StatsService).watchStats(request, { signal, isAnsweredAtOnce: true }),
    take: (message) => {
      feed.take(message);
      return false;
    },
    onLost: () => feed.lose(),
  });
  try {
    await Promise.race([following, draw(inner, feed, options)]);
  } finally {
    done.abort();
  }
  await following;
  return 0;
}
