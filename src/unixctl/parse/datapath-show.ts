/**
 * `dpctl/show [-s]`: datapaths with their lookups, flows, masks and ports (dpctl.c, show_dpif). The kernel datapath prints
 * masks and caches, the userspace datapath does not. Tested with 3.1, 3.5, 4.0; masks and cache from the source.
 */

import { linesOf, numberOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

/** Counters of one direction; undefined where the device does not count. */
export interface PortTraffic {
  readonly packets: number | undefined;
  readonly bytes: number | undefined;
  readonly errors: number | undefined;
  readonly dropped: number | undefined;
}

export interface DatapathPort {
  /** Number in the datapath, not the one of OpenFlow. */
  readonly number: number;
  readonly name: string;
  readonly type: string;
  /** What the device says of itself: `n_rxq`, `ifindex` (3.1: `configured_rx_queues`). */
  readonly config: ReadonlyMap<string, string>;
  /** With -s only. */
  readonly rx: PortTraffic | undefined;
  readonly tx: PortTraffic | undefined;
  /** Upcalls of the kernel datapath, with -s and since 3.2. */
  readonly upcallPackets: number | undefined;
  readonly upcallErrors: number | undefined;
}

export interface DatapathState {
  /** `netdev@ovs-netdev`. */
  readonly name: string;
  /** Packets that found a flow in software; those of flows in hardware are not among them. */
  readonly hit: number | undefined;
  /** Packets that found none and became upcalls. */
  readonly missed: number | undefined;
  /** Upcalls that were dropped. */
  readonly lost: number | undefined;
  readonly flows: number | undefined;
  /** Kernel datapath: masks in use, and masks looked at in total. */
  readonly masks: number | undefined;
  readonly maskHits: number | undefined;
  readonly cacheHits: number | undefined;
  readonly ports: readonly DatapathPort[];
}

export interface DatapathShow {
  readonly datapaths: readonly DatapathState[];
  readonly unknown: UnknownLines;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
interface Draft extends Mutable<Omit<DatapathState, 'ports'>> {
  ports: Mutable<DatapathPort>[];
}

export function parseDatapathShow(text: string): DatapathShow {
  const datapaths: Draft[] = [];
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const datapath = datapaths.at(-1);
    const name = /^(\S+@\S.*):$/.exec(line)?.[1];
    if (name !== undefined) datapaths.push(emptyDatapath(name));
    else if (datapath === undefined || !(datapathLine(line, datapath) || portLine(line, datapath))) unknown.add(line);
  }
  return { datapaths, unknown: unknown.result };
}

function emptyDatapath(name: string): Draft {
  const none = undefined;
  return {
    name,
    hit: none,
    missed: none,
    lost: none,
    flows: none,
    masks: none,
    maskHits: none,
    cacheHits: none,
    ports: [],
  };
}

function datapathLine(line: string, datapath: Draft): boolean {
  const word = /^ {2}(lookups|flows|masks|cache):/.exec(line)?.[1];
  const values = pairs(line);
  if (word === 'lookups') {
    datapath.hit = numberOf(values.get('hit'));
    datapath.missed = numberOf(values.get('missed'));
    datapath.lost = numberOf(values.get('lost'));
  } else if (word === 'flows') datapath.flows = numberOf(line.slice(line.indexOf(':') + 1));
  else if (word === 'masks') {
    datapath.masks = numberOf(values.get('total'));
    datapath.maskHits = numberOf(values.get('hit'));
  } else if (word === 'cache') datapath.cacheHits = numberOf(values.get('hit'));
  // `caches:` and its lines tell sizes that nobody set.
  else return /^ {2}caches:$|^ {4}masks-cache: size:/.test(line);
  return true;
}

function portLine(line: string, datapath: Draft): boolean {
  const head = /^ {2}port (\d+): (.+?)(?: \(([^:)]*)(?:: (.*))?\))?$/.exec(line);
  if (head !== null) {
    const [, number = '', name = '', type = 'system', config = ''] = head;
    datapath.ports.push({
      number: Number(number),
      name,
      type,
      config: configOf(config),
      rx: undefined,
      tx: undefined,
      upcallPackets: undefined,
      upcallErrors: undefined,
    });
    return true;
  }
  const port = datapath.ports.at(-1);
  return port !== undefined && statisticsLine(line, port);
}

function statisticsLine(line: string, port: Mutable<DatapathPort>): boolean {
  const values = pairs(line);
  const count = (name: string): number | undefined => numberOf(values.get(name));
  const direction = /^ {4}(RX|TX) packets:/.exec(line)?.[1];
  if (direction !== undefined) {
    const traffic = { packets: count('packets'), bytes: undefined, errors: count('errors'), dropped: count('dropped') };
    if (direction === 'RX') port.rx = traffic;
    else port.tx = traffic;
  } else if (/^ {4}UPCALL packets:/.test(line)) {
    port.upcallPackets = count('packets');
    port.upcallErrors = count('errors');
  } else if (/^ {4}RX bytes:/.test(line)) {
    const [rx, tx] = [...line.matchAll(/bytes:(\S+)/g)].map((match) => numberOf(match[1]));
    if (port.rx !== undefined) port.rx = { ...port.rx, bytes: rx };
    if (port.tx !== undefined) port.tx = { ...port.tx, bytes: tx };
  } else return /^ {4}collisions:/.test(line);
  return true;
}

/** `hit:20 missed:4` */
function pairs(line: string): ReadonlyMap<string, string> {
  return new Map([...line.matchAll(/([\w/-]+):(\S+)/g)].map(([, name = '', value = '']) => [name, value]));
}

/** `n_rxq=1, n_txq=1`; a device may print a nested list, whose commas have no spaces. */
export function configOf(text: string): ReadonlyMap<string, string> {
  const entries = text.split(', ').filter((entry) => entry.includes('='));
  return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
}
