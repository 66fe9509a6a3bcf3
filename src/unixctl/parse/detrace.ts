/**
 * `ofproto/detrace UFID [pmd=PMD-ID]`, 3.4 and newer: the OpenFlow rules and groups that a datapath flow was made from
 * (upcall_unixctl_ofproto_detrace of ofproto-dpif-upcall.c, xlate_xcache_format of ofproto-dpif-xlate-cache.c). A bridge has a
 * line of its own before what it contributed. Never run against a daemon here: its fixture is written by hand from the source.
 */

import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface DetraceEntry {
  /** Undefined where none was printed before. */
  readonly bridge: string | undefined;
  /** `miss`: a table in which nothing matched. */
  readonly kind: 'rule' | 'group' | 'miss';
  /** As printed, without the leading spaces: `table_id=1, duration=3s, n_packets=3, …, ip,actions=output:2`. */
  readonly text: string;
}

export interface Detrace {
  /** In the order in which the packet met them. */
  readonly entries: readonly DetraceEntry[];
  /** Datapaths that do not have the flow, or not in the thread that was named: `netdev@ovs-netdev`. */
  readonly notFound: readonly string[];
  /** Datapaths that have the flow, and have not kept what it was made from. */
  readonly notKept: readonly string[];
  readonly unknown: UnknownLines;
}

export function parseDetrace(text: string): Detrace {
  const entries: DetraceEntry[] = [];
  const notFound: string[] = [];
  const notKept: string[] = [];
  const unknown = new UnknownLineTally();
  let bridge: string | undefined;
  for (const line of linesOf(text)) {
    const [, what, datapath] = /^(UFID|Cache) was not found for (\S+)$/.exec(line) ?? [];
    const kind = kindOf(line);
    if (datapath !== undefined) (what === 'UFID' ? notFound : notKept).push(datapath);
    else if (kind !== undefined) entries.push({ bridge, kind, text: line.trim() });
    else if (/^\S+$/.test(line)) bridge = line;
    else unknown.add(line);
  }
  return { entries, notFound, notKept, unknown: unknown.result };
}

function kindOf(line: string): DetraceEntry['kind'] | undefined {
  if (!line.startsWith('  ')) return undefined;
  if (/^ {2}table_id=\d+, no match$/.test(line)) return 'miss';
  if (line.startsWith('  group_id=')) return 'group';
  return line.includes('actions=') ? 'rule' : undefined;
}
