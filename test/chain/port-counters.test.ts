import { describe, expect, it } from 'vitest';
import { countChainPort, type SeenFlow, type SeenPort } from '../../src/chain/port-counters.js';
import { portView, switchView } from './chain-shapes.js';

const port: SeenPort = {
  rxPackets: 1n,
  rxBytes: 2n,
  rxDropped: 3n,
  rxErrors: undefined,
  txPackets: 4n,
  txBytes: 5n,
  txDropped: 6n,
  txErrors: 7n,
};

const flow = (inPort: number, vid: number, packets: bigint | undefined): SeenFlow => ({
  table: 0,
  match: [
    { field: 'in_port', value: inPort },
    { field: 'vlan_vid', value: 0x1000 | vid },
  ],
  packets,
  bytes: 10n,
});

describe('the counters of a port of a chain', () => {
  it('are the port’s own, and what the switch does not count is unknown', () => {
    const entry = switchView(0, portView('a', 1), portView('b', 2));
    const [a = portView('a', 1)] = entry.ports;
    expect(countChainPort(entry, a, { ports: new Map([[1, port]]), flows: [] })).toEqual({
      received: { packets: 1n, bytes: 2n, drops: 3n, errors: undefined },
      sent: { packets: 4n, bytes: 5n, drops: 6n, errors: 7n },
    });
    expect(countChainPort(entry, a, { ports: new Map(), flows: [] })).toBeUndefined();
    expect(countChainPort(entry, a, undefined)).toBeUndefined();
  });

  it('are those of its VLAN’s flows where the port is shared, and never a part given as all', () => {
    const a = portView('a', 1, { wire: { kind: 'tag', vid: 100 } });
    const b = portView('b', 2, { wire: { kind: 'tag', vid: 100 } });
    const entry = switchView(0, a, b);
    const count = (flows: readonly SeenFlow[]) => countChainPort(entry, a, { ports: new Map([[1, port]]), flows });
    expect(count([flow(1, 100, 7n), flow(1, 100, 1n), flow(1, 200, 50n), flow(2, 100, 3n)])).toEqual({
      received: { packets: 8n, bytes: 20n },
      sent: { packets: 3n, bytes: 10n },
    });
    expect(count([flow(1, 100, 7n), flow(1, 100, undefined)])?.received.packets).toBeUndefined();
    expect(count([])).toEqual({ received: {}, sent: {} });
  });
});
