import { describe, expect, it } from 'vitest';
import { pluggedPort } from '../../src/attach/row-identity.js';
import { rowsOf } from '../../src/attach/plan-stale.js';
import { identityOf, mark, podOf, podPort, verdictOf, worldOf } from '../fakes/attach-inputs.js';
import { AttachSimulation } from '../fakes/attach-simulation.js';
import { bridgeRow, interfaceRow, mapOf, portRow } from '../fakes/plan-rows.js';

const vf1 = 'pf0vf1';
const podA = podOf('a', { details: { default: '0/1' } });

function guardOf(externalIds: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const port = podPort(vf1, identityOf('a'), { main: { externalIds: mapOf(externalIds) } });
  const plugged = pluggedPort(port, mark);
  return plugged === undefined ? {} : Object.fromEntries(rowsOf(plugged).guard);
}

describe('the guard of an attachment', () => {
  const all = {
    'dpu-agent-owner': mark,
    'iface-id': 'ns_a',
    'iface-id-ver': 'u-a',
    sandbox: 's1',
    'k8s.ovn.org/nad': 'ns/blue',
  };

  it('holds the mark and all that tells whose it is, and nothing that others write', () => {
    const others = { 'ovn-installed': 'true', 'ovn-installed-ts': '1', attached_mac: '0a:00:00:00:00:01' };
    expect(guardOf({ ...all, ...others })).toEqual(all);
  });

  it('asks for no key that the row does not have', () => {
    const { 'dpu-agent-owner': _, ...unmarked } = all;
    expect(guardOf(unmarked)).toEqual(unmarked);
    expect(guardOf({ 'dpu-agent-owner': mark })).toEqual({ 'dpu-agent-owner': mark });
  });
});

describe('a device that is an interface of a port of another name', () => {
  const bridges = [bridgeRow('br-int'), bridgeRow('br-ex')];

  it.each([
    ['a bond', portRow('bond0', 'br-ex', { interfaces: [interfaceRow('p9'), interfaceRow(vf1)] })],
    ['a port of its own', portRow('uplink', 'br-int', { interfaces: [interfaceRow(vf1)] })],
  ])('in %s is foreign, is named, and asks for no transaction', (_, port) => {
    const world = new AttachSimulation(worldOf({ bridges, ports: [port] }), [podA]);
    const { plan } = world.settle();
    expect(plan.actions).toEqual([]);
    const { verdict } = verdictOf(plan, 'a');
    expect(verdict).toMatchObject({ reason: 'RepresentorForeign', state: 'failed' });
    expect(verdict.message).toContain(`${vf1} is an interface of port ${port.name}`);
    expect(verdict.publicReason).not.toContain(port.name);
    world.dropPort(port.name);
    world.settle();
    expect(world.ids(vf1)['iface-id']).toBe('ns_a');
  });
});

describe('a limit above what Open vSwitch can hold', () => {
  it('is written as the highest that it can, and the evidence says so', () => {
    const annotations = { ingressBandwidth: '40G', egressBandwidth: '1G' };
    const world = new AttachSimulation(worldOf(), [podOf('a', { details: { default: '0/1' }, annotations })]);
    const { plan } = world.settle();
    const qos = world.observed.qos.get(world.port(vf1).qos ?? '');
    expect(qos?.otherConfig.get('max-rate')).toBe('34359738360');
    expect(verdictOf(plan, 'a').verdict.reason).toBe('Ready');
    expect(verdictOf(plan, 'a').evidence['bandwidth']).toContain('ingress-bandwidth is lowered to 34.4 Gbit/s');
  });

  it('is written as it is where Open vSwitch is newer', () => {
    const observed = worldOf();
    const root = { ...observed.root, ovsVersion: '3.3.0' };
    const pod = podOf('a', { details: { default: '0/1' }, annotations: { ingressBandwidth: '40G' } });
    const world = new AttachSimulation({ ...observed, root }, [pod]);
    const { plan } = world.settle();
    expect(world.observed.qos.get(world.port(vf1).qos ?? '')?.otherConfig.get('max-rate')).toBe('40000000000');
    expect(verdictOf(plan, 'a').evidence).not.toHaveProperty('bandwidth');
  });
});
