import { describe, expect, it } from 'vitest';
import { netdevsByName } from '../../src/offload/netdev-index.js';
import { netdev } from '../fakes/plan-rows.js';

describe('devices by name', () => {
  it('are made once for each list, and anew for another one', () => {
    const list = [netdev('p0'), netdev('p1')];
    const byName = netdevsByName(list);
    expect([...byName]).toEqual(list.map((one) => [one.name, one]));
    expect(netdevsByName(list)).toBe(byName);
    expect([...netdevsByName([netdev('p2')]).keys()]).toEqual(['p2']);
  });
});
