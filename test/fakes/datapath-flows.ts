/** Datapath flows for tests: from a line as `dpctl/dump-flows -m` prints it, and from a recorded dump. */

import type { DatapathFlow } from '../../src/model/datapath-flow.js';
import { parseFlow, parseFlowDump } from '../../src/unixctl/index.js';
import { fixture } from './unixctl-fixture.js';

/** The flow of a line. The parser's flow is one as it is: nothing is mapped or copied. */
export function flowOf(line: string): DatapathFlow {
  const flow = parseFlow(line);
  if (flow === undefined) throw new Error(`no flow: ${line}`);
  return flow;
}

/** Makes a line's flow from what matters. Written by hand in the format of odp-util.c. */
export function softwareFlow(match: string, actions: string, more: Partial<DatapathFlow> = {}): DatapathFlow {
  const line = `ufid:00000000-0000-4000-8000-000000000001, recirc_id(0),in_port(pf0vf3),${match}, packets:500, bytes:50000, used:0.5s, dp:ovs, actions:${actions}`;
  return { ...flowOf(line), core: undefined, ...more };
}

/** The flows of a recorded dump. @param name as of `fixture` */
export function recordedFlows(name: string): readonly DatapathFlow[] {
  return parseFlowDump(fixture(name)).list;
}
