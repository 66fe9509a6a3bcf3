/**
 * `dpif/offload/show`, 3.7 and newer: whether offload is in effect, and which provider has which port of which datapath
 * (dpif-offload.c). A provider prints more about a port as it likes. Tested with 4.0.
 */

import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface OffloadPort {
  readonly name: string;
  /** Number in the datapath. */
  readonly portNumber: number | undefined;
  /** Every figure of the port by its name: `port_no`, `ifindex`, `rx_offload_full`. */
  readonly figures: ReadonlyMap<string, number>;
}

export interface PortProvider {
  readonly name: string;
  readonly ports: readonly OffloadPort[];
}

export interface OffloadDatapath {
  readonly name: string;
  /** In the order of their priority. */
  readonly providers: readonly PortProvider[];
}

export interface OffloadShow {
  /** Whether offload is in effect: the database says only what was wished. Undefined when the line is missing. */
  readonly isEnabled: boolean | undefined;
  readonly datapaths: readonly OffloadDatapath[];
  readonly unknown: UnknownLines;
}

interface DraftPort {
  name: string;
  portNumber: number | undefined;
  figures: Map<string, number>;
}

interface Draft {
  readonly name: string;
  readonly providers: { readonly name: string; readonly ports: DraftPort[] }[];
}

export function parseOffloadShow(text: string): OffloadShow {
  let isEnabled: boolean | undefined;
  const datapaths: Draft[] = [];
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const enabled = /^Globally enabled: (true|false)$/.exec(line)?.[1];
    if (enabled !== undefined) isEnabled = enabled === 'true';
    else if (line !== 'Datapaths:' && !datapathLine(line, datapaths)) unknown.add(line);
  }
  return { isEnabled, datapaths, unknown: unknown.result };
}

function datapathLine(line: string, datapaths: Draft[]): boolean {
  const name = /^(\S.*@.*):$/.exec(line)?.[1];
  if (name !== undefined) {
    datapaths.push({ name, providers: [] });
    return true;
  }
  const datapath = datapaths.at(-1);
  if (datapath === undefined) return false;
  const provider = /^ {2}([^\s-]\S*)$/.exec(line)?.[1];
  if (provider !== undefined) {
    datapath.providers.push({ name: provider, ports: [] });
    return true;
  }
  const ports = datapath.providers.at(-1)?.ports;
  return ports !== undefined && (portLine(line, ports) || figureLine(line, ports.at(-1)));
}

function portLine(line: string, ports: DraftPort[]): boolean {
  const match = /^ {2}- (\S+): (.*)$/.exec(line);
  if (match === null) return false;
  const [, name = '', rest = ''] = match;
  const figures = new Map([...rest.matchAll(/(\w+): ?(\d+)/g)].map(([, key = '', value]) => [key, Number(value)]));
  ports.push({ name, portNumber: figures.get('port_no'), figures });
  return true;
}

function figureLine(line: string, port: DraftPort | undefined): boolean {
  const [, name = '', value] = /^ {4}(\w+) *: *(\d+)$/.exec(line) ?? [];
  if (value === undefined || port === undefined) return false;
  port.figures.set(name, Number(value));
  return true;
}
