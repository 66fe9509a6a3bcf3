import { describe, expect, it } from 'vitest';
import { managementFunctions } from '../../src/attach/management.js';
import { identityOf, podOf, podPort, vfName, vfOf, worldOf } from '../fakes/attach-inputs.js';
import { AttachLoopWorld } from '../fakes/attach-loop-world.js';
import { mapOf, portRow } from '../fakes/plan-rows.js';

const none: ReadonlySet<string> = new Set();
const portWith = (ids: Readonly<Record<string, string>>) =>
  portRow(vfName(0), 'br-int', {}, { type: '', externalIds: mapOf(ids) });

describe('the functions of management ports', () => {
  it.each([
    ['by the name that its row notes', { 'k8s.ovn.org/management-port-name': 'ovn-k8s-mp0' }],
    ['by the former name that its row notes', { 'ovn-orig-mgmt-port-rep-name': vfName(0) }],
    ['by its name in OVN', { 'iface-id': 'k8s-host-a' }],
  ])('are known %s', (_what, ids) => {
    const { ports, netdevs } = worldOf({ ports: [portWith(ids)] });
    expect([...managementFunctions(none, ports, netdevs)]).toEqual(['1/0/0']);
  });

  it('are known by the name of the device', () => {
    const { ports, netdevs } = worldOf({ netdevs: [vfOf(3, { name: 'ovn-k8s-mp0_0' }), vfOf(4)] });
    expect([...managementFunctions(none, ports, netdevs)]).toEqual(['1/0/3']);
  });

  it('are not those of pods, however they are called', () => {
    const pod = podPort(vfName(1), identityOf('a', { ifaceId: 'k8s-ns_a' }));
    const { ports, netdevs } = worldOf({ ports: [pod] });
    expect(managementFunctions(none, ports, netdevs)).toBe(none);
  });

  it('stay reserved while ovnkube-node is started anew, under their former names and without a row', async () => {
    const world = await new AttachLoopWorld(worldOf({ netdevs: [vfOf(0, { name: 'ovn-k8s-mp0_0' })] })).start();
    world.observed = { ...world.observed, netdevs: new Map([[vfName(0), vfOf(0)]]) };
    world.put(podOf('a', { details: { default: '0/0' } }));
    await world.pass(100);
    expect([world.reason('a'), world.batches]).toEqual(['RepresentorReserved', []]);
  });
});
