/**
 * `dpif/show`: datapaths, the bridges on them, and each port with its number in OpenFlow and in the datapath (ofproto-dpif.c,
 * dpif_show_backer). Tested with 3.1, 3.5, 4.0.
 */

import { configOf } from './datapath-show.js';
import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface BridgePort {
  readonly name: string;
  /** OpenFlow number; 65534 is the bridge's own port. */
  readonly ofport: number;
  /** Number in the datapath; undefined for patch ports, which have none. */
  readonly portNumber: number | undefined;
  readonly type: string;
  readonly config: ReadonlyMap<string, string>;
}

export interface DpifBridge {
  readonly name: string;
  readonly ports: readonly BridgePort[];
}

export interface DpifDatapath {
  readonly name: string;
  readonly hit: number;
  readonly missed: number;
  readonly bridges: readonly DpifBridge[];
}

export interface DpifShow {
  readonly datapaths: readonly DpifDatapath[];
  readonly unknown: UnknownLines;
}

interface Draft extends DpifDatapath {
  readonly bridges: { readonly name: string; readonly ports: BridgePort[] }[];
}

export function parseDpifShow(text: string): DpifShow {
  const datapaths: Draft[] = [];
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const head = /^(\S.*@.*): hit:(\d+) missed:(\d+)$/.exec(line);
    const bridge = /^ {2}(\S+):$/.exec(line)?.[1];
    const bridges = datapaths.at(-1)?.bridges;
    const port = portOf(line);
    if (head !== null) {
      datapaths.push({ name: head[1] ?? '', hit: Number(head[2]), missed: Number(head[3]), bridges: [] });
    } else if (bridge !== undefined && bridges !== undefined) bridges.push({ name: bridge, ports: [] });
    else if (port !== undefined && bridges?.at(-1) !== undefined) bridges.at(-1)?.ports.push(port);
    else unknown.add(line);
  }
  return { datapaths, unknown: unknown.result };
}

function portOf(line: string): BridgePort | undefined {
  const match = /^ {4}(\S+) (\d+)\/(\d+|none): \(([^:)]*)(?:: (.*))?\)$/.exec(line);
  if (match === null) return undefined;
  const [, name = '', ofport, number, type = '', config = ''] = match;
  const portNumber = number === 'none' ? undefined : Number(number);
  return { name, ofport: Number(ofport), portNumber, type, config: configOf(config) };
}
