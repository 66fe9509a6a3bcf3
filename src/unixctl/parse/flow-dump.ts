/**
 * `dpctl/dump-flows [-m]`: the flows of a datapath, one a line, and a header for each thread of the userspace datapath. A dump
 * has hundreds of thousands of lines, so a line is scanned for its separators once and no regular expression sees it.
 *
 * A line (dpctl.c, format_dpif_flow; odp-util.c), everything after the match by key and in any order:
 *   [ufid:U, ]MATCH, packets:N, bytes:N, used:1.182s|never[, flags:SFPR.][, offloaded:yes|partial][, dp:ovs|tc|dpdk|doca…],
 *   actions:A[, dp-extra-info:T][, dp-offload-info:T]
 * `ufid`, `offloaded` and `dp` are printed with -m only, and then the ports have their names, not their numbers. Neither MATCH
 * nor A has a comma that is followed by a space. Tested with 3.1, 3.5, 4.0; dp-offload-info is NVIDIA's, from its description.
 */

import { UnknownLineTally, type UnknownLines } from './unknown-lines.js';

/** Its texts are slices of the line: whoever keeps one of them keeps the whole line in memory. */
export interface DatapathFlow {
  /** Undefined without -m. */
  readonly ufid: string | undefined;
  /** Match with masks, as printed: `flowFields` takes it apart. */
  readonly match: string;
  /** Text inside `in_port(...)`: a name with -m, a number of the datapath without. Undefined when the match has none. */
  readonly inPort: string | undefined;
  /** 0 for the first pass of a packet, and when the match has none. */
  readonly recircId: number;
  readonly packets: number;
  readonly bytes: number;
  /** Since the last packet, ms, as of the dump. Undefined: never used. */
  readonly usedMs: number | undefined;
  /** TCP flags seen, `SFPR.`; empty when there were none. */
  readonly flags: string;
  /** `partial`: the hardware marks packets, software forwards them. Undefined: not printed, so not in hardware (with -m). */
  readonly offloaded: 'yes' | 'partial' | undefined;
  /** Layer that has the flow: `ovs`, `tc`, `dpdk`, `doca`. Undefined without -m. */
  readonly layer: string | undefined;
  readonly actions: string;
  /** Text after `dp-extra-info:`. */
  readonly extraInfo: string | undefined;
  /** Text after `dp-offload-info:`: in the datapath's words why the flow is not in hardware. */
  readonly offloadInfo: string | undefined;
  /** Core of the PMD thread that has it, or `main`; undefined where the datapath has no threads or the header is missing. */
  readonly core: number | 'main' | undefined;
}

export interface FlowDumpCounts {
  readonly flows: number;
  readonly headers: number;
  /** Lines that are neither a flow nor a header. Together with the two above: all lines that are not empty. */
  readonly unknown: UnknownLines;
  /** Fields of flows that this parser does not know; their flows count as flows. */
  readonly unknownFields: UnknownLines;
}

/** Takes a dump line by line. */
export class FlowDumpParser {
  #core: number | 'main' | undefined;
  #flows = 0;
  #headers = 0;
  readonly #unknown = new UnknownLineTally();
  readonly #unknownFields = new UnknownLineTally();
  readonly #onUnknownField = (field: string): void => this.#unknownFields.add(field);

  /** The flow of a line; undefined for a header, an empty line and one that is not understood. */
  push(line: string): DatapathFlow | undefined {
    const flow = scanFlow(line, this.#core, this.#onUnknownField);
    if (flow !== undefined) this.#flows += 1;
    else if (line.startsWith(headerStart)) this.#header(line);
    else if (line.trim() !== '') this.#unknown.add(line);
    return flow;
  }

  get counts(): FlowDumpCounts {
    return {
      flows: this.#flows,
      headers: this.#headers,
      unknown: this.#unknown.result,
      unknownFields: this.#unknownFields.result,
    };
  }

  /** `flow-dump from the main thread:`, before 2.16 `from non-dpdk interfaces:`, or `flow-dump from pmd on cpu core: 3`. */
  #header(line: string): void {
    this.#headers += 1;
    const core = /^flow-dump from pmd on cpu core: (\d+)/.exec(line)?.[1];
    this.#core = core === undefined ? 'main' : Number(core);
  }
}

/** A whole dump at once; for large ones use a `FlowDumpParser` and `UnixctlClient.stream`. */
export function parseFlowDump(text: string): FlowDumpCounts & { readonly list: readonly DatapathFlow[] } {
  const parser = new FlowDumpParser();
  const list = text.split('\n').flatMap((line) => parser.push(line) ?? []);
  return { ...parser.counts, list };
}

