import { describe, expect, it } from 'vitest';
import { settleOptions } from '../../src/ovsdb/client-options.js';

const base = { endpoints: ['unix:/run/db.sock'], database: 'Lab', monitor: {} };

describe('the options of a client', () => {
  it('know how patient to be with a local server and with one across the network', () => {
    const local = settleOptions(base);
    const remote = settleOptions({ ...base, endpoints: ['tcp:a:1', 'tcp:b:2', 'tcp:c:3'] });
    expect(local.timing.probeMs).toBeGreaterThan(remote.timing.probeMs);
    expect(local.timing.backoff.capMs).toBeLessThan(remote.timing.backoff.capMs);
    expect(local.timing.freeTries).toBe(0);
    expect(remote.timing.freeTries).toBe(2);
    expect(settleOptions({ ...base, probeMs: 7 }).timing.probeMs).toBe(7);
  });

  it('shuffle the endpoints and lose none', () => {
    const endpoints = ['tcp:a:1', 'tcp:b:2', 'tcp:c:3'];
    const orders = new Set<string>();
    for (let round = 0; round < 200; round += 1) {
      const { endpoints: shuffled } = settleOptions({ ...base, endpoints });
      const hosts = shuffled.map((endpoint) => (endpoint.kind === 'unix' ? endpoint.path : endpoint.host));
      expect([...hosts].sort()).toEqual(['a', 'b', 'c']);
      orders.add(hosts.join(''));
    }
    expect(orders.size).toBe(6);
  });

  it('refuse an endpoint that is none', () => {
    expect(() => settleOptions({ ...base, endpoints: ['db.sock'] })).toThrow(
      expect.objectContaining({ code: 'ENDPOINT_INVALID' }),
    );
  });

  it('leave out tables that are named without a wish', () => {
    const { monitor } = settleOptions({ ...base, monitor: { Thing: { columns: ['name'] }, Other: undefined } });
    expect([...monitor.keys()]).toEqual(['Thing']);
  });
});
