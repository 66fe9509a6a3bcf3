import { describe, expect, it } from 'vitest';
import type { ObservedSwitch } from '../../src/offload/record/database-record.js';
import { SwitchPorts } from '../../src/offload/switch-ports.js';
import { bridgeRow, netdev, observedOf, portRow } from '../fakes/plan-rows.js';

const seen: ObservedSwitch = observedOf({
  bridges: [bridgeRow('br-int', { datapathType: 'netdev' }), bridgeRow('br-ex')],
  ports: [
    portRow('br-int', 'br-int', {}, { type: 'internal' }),
    portRow('pf0vf0', 'br-int', {}, { type: 'dpdk' }),
    portRow('p0', 'br-ex', {}, { type: '' }),
    portRow('patch0', 'br-ex', {}, { type: 'patch' }),
    portRow('gone', 'br-ex', {}, { type: '' }),
  ],
});
const netdevs = new Map(
  [netdev('p0', { kind: 'uplink' }), netdev('pf0vf0', { kind: 'hostVf' }), netdev('br-int'), netdev('eth9')].map(
    (one) => [one.name, one],
  ),
);

describe('the ports of the switch', () => {
  it('have the engine of their bridge, and are told from uplinks', () => {
    const { ports, objects } = new SwitchPorts().view(seen, netdevs);
    expect(ports).toEqual([
      { name: 'br-int', engine: 'userspace', datapathType: 'netdev', isUplink: false },
      { name: 'pf0vf0', engine: 'userspace', datapathType: 'netdev', isUplink: false },
      { name: 'p0', engine: 'tc', datapathType: 'system', isUplink: true },
      { name: 'patch0', engine: 'tc', datapathType: 'system', isUplink: false },
      { name: 'gone', engine: 'tc', datapathType: 'system', isUplink: false },
    ]);
    expect(objects.map(({ key, port }) => [key, port])).toEqual(ports.map(({ name }) => [`port/${name}`, name]));
  });

  it('have counters of the kernel where a device stands behind them', () => {
    expect(new SwitchPorts().view(seen, netdevs).devices).toEqual(new Set(['pf0vf0', 'p0']));
    expect(new SwitchPorts().view(seen, undefined).devices).toEqual(new Set());
  });

  it('are the same value until the database or the devices change', () => {
    const switchPorts = new SwitchPorts();
    const first = switchPorts.view(seen, netdevs);
    expect(switchPorts.view({ ...seen }, netdevs)).toBe(first);
    const others: readonly (readonly [ObservedSwitch, typeof netdevs])[] = [
      [{ ...seen, root: { ...seen.root, isDpdkInitialized: true } }, netdevs],
      [{ ...seen, bridges: new Map([['br-ex', bridgeRow('br-ex', { datapathType: 'doca' })]]) }, netdevs],
      [{ ...seen, ports: new Map([['p0', portRow('p0', 'br-ex', {}, { type: '' })]]) }, netdevs],
      [seen, new Map([['p0', netdev('p0')]])],
    ];
    let before = first;
    for (const [tables, devices] of others) {
      const view = switchPorts.view(tables, devices);
      expect(view).not.toEqual(before);
      expect(view).toEqual(new SwitchPorts().view(tables, devices));
      before = view;
    }
  });
});
