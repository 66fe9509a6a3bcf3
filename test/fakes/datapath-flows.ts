/** Datapath flows for tests: from a line as `dpctl/dump-flows -m` prints it, and from a recorded dump. */

import fc from 'fast-check';
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

const piece = fc.constantFrom(
  ...[
    'ct_state(',
    '0x21/',
    '0x21',
    ')',
    'eth_type(',
    '0x0800',
    '0x0806',
    ',',
    'ct(',
    'clone(',
    'drop',
    'p0',
    'set(',
    'encap(',
  ],
);

/** Any text, and texts that look as if they were of a flow. */
export const anyFlowText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(piece).map((parts) => parts.join('')),
);

/** Any flow, sensible or not. */
export const anyFlow: fc.Arbitrary<DatapathFlow> = fc.record({
  ufid: fc.option(anyFlowText, { nil: undefined }),
  match: anyFlowText,
  inPort: fc.option(fc.oneof(fc.constantFrom('p0', 'p1', 'pf0vf3'), anyFlowText), { nil: undefined }),
  recircId: fc.nat(),
  packets: fc.oneof(fc.nat(8), fc.nat()),
  bytes: fc.nat(),
  usedMs: fc.option(fc.nat(), { nil: undefined }),
  offloaded: fc.constantFrom<DatapathFlow['offloaded']>('yes', 'partial', undefined),
  layer: fc.constantFrom('ovs', 'tc', 'dpdk', 'doca', 'dummy', 'x', undefined),
  actions: fc.oneof(fc.constantFrom('p0', 'p1,p0', 'clone(p0),pf0vf3', 'drop'), anyFlowText),
  extraInfo: fc.constant(undefined),
  offloadInfo: fc.option(anyFlowText, { nil: undefined }),
  core: fc.constantFrom<DatapathFlow['core']>(undefined, 3, 'main'),
});
