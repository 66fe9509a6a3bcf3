import { describe, expect, it } from 'vitest';
import { bridgesOf, countChain, type LookedBridge } from '../../src/chain/count-chain.js';
import { match, type FlowStats, type MatchInput, type PortStats } from '../../src/openflow/index.js';
import { chainView, portView, switchView } from './chain-shapes.js';

function stats(port: number, packets: bigint): PortStats {
  const bytes = packets * 100n;
  const none = { rxErrors: 0n, txErrors: 0n, rxFrameErrors: 0n, rxOverErrors: 0n, rxCrcErrors: 0n, collisions: 0n };
  const received = { rxPackets: packets, rxBytes: bytes, rxDropped: 3n };
  return { port, duration: undefined, ...none, ...received, txPackets: 0n, txBytes: 0n, txDropped: undefined };
}

function flow(table: number, priority: number, inputs: Record<string, MatchInput>, packets = 0n): FlowStats {
  const times = { idleTimeout: 0, hardTimeout: 0, importance: 0, flags: 0, duration: { s: 0, ns: 0 } };
  const rest = { cookie: 0n, instructions: {} as FlowStats['instructions'] };
  return { table, priority, match: match(inputs), packets, bytes: packets * 10n, ...times, ...rest };
}

function look(ports: readonly PortStats[], flows: readonly FlowStats[] = []): LookedBridge {
  return { ports: new Map(ports.map((entry) => [entry.port, entry])), flows };
}

describe('what a chain counts', () => {
  const leg = { bridge: 'br-hbn', target: 'vf', targetOfport: 9, patch: 'p', patchOfport: 8 };
  const chain = chainView(switchView(0, portView('a', 1, { leg }), portView('b', undefined)));

  it('is of the ports that the switch has, and beyond the patch pair too', () => {
    expect(bridgesOf(chain)).toEqual(['br-sfc', 'br-hbn']);
    const counts = countChain(
      chain,
      new Map([
        ['br-sfc', look([stats(1, 5n)])],
        ['br-hbn', look([stats(9, 4n)])],
      ]),
    );
    expect([...counts.ports.keys()]).toEqual(['c/1/a']);
    expect(counts.ports.get('c/1/a')?.received).toMatchObject({ packets: 5n, bytes: 500n, drops: 3n });
    expect(counts.legs.get('c/1/a')?.received.packets).toBe(4n);
  });

  it('is nothing where no bridge answered', () => {
    const counts = countChain(chain, new Map());
    expect([counts.ports.size, counts.legs.size, counts.stations.size]).toEqual([0, 0, 0]);
  });

  it('has the stations of each learning switch, those that are pinned not', () => {
    const three = [portView('a', 1), portView('b', 2), portView('d', 3)];
    const learning = chainView(switchView(0, portView('x', 8), portView('y', 9)), switchView(1, ...three));
    const flows = [
      flow(13, 10, { metadata: 0x0102n }),
      flow(13, 10, { metadata: 0x0102n, eth_dst: 5n }),
      flow(13, 20, { metadata: 0x0102n }),
      flow(13, 10, { metadata: 0x0101n }),
    ];
    expect([...countChain(learning, new Map([['br-sfc', look([], flows)]])).stations]).toEqual([[1, 2]]);
  });
});
