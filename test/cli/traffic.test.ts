import { describe, expect, it } from 'vitest';
import { chainTraffic, learnedStations, legTraffic, type BridgeLook } from '../../src/cli/traffic.js';
import { match, type FlowStats, type MatchInput, type PortStats } from '../../src/openflow/index.js';
import { chainView, portView, switchView } from '../chain/chain-shapes.js';

function stats(port: number, packets: bigint): PortStats {
  const bytes = packets * 100n;
  const none = { rxErrors: 0n, txErrors: 0n, rxFrameErrors: 0n, rxOverErrors: 0n, rxCrcErrors: 0n, collisions: 0n };
  const received = { rxPackets: packets, rxBytes: bytes, rxDropped: 3n };
  return { port, duration: undefined, ...none, ...received, txPackets: 0n, txBytes: 0n, txDropped: undefined };
}

function look(nowMs: number, ports: readonly PortStats[], flows: readonly FlowStats[] = []): BridgeLook {
  return { nowMs, ports: new Map(ports.map((entry) => [entry.port, entry])), flows };
}

function flow(table: number, priority: number, inputs: Record<string, MatchInput>, packets = 0n): FlowStats {
  const times = { idleTimeout: 0, hardTimeout: 0, importance: 0, flags: 0, duration: { s: 0, ns: 0 } };
  const rest = { cookie: 0n, instructions: {} as FlowStats['instructions'] };
  return { table, priority, match: match(inputs), packets, bytes: packets * 10n, ...times, ...rest };
}

const on = (bridge: string, at: BridgeLook): ReadonlyMap<string, BridgeLook> => new Map([[bridge, at]]);

describe('what passes a chain', () => {
  const chain = chainView(switchView(0, portView('a', 1), portView('b', 2)));

  it('is counted per port, with rates from two looks', () => {
    const before = on('br-sfc', look(1_000, [stats(1, 100n)]));
    const after = on('br-sfc', look(3_000, [stats(1, 150n)]));
    expect(chainTraffic(chain, before, after).get('c/1/a')?.received).toEqual({
      packets: 150n,
      bytes: 15_000n,
      drops: 3n,
      packetsPerSecond: 25,
      bitsPerSecond: 20_000,
    });
  });

  it('has no rate after one look, nor when a counter began anew', () => {
    const after = on('br-sfc', look(3_000, [stats(1, 5n)]));
    const once = chainTraffic(chain, new Map(), after).get('c/1/a')?.received;
    expect(once).toMatchObject({ packets: 5n, packetsPerSecond: undefined, bitsPerSecond: undefined });
    const restarted = chainTraffic(chain, on('br-sfc', look(1_000, [stats(1, 100n)])), after);
    expect(restarted.get('c/1/a')?.received.packetsPerSecond).toBeUndefined();
  });

  it('says nothing of a port that the switch does not have, or that has no number', () => {
    const gone = chainView(switchView(0, portView('a', undefined), portView('b', 2)));
    expect(chainTraffic(gone, new Map(), on('br-sfc', look(0, [stats(1, 1n)]))).size).toBe(0);
  });

  it('is counted by the chain’s flows where VLANs share a port', () => {
    const tagged = portView('a', 1, { wire: { kind: 'tag', vid: 100 } });
    const untagged = portView('b', 2, { wire: { kind: 'untagged' } });
    const vlan = chainView(switchView(0, tagged, untagged));
    const flows = [
      flow(0, 110, { in_port: 1, vlan_vid: 0x1000 | 100 }, 7n),
      flow(0, 110, { in_port: 1, vlan_vid: 0x1000 | 200 }, 50n),
      flow(0, 110, { in_port: 2, vlan_vid: 0 }, 2n),
    ];
    const result = chainTraffic(vlan, new Map(), on('br-sfc', look(0, [stats(1, 99n), stats(2, 99n)], flows)));
    expect(result.get('c/1/a')?.received).toMatchObject({ packets: 7n, bytes: 70n });
    expect(result.get('c/1/a')?.sent).toMatchObject({ packets: 2n });
    expect(result.get('c/1/b')?.received).toMatchObject({ packets: 2n });
  });

  it('is counted beyond the patch pair too', () => {
    const leg = { bridge: 'br-hbn', target: 'vf', targetOfport: 9, patch: 'p', patchOfport: 8 };
    const legged = chainView(switchView(0, portView('a', 1, { leg }), portView('b', 2)));
    const after = on('br-hbn', look(0, [stats(9, 4n)]));
    expect(legTraffic(legged, new Map(), after).get('c/1/a')?.received.packets).toBe(4n);
    expect(legTraffic(legged, new Map(), new Map()).size).toBe(0);
  });
});

describe('stations', () => {
  it('are counted per learning switch, those that are pinned not', () => {
    const three = [portView('a', 1), portView('b', 2), portView('d', 3)];
    const chain = chainView(switchView(0, portView('x', 8), portView('y', 9)), switchView(1, ...three));
    const flows = [
      flow(13, 10, { metadata: 0x0102n }),
      flow(13, 10, { metadata: 0x0102n, eth_dst: 5n }),
      flow(13, 20, { metadata: 0x0102n }),
      flow(13, 10, { metadata: 0x0101n }),
    ];
    expect([...learnedStations(chain, look(0, [], flows))]).toEqual([[1, 2]]);
    expect(learnedStations(chain, undefined).size).toBe(0);
  });
});
