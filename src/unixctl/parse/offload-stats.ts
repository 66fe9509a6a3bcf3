/**
 * `dpctl/offload-stats-show [dp]`: what the offload threads of a userspace datapath have and how long insertions take (dpctl.c;
 * since 3.7 a part for each offload provider). All figures are of the present, none is a running total. The TC provider
 * prints nothing. Tested with 3.1, 3.5, 4.0; the CT connections and latency extremes of NVIDIA's releases from their description.
 */

import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

/** Undefined where the release does not print the figure, or prints an absurd one. */
export interface OffloadFigures {
  /** Waiting to be handled by the offload threads. */
  readonly enqueued: number | undefined;
  /** In hardware. */
  readonly inserted: number | undefined;
  /** Connections in hardware, one-way and both ways: NVIDIA's releases. */
  readonly ctUnidirectional: number | undefined;
  readonly ctBidirectional: number | undefined;
  /** Ports that a provider has: 3.7 and newer. */
  readonly ports: number | undefined;
  /** From queueing to insertion, µs: over all time, and exponentially weighted. */
  readonly latencyMeanUs: number | undefined;
  readonly latencyDeviationUs: number | undefined;
  readonly latencyMinUs: number | undefined;
  readonly latencyMaxUs: number | undefined;
  readonly latencyRecentMeanUs: number | undefined;
  readonly latencyRecentDeviationUs: number | undefined;
}

export interface OffloadThread extends OffloadFigures {
  readonly thread: number;
}

export interface OffloadProvider {
  /** `dpdk`; undefined before 3.7, where there is one only. */
  readonly provider: string | undefined;
  /** `netdev@ovs-netdev`; undefined before 3.7. */
  readonly datapath: string | undefined;
  readonly total: OffloadFigures;
  readonly threads: readonly OffloadThread[];
}

export interface OffloadStats {
  readonly providers: readonly OffloadProvider[];
  readonly unknown: UnknownLines;
}

type Name = keyof OffloadFigures;
type Figures = { -readonly [K in Name]: OffloadFigures[K] };

const names: ReadonlyMap<string, Name> = new Map<string, Name>([
  ['enqueued offloads', 'enqueued'],
  ['inserted offloads', 'inserted'],
  ['ct uni-dir connections', 'ctUnidirectional'],
  ['ct bi-dir connections', 'ctBidirectional'],
  ['offloaded port count', 'ports'],
  ['cumulative average latency (us)', 'latencyMeanUs'],
  ['cumulative latency stddev (us)', 'latencyDeviationUs'],
  ['cumulative latency min (us)', 'latencyMinUs'],
  ['cumulative latency max (us)', 'latencyMaxUs'],
  ['exponential average latency (us)', 'latencyRecentMeanUs'],
  ['exponential latency stddev (us)', 'latencyRecentDeviationUs'],
]);

/** NVIDIA's own tests take anything larger for a damaged counter. */
const sensibleMax = 1e10;

interface Draft {
  provider: string | undefined;
  datapath: string | undefined;
  total: Figures;
  threads: (Figures & { thread: number })[];
}

export function parseOffloadStats(text: string): OffloadStats {
  const providers: Draft[] = [];
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    if (/^HW Offload stats:$/.test(line)) continue;
    const label = /^ {2}(\S+)\[(\S+)\]:$/.exec(line);
    if (label !== null) providers.push(draft(label[1], label[2]));
    else if (!figureLine(line, providers)) unknown.add(line);
  }
  return { providers, unknown: unknown.result };
}

function figureLine(line: string, providers: Draft[]): boolean {
  const match = /^\s+(?:(Total)|\[\s*(\d+)\])?\s*(\S.*?):\s+(-?[\d.]+(?:e[+-]?\d+)?)$/.exec(line);
  const name = names.get((match?.[3] ?? '').replaceAll(/\s+/g, ' ').toLowerCase());
  if (match === null || name === undefined) return false;
  const last = providers.at(-1) ?? draft(undefined, undefined);
  if (providers.length === 0) providers.push(last);
  const value = Number(match[4]);
  const target = match[2] === undefined ? last.total : threadOf(last, Number(match[2]));
  target[name] = value >= 0 && value <= sensibleMax ? value : undefined;
  return true;
}

function threadOf({ threads }: Draft, number: number): Figures {
  const known = threads.find(({ thread }) => thread === number);
  if (known !== undefined) return known;
  const made = { thread: number, ...noFigures() };
  threads.push(made);
  return made;
}

const draft = (provider: string | undefined, datapath: string | undefined): Draft => ({
  provider,
  datapath,
  total: noFigures(),
  threads: [],
});

const noFigures = (): Figures => ({
  enqueued: undefined,
  inserted: undefined,
  ctUnidirectional: undefined,
  ctBidirectional: undefined,
  ports: undefined,
  latencyMeanUs: undefined,
  latencyDeviationUs: undefined,
  latencyMinUs: undefined,
  latencyMaxUs: undefined,
  latencyRecentMeanUs: undefined,
  latencyRecentDeviationUs: undefined,
});
