/**
 * `upcall/show`: flows of each datapath against the limit that adapts itself, and how long the revalidators need for a round
 * (ofproto-dpif-upcall.c). Tested with 3.1, 3.5, 4.0.
 */

import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface UpcallDatapath {
  readonly name: string;
  readonly flows: number;
  readonly flowsMean: number;
  readonly flowsMax: number;
  /**
   * The limit in effect. It starts at 10 000 and grows with the flows, so that a value far below the configured limit says
   * nothing on a quiet node.
   */
  readonly flowLimit: number;
  /**
   * Flows that were handed to an offload provider: with TC not all of them are in hardware, with DPDK some are only marked
   * there. OVS leaves the line out when it is 0.
   */
  readonly offloaded: number;
  /** Length of the last round of the revalidators, ms. */
  readonly dumpMs: number | undefined;
  readonly isUfidEnabled: boolean | undefined;
  /** Flows that each revalidator keeps. */
  readonly keys: readonly number[];
}

export interface UpcallShow {
  readonly datapaths: readonly UpcallDatapath[];
  readonly unknown: UnknownLines;
}

type Draft = { -readonly [K in keyof UpcallDatapath]: UpcallDatapath[K] } & { keys: number[] };

export function parseUpcallShow(text: string): UpcallShow {
  const datapaths: Draft[] = [];
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const name = /^(\S.*@.*):$/.exec(line)?.[1];
    const datapath = datapaths.at(-1);
    if (name !== undefined) datapaths.push(emptyDatapath(name));
    else if (datapath === undefined || !datapathLine(line, datapath)) unknown.add(line);
  }
  return { datapaths, unknown: unknown.result };
}

function datapathLine(line: string, datapath: Draft): boolean {
  const flows = /^\s+flows\s+: \(current (\d+)\) \(avg (\d+)\) \(max (\d+)\) \(limit (\d+)\)$/.exec(line);
  if (flows !== null) {
    const [current = 0, mean = 0, max = 0, limit = 0] = flows.slice(1).map(Number);
    Object.assign(datapath, { flows: current, flowsMean: mean, flowsMax: max, flowLimit: limit });
    return true;
  }
  const [, name = '', value = ''] = /^\s+(offloaded flows|dump duration|ufid enabled|\d+)\s*: (.*)$/.exec(line) ?? [];
  const number = /^(?:\(keys )?(\d+)(?:ms|\))?$/.exec(value)?.[1];
  if (name === 'ufid enabled' && (value === 'true' || value === 'false')) datapath.isUfidEnabled = value === 'true';
  else if (number === undefined) return false;
  else if (name === 'offloaded flows') datapath.offloaded = Number(number);
  else if (name === 'dump duration') datapath.dumpMs = Number(number);
  else datapath.keys.push(Number(number));
  return true;
}

const emptyDatapath = (name: string): Draft => ({
  name,
  flows: 0,
  flowsMean: 0,
  flowsMax: 0,
  flowLimit: 0,
  offloaded: 0,
  dumpMs: undefined,
  isUfidEnabled: undefined,
  keys: [],
});
