/** The cheap commands of ovs-vswitchd, each a fact of its own: one that is missing or refused leaves the others as they are. */

import { safeText } from '../lib/text.js';
import { known, unknown, type Fact } from '../model/fact.js';
import type { UpcallFacts } from '../offload/offload-facts.js';
import type { DatapathPacketsReading, InsertionReading, SwitchQuickReading } from '../offload/readings.js';
import {
  parseCoverage,
  parseOffloadStats,
  parseUpcallShow,
  parseVersion,
  type OffloadFigures,
  type OffloadProvider,
} from '../unixctl/index.js';
import { isUserspace, readDatapathNames, usableNames } from './datapath-names.js';
import { PacketLines } from './datapath-packets.js';
import type { OffloadExporter } from './offload-exporter.js';
import { absentWhy, found, refusalOf, refusedWhy, type SwitchAsker, type Told } from './switch-asker.js';

export type QuickFacts = Pick<SwitchQuickReading, 'version' | 'upcalls' | 'coverage' | 'insertion' | 'packets'>;

const datapathsMax = 16;
/** A build has some 300. */
const countersMax = 4096;
const nameLengthMax = 128;

export async function readQuickFacts(asker: SwitchAsker, exporter: OffloadExporter): Promise<QuickFacts> {
  const version = await asker.fact('version', [], (text) => {
    const parsed = parseVersion(text)?.version;
    return found(parsed === undefined ? undefined : safeText(parsed, 64), 'version names no version');
  });
  const upcalls = await asker.fact('upcall/show', [], upcallsOf);
  const coverage = await asker.fact('coverage/show', [], coverageOf);
  const insertion = await readInsertion(asker, upcalls);
  return { version, upcalls, coverage, insertion, packets: await readPackets(asker, exporter) };
}

function upcallsOf(text: string): Fact<readonly UpcallFacts[]> {
  const { datapaths } = parseUpcallShow(text);
  return known(
    datapaths.slice(0, datapathsMax).map(({ name, flows, flowLimit, offloaded, dumpMs }) => ({
      name: safeText(name, nameLengthMax),
      flows,
      flowLimit,
      offloaded,
      dumpMs,
    })),
  );
}

function coverageOf(text: string): Fact<ReadonlyMap<string, number>> {
  const counters = [...parseCoverage(text).counters].slice(0, countersMax);
  return known(new Map(counters.map(([name, { total }]) => [safeText(name, nameLengthMax), total])));
}

/** Each userspace datapath is asked by its name: without one the command refuses where there are several. */
async function readInsertion(
  asker: SwitchAsker,
  upcalls: Fact<readonly UpcallFacts[]>,
): Promise<Fact<InsertionReading | 'refused'>> {
  const command = 'dpctl/offload-stats-show';
  if (!asker.has(command)) return unknown(absentWhy(command));
  const names =
    upcalls.kind === 'known'
      ? known(usableNames(upcalls.value.map(({ name }) => name)))
      : await readDatapathNames(asker);
  if (names.kind === 'unknown') return names;
  const told: Told[] = [];
  for (const name of names.value.filter(isUserspace)) told.push(await asker.ask(command, [name]));
  return insertionOf(command, told);
}

/** Up to 3.6 the userspace datapath says EINVAL while offload is off (dpif_netdev_offload_stats_get of dpif-netdev.c). */
function isOff(words: string): boolean {
  return words.includes('Invalid argument') && !words.includes('datapath not found');
}

function insertionOf(command: string, told: readonly Told[]): Fact<InsertionReading | 'refused'> {
  const providers = told.flatMap((one) => (one.kind === 'text' ? parseOffloadStats(one.text).providers : []));
  const sum = insertionSum(providers);
  if (sum !== undefined) return known(sum);
  const refusals = told.flatMap((one) => (one.kind === 'refused' ? [one.words] : []));
  if (refusals.some(isOff)) return known('refused');
  const [words] = refusals;
  if (words !== undefined) return unknown(refusedWhy(command, words));
  if (told.length === 0) return unknown('there is no userspace datapath, and no other counts its insertions');
  // From 3.7 on the answer is empty while offload is off, and of a provider that does not count.
  return unknown('no offload provider counts its insertions');
}

/** Undefined: no provider tells both figures. Of latencies the longest stands: means of providers have no sum. */
function insertionSum(providers: readonly OffloadProvider[]): InsertionReading | undefined {
  const totals = providers.flatMap(({ total }) => {
    const { enqueued, inserted } = total;
    return enqueued === undefined || inserted === undefined ? [] : [{ ...total, enqueued, inserted }];
  });
  if (totals.length === 0) return undefined;
  const values = (name: keyof OffloadFigures): readonly number[] => totals.flatMap((total) => total[name] ?? []);
  const sum = (name: keyof OffloadFigures): number => values(name).reduce((all, value) => all + value, 0);
  const seconds = (recent: keyof OffloadFigures, ever: keyof OffloadFigures): number | undefined => {
    const known = values(recent).length > 0 ? values(recent) : values(ever);
    return known.length === 0 ? undefined : Math.max(...known) / 1e6;
  };
  return {
    enqueued: sum('enqueued'),
    inserted: sum('inserted'),
    connectionsBoth: values('ctBidirectional').length === 0 ? undefined : sum('ctBidirectional'),
    connectionsOne: values('ctUnidirectional').length === 0 ? undefined : sum('ctUnidirectional'),
    latencyMean: seconds('latencyRecentMeanUs', 'latencyMeanUs'),
    latencyDeviation: seconds('latencyRecentDeviationUs', 'latencyDeviationUs'),
  };
}

async function readPackets(
  asker: SwitchAsker,
  exporter: OffloadExporter,
): Promise<Fact<readonly DatapathPacketsReading[]>> {
  const command = 'metrics/show';
  if (!asker.has(command)) return exporter.read(asker.signal);
  const lines = new PacketLines();
  try {
    for await (const batch of asker.batches(command, [])) for (const line of batch) lines.line(line);
    return lines.result;
  } catch (error) {
    return unknown(refusedWhy(command, refusalOf(error)));
  }
}
