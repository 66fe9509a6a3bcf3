/** The dearer commands of ovs-vswitchd and the end of its log, each a fact of its own. */

import { safeText } from '../lib/text.js';
import { known, unknown, type Fact } from '../model/fact.js';
import type { ConnectionFacts } from '../offload/offload-facts.js';
import type { LookupReading, SwitchSlowReading } from '../offload/readings.js';
import {
  parseCtCount,
  parseDatapathShow,
  parseMallocStats,
  parseOffloadShow,
  parsePmdRxq,
  type OffloadShow,
  type PmdQueues,
} from '../unixctl/index.js';
import { isUserspace, readDatapathNames } from './datapath-names.js';
import { found, type SwitchAsker } from './switch-asker.js';

export type SlowFacts = Pick<
  SwitchSlowReading,
  'isOffloadEnabled' | 'providerByPort' | 'polledPorts' | 'datapaths' | 'lookups' | 'heaps' | 'connections'
>;

const nameLengthMax = 128;
/** Four times as many as a DPU has. */
const portsMax = 4096;
const listMax = 64;

export async function readSlowFacts(asker: SwitchAsker): Promise<SlowFacts> {
  const show = await asker.fact('dpif/offload/show', [], (text) => known(parseOffloadShow(text)));
  const datapaths = await readDatapathNames(asker);
  return {
    isOffloadEnabled: enabledOf(show),
    providerByPort: show.kind === 'unknown' ? show : known(providersOf(show.value)),
    polledPorts: await readPolledPorts(asker, datapaths),
    datapaths,
    lookups: await asker.fact('dpctl/show', [], (text) => known(lookupsOf(text))),
    heaps: await asker.fact('dpdk/get-malloc-stats', [], (text) => known(heapsOf(text))),
    connections: await readConnections(asker, datapaths),
  };
}

function enabledOf(show: Fact<OffloadShow>): Fact<boolean> {
  if (show.kind === 'unknown') return show;
  return found(show.value.isEnabled, 'dpif/offload/show does not say whether offload is enabled');
}

/** Providers stand in the order of their priority: the first that has a port is the one that is asked. */
function providersOf({ datapaths }: OffloadShow): ReadonlyMap<string, string> {
  const byPort = new Map<string, string>();
  for (const { providers } of datapaths) {
    for (const { name, ports } of providers) {
      for (const port of ports) {
        if (byPort.size >= portsMax) return byPort;
        const portName = safeText(port.name, nameLengthMax);
        if (!byPort.has(portName)) byPort.set(portName, safeText(name, nameLengthMax));
      }
    }
  }
  return byPort;
}

/**
 * What the PMD threads of the userspace datapaths poll. `dpif-netdev` commands take the name without its type (get_dp_netdev
 * by name in dpif_netdev_pmd_info of dpif-netdev.c).
 */
export async function readPmdThreads(
  asker: SwitchAsker,
  datapaths: readonly string[],
): Promise<Fact<readonly PmdQueues[]>> {
  const userspace = datapaths.filter(isUserspace);
  if (userspace.length === 0) return unknown('there is no userspace datapath, and no other has PMD threads');
  const threads: PmdQueues[] = [];
  for (const datapath of userspace) {
    const name = datapath.slice(datapath.indexOf('@') + 1);
    const told = await asker.fact('dpif-netdev/pmd-rxq-show', [name], (text) => known(parsePmdRxq(text).threads));
    // Half of the ports would make the others look forgotten.
    if (told.kind === 'unknown') return told;
    threads.push(...told.value);
  }
  return known(threads);
}

async function readPolledPorts(
  asker: SwitchAsker,
  datapaths: Fact<readonly string[]>,
): Promise<Fact<ReadonlySet<string>>> {
  if (datapaths.kind === 'unknown') return datapaths;
  const threads = await readPmdThreads(asker, datapaths.value);
  if (threads.kind === 'unknown') return threads;
  const queues = threads.value.flatMap((thread) => thread.queues).filter(({ isEnabled }) => isEnabled);
  const ports = new Set(queues.map(({ port }) => safeText(port, nameLengthMax)));
  return known(new Set([...ports].slice(0, portsMax)));
}

/** A datapath that does not tell all of them is left out. */
function lookupsOf(text: string): readonly LookupReading[] {
  return parseDatapathShow(text)
    .datapaths.slice(0, listMax)
    .flatMap(({ name, hit, missed, lost, flows }) => {
      if (hit === undefined || missed === undefined || lost === undefined || flows === undefined) return [];
      return [{ datapath: safeText(name, nameLengthMax), hit, missed, lost, flows }];
    });
}

function heapsOf(text: string): readonly { readonly name: string; readonly size: number; readonly free: number }[] {
  return parseMallocStats(text)
    .heaps.slice(0, listMax)
    .flatMap(({ id, name, size, freeSize }) => {
      if (size === undefined || freeSize === undefined) return [];
      return [{ name: name === '' ? String(id) : safeText(name, nameLengthMax), size, free: freeSize }];
    });
}

/** Connections of the userspace datapaths; those of the kernel are counted in the kernel. */
async function readConnections(
  asker: SwitchAsker,
  datapaths: Fact<readonly string[]>,
): Promise<Fact<readonly ConnectionFacts[]>> {
  if (datapaths.kind === 'unknown') return datapaths;
  const userspace = datapaths.value.filter(isUserspace);
  if (userspace.length === 0) return unknown('there is no userspace datapath, and no other tracks its own connections');
  const tables: ConnectionFacts[] = [];
  for (const name of userspace) {
    const count = await readCount(asker, 'dpctl/ct-get-nconns', name);
    const limit = await readCount(asker, 'dpctl/ct-get-maxconns', name);
    if (count.kind === 'unknown') return count;
    if (limit.kind === 'unknown') return limit;
    tables.push({ table: `conntrack ${name}`, count: count.value, limit: limit.value });
  }
  return known(tables);
}

function readCount(asker: SwitchAsker, command: string, datapath: string): Promise<Fact<number>> {
  return asker.fact(command, [datapath], (text) => found(parseCtCount(text), `${command} prints no number`));
}
