import { describe, expect, it } from 'vitest';
import type { ChainView } from '../../../src/chain/chain-view.js';
import { defaultPacket } from '../../../src/chain/trace/packet.js';
import { formatFate, formatTrace } from '../../../src/chain/trace/text.js';
import { walkChain, type TraceResult } from '../../../src/chain/trace/walk.js';
import { chainView, portView, switchView } from '../chain-shapes.js';

/** A switch that gives what comes in at a port to other ports. */
function walk(chain: ChainView, outputs: Readonly<Record<number, readonly number[]>>): Promise<TraceResult> {
  const source = {
    trace: (_bridge: string, flow: string) => {
      const inPort = Number(/in_port=(\d+)/.exec(flow)?.[1]);
      const actions = (outputs[inPort] ?? []).map((port) => `    output:${port}`);
      const lines = actions.length === 0 ? ['    drop'] : actions;
      const rule = ` 0. in_port=${inPort}, priority 100, cookie ${chain.cookie ?? ''}`;
      const datapath = `Datapath actions: ${actions.length === 0 ? 'drop' : '1'}`;
      return Promise.resolve(['bridge("br-sfc")', '----', rule, ...lines, datapath].join('\n'));
    },
    ports: () => Promise.resolve(new Map()),
  };
  const [from] = chain.switches;
  const [port] = from?.ports ?? [];
  if (from === undefined || port === undefined) throw new Error('a chain has a port');
  return walkChain(chain, defaultPacket, source, from, port);
}

const p0 = portView('p0', 1);
const outer = portView('outer', 2, { dpfId: 'ns/fw/outer' });
const inner = portView('inner', 3, { dpfId: 'ns/fw/inner' });
const vf = portView('vf', 4);

describe('a walk through a chain', () => {
  it('goes on where the service gives the packet back', async () => {
    const chain = chainView(switchView(0, p0, outer), switchView(1, inner, vf));
    const result = await walk(chain, { 1: [2], 3: [4] });
    expect(result.fate).toBe('delivered');
    expect(result.hops.map((hop) => [hop.switch, hop.service])).toEqual([
      ['s0', undefined],
      ['s1', 'ns/fw'],
    ]);
    expect(formatFate(result)).toBe('DELIVERED to vf #4 (the vf) on br-sfc.\n');
  });

  it('ends at a service that has no other port in the chain, or several', async () => {
    const alone = await walk(chainView(switchView(0, p0, outer)), { 1: [2] });
    expect([alone.fate, alone.hops.length]).toEqual(['delivered', 1]);
    const third = portView('third', 5, { dpfId: 'ns/fw/third' });
    const several = await walk(chainView(switchView(0, p0, outer), switchView(1, inner, third)), { 1: [2] });
    expect([several.fate, several.hops.length]).toEqual(['delivered', 1]);
  });

  it('dies where the next port has no number', async () => {
    const chain = chainView(switchView(0, p0, outer), switchView(1, { ...inner, ofport: undefined }, vf));
    const result = await walk(chain, { 1: [2] });
    expect(result.fate).toBe('dies');
    expect(formatFate(result)).toBe(
      'DIES at hop 2, switch s1 on br-sfc: the inner has no OpenFlow number now: nothing can come in there.\n',
    );
  });

  it('says of a flooded packet both where it arrives and where a copy dies', async () => {
    const chain = chainView(switchView(0, p0, outer, vf), switchView(1, inner, portView('x', 6)));
    const result = await walk(chain, { 1: [2, 4] });
    expect(result.fate).toBe('partly');
    expect(formatFate(result)).toMatch(/^DELIVERED to vf .*\nDIES at hop 2, switch s1/);
  });

  it('ends although services pass the packet round in a circle', async () => {
    const back = portView('back', 5, { dpfId: 'ns/two/back' });
    const there = portView('there', 6, { dpfId: 'ns/two/there' });
    const chain = chainView(switchView(0, outer, back), switchView(1, inner, there));
    const result = await walk(chain, { 2: [5], 6: [3], 5: [2], 3: [6] });
    expect(result.hops.length).toBeLessThanOrEqual(4);
    expect(formatFate(result)).toContain('DIES');
  });

  it('prints names of others escaped', async () => {
    const chain = chainView(switchView(0, { ...p0, interface: 'p\u001b0' }, vf));
    const text = formatTrace(chain, defaultPacket, await walk(chain, { 1: [4] }));
    expect(text).toContain('in at p\\u001b0 #1');
    expect(text).not.toContain('\u001b');
  });
});