/** One flow; undefined when the line is none. */
export function parseFlow(line: string): DatapathFlow | undefined {
  return scanFlow(line, undefined, () => undefined);
}

const headerStart = 'flow-dump from ';
const ufidStart = 'ufid:';
const packetsStart = ', packets:';

function scanFlow(
  line: string,
  core: DatapathFlow['core'],
  onUnknownField: (field: string) => void,
): DatapathFlow | undefined {
  const packetsAt = line.indexOf(packetsStart);
  if (packetsAt <= 0) return undefined;
  let matchAt = 0;
  let ufid: string | undefined;
  if (line.startsWith(ufidStart)) {
    const end = line.indexOf(', ');
    if (end >= packetsAt) return undefined;
    ufid = line.slice(ufidStart.length, end);
    matchAt = end + 2;
  }
  let packets: number | undefined;
  let bytes: number | undefined;
  let usedMs: number | undefined;
  let flags = '';
  let offloaded: DatapathFlow['offloaded'];
  let layer: string | undefined;
  let at = packetsAt + 2;
  for (;;) {
    if (line.startsWith('actions:', at)) break;
    const end = line.indexOf(', ', at);
    const colon = line.indexOf(':', at);
    // Without actions the line was cut off: half a flow is none.
    if (end < 0 || colon < 0 || colon > end) return undefined;
    const valueAt = colon + 1;
    switch (line.slice(at, colon)) {
      case 'packets':
        packets = digits(line, valueAt, end);
        break;
      case 'bytes':
        bytes = digits(line, valueAt, end);
        break;
      case 'used':
        usedMs = usedTime(line, valueAt, end);
        break;
      case 'flags':
        flags = line.slice(valueAt, end);
        break;
      case 'dp':
        layer = line.slice(valueAt, end);
        break;
      case 'offloaded': {
        const word = line.slice(valueAt, end);
        if (word === 'yes' || word === 'partial') offloaded = word;
        else onUnknownField(line.slice(at, end));
        break;
      }
      default:
        onUnknownField(line.slice(at, end));
    }
    at = end + 2;
  }
  if (packets === undefined || bytes === undefined) return undefined;
  const actionsAt = at + 'actions:'.length;
  const infoAt = line.indexOf(', dp-', actionsAt);
  return {
    ufid,
    match: line.slice(matchAt, packetsAt),
    inPort: inside(line, 'in_port(', matchAt, packetsAt),
    recircId: recirculation(line, matchAt, packetsAt),
    packets,
    bytes,
    usedMs,
    flags,
    offloaded,
    layer,
    actions: infoAt < 0 ? line.slice(actionsAt) : line.slice(actionsAt, infoAt),
    extraInfo: infoAt < 0 ? undefined : info(line, 'dp-extra-info:', infoAt),
    offloadInfo: infoAt < 0 ? undefined : info(line, 'dp-offload-info:', infoAt),
    core,
  };
}

/** A number that fills the range; undefined otherwise. */
function digits(line: string, start: number, end: number): number | undefined {
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = line.charCodeAt(at) - zero;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return end > start ? value : undefined;
}

/** `1.182s` to 1182; `never` to undefined. */
function usedTime(line: string, start: number, end: number): number | undefined {
  if (line.charCodeAt(end - 1) !== letterS) return undefined;
  const seconds = Number(line.slice(start, end - 1));
  return Number.isNaN(seconds) ? undefined : Math.round(seconds * 1000);
}

function inside(line: string, name: string, start: number, end: number): string | undefined {
  const at = line.indexOf(name, start);
  if (at < 0 || at >= end) return undefined;
  const close = line.indexOf(')', at);
  return close < 0 || close > end ? undefined : line.slice(at + name.length, close);
}

/** Almost always `recirc_id(0)`. */
function recirculation(line: string, start: number, end: number): number {
  const text = inside(line, 'recirc_id(', start, end);
  if (text === undefined || text === '0') return 0;
  const id = Number(text);
  return Number.isInteger(id) ? id : 0;
}

/** Information is free text up to the next of its kind or the end. */
function info(line: string, name: string, from: number): string | undefined {
  const at = line.indexOf(name, from);
  if (at < 0) return undefined;
  const end = line.indexOf(', dp-', at);
  return end < 0 ? line.slice(at + name.length) : line.slice(at + name.length, end);
}

const zero = 0x30;
const letterS = 0x73;
