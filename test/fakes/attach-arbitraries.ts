/**
 * Random pods, rows, devices and happenings for the properties of the planner of attachments. Names come from a small pool,
 * so that pods contend for functions, rows of others carry their names, and incarnations of one pod follow one another.
 */

import fc from 'fast-check';
import type { AttachIdentity } from '../../src/attach/attachment.js';
import { ifaceId } from '../../src/attach/nad-key.js';
import type { AttachObserved } from '../../src/attach/plan-attach.js';
import type { Netdev } from '../../src/model/netdev.js';
import type { ObservedPort, ObservedQos } from '../../src/model/observed.js';
import { managedKeysKey, ownerKey } from '../../src/model/ownership.js';
import type { PodView } from '../../src/model/pod.js';
import { anyText } from '../attach/hostile-texts.js';
import { mark, podOf, podPort, uplink, vfName, vfOf, worldOf } from './attach-inputs.js';
import type { AttachSimulation } from './attach-simulation.js';
import { bridgeRow, interfaceRow, mapOf, portRow } from './plan-rows.js';

const vfs = [0, 1, 2, 3] as const;
const podNames = ['a', 'b', 'c'] as const;
const nadKeys = ['default', 'ns/blue', 'ns/b-l', 'ns/b.l', 'ns/blue/1'] as const;
const sandboxes = ['s1', 's1', 's2'] as const;
const owners = [mark, mark, mark, undefined, undefined, 'agent-2/pods', 'agent-1'] as const;

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const anyVf = fc.constantFrom(...vfs);
const anyNad = fc.constantFrom('default', 'default', ...nadKeys);

/** Details that can be read. */
const goodDetails = fc
  .uniqueArray(fc.tuple(anyNad, anyVf, fc.constantFrom(...sandboxes)), { maxLength: 3, selector: ([nad]) => nad })
  .map((entries) => Object.fromEntries(entries.map(([nad, vf, sandbox]) => [nad, `0/${vf}/${sandbox}`])));

/** Some networks can be read, and some not. */
const mixedDetails = fc
  .dictionary(
    fc.constantFrom(...nadKeys),
    fc.oneof(
      anyVf.map((vf) => ({ pfId: '0', vfId: String(vf), sandboxId: 's1' })),
      fc.constantFrom(null, {}, 7, { pfId: 0 }),
    ),
  )
  .map((value) => JSON.stringify(value));

/** What the networks of all pods are called, so that a pod with any text has addresses. */
const allNetworks = Object.fromEntries(nadKeys.map((nad) => [nad, '0/0']));

/** A pod of one of three names and, of each, one of three incarnations. */
export const anyPod: fc.Arbitrary<PodView> = fc
  .record({
    name: fc.constantFrom(...podNames),
    incarnation: fc.constantFrom(1, 1, 2, 3),
    details: fc.oneof({ weight: 5, arbitrary: goodDetails }, mixedDetails, anyText, fc.constant(undefined)),
    networks: fc.oneof({ weight: 6, arbitrary: fc.constant('all') }, anyText, fc.constant(undefined)),
    ingressBandwidth: fc.constantFrom(undefined, undefined, '10M', '20M', 'x'),
    egressBandwidth: fc.constantFrom(undefined, undefined, '5M', '1'),
    isTerminal: fc.constantFrom(false, false, false, false, true),
    isHostNetwork: fc.constantFrom(false, false, false, false, false, true),
  })
  .map(({ name, incarnation, details, networks, ingressBandwidth, egressBandwidth, ...flags }) => {
    const texts = {
      networks: networks === 'all' ? podOf(name, { details: allNetworks }).annotations.networks : networks,
      ingressBandwidth,
      egressBandwidth,
    };
    const fields = { uid: `u-${name}${incarnation}`, createdMs: 1000 * incarnation, ...flags };
    return podOf(name, { ...fields, ...(details === undefined ? {} : { details }), annotations: texts });
  });

const anyIdentity: fc.Arbitrary<AttachIdentity> = fc
  .record({
    name: fc.constantFrom(...podNames, 'gone'),
    incarnation: fc.constantFrom(1, 1, 2),
    nadKey: anyNad,
    sandboxId: fc.constantFrom(...sandboxes),
  })
  .map(({ name, incarnation, nadKey, sandboxId }) => {
    return { ifaceId: ifaceId(nadKey, 'ns', name), uid: `u-${name}${incarnation}`, sandboxId, nadKey };
  });

const foreignIds = fc.constantFrom<Readonly<Record<string, string>>>(
  {},
  { 'ovn-installed': 'true', 'ovn-installed-ts': '5' },
  { theirs: 'x', encap: 'y', 'k8s.ovn.org/network': 'zzz' },
  { [managedKeysKey]: '["external_ids:stale"]', stale: '1' },
  { [managedKeysKey]: '}{' },
);
const wiped = fc.subarray(['iface-id', 'iface-id-ver', 'sandbox', 'k8s.ovn.org/nad', ownerKey]);

/** A pod's port, by whomever, whole or with keys that somebody wiped. */
const anyPodPort: fc.Arbitrary<ObservedPort> = fc
  .record({
    vf: anyVf,
    identity: anyIdentity,
    owner: fc.constantFrom(...owners),
    bridge: fc.constantFrom('br-int', 'br-int', 'br-int', 'br-x'),
    ids: foreignIds,
    wiped: fc.oneof({ weight: 3, arbitrary: fc.constant<string[]>([]) }, wiped),
    qos: maybe(fc.constantFrom('q0', 'q1', 'q2')),
    strangers: fc.constantFrom(0, 0, 0, 1),
    ofport: fc.constantFrom(undefined, -1, 3, 4),
  })
  .map(({ vf, identity, owner, bridge, ids, wiped: keys, qos, strangers, ofport }) => {
    const port = podPort(vfName(vf), identity, { owner, port: { bridge, qos } });
    const interfaces = port.interfaces.map((entry) => {
      const kept = [...entry.externalIds].filter(([key]) => !keys.includes(key));
      return { ...entry, ofport, ifindex: 100 + vf, externalIds: new Map([...Object.entries(ids), ...kept]) };
    });
    const more = Array.from({ length: strangers }, () => interfaceRow(`x${vf}`));
    return { ...port, interfaces: [...interfaces, ...more] };
  });

/** Ports that are no pod's: a bond that holds a representor, one that only carries a pod's name, a plain one. */
const anyOtherPort: fc.Arbitrary<ObservedPort> = fc.oneof(
  anyVf.map((vf) => portRow('bond0', 'br-x', { interfaces: [interfaceRow('p0'), interfaceRow(vfName(vf))] })),
  anyIdentity.map((identity) => podPort('veth9', identity, { owner: undefined })),
  anyVf.map((vf) => portRow(vfName(vf), 'br-int', { qos: 'q1' }, { externalIds: mapOf({ 'iface-id': 'k8s-node' }) })),
);

function isFree(port: ObservedPort, index: number, ports: readonly ObservedPort[]): boolean {
  const names = ports.slice(0, index).flatMap((entry) => [entry.name, ...entry.interfaces.map(({ name }) => name)]);
  return ![port.name, ...port.interfaces.map(({ name }) => name)].some((name) => names.includes(name));
}

const anyPorts = fc
  .array(fc.oneof({ weight: 4, arbitrary: anyPodPort }, anyOtherPort), { maxLength: 5 })
  .map((ports) => ports.filter(isFree));

export const anyNetdev: fc.Arbitrary<Netdev> = fc
  .record({
    vf: anyVf,
    isUp: fc.boolean(),
    isPromiscuous: fc.boolean(),
    again: fc.constantFrom(0, 0, 500),
    mtu: fc.constantFrom(1400, 1500),
    kind: fc.constantFrom('hostVf' as const, 'hostVf' as const, 'hostVf' as const, 'other' as const),
    switchId: fc.constantFrom('aa01', undefined),
  })
  .map(({ vf, again, kind, ...fields }) => {
    const device = vfOf(vf, { ...fields, ifindex: 100 + vf + again, kind });
    return kind === 'other' ? { ...device, evidence: 'conflict', pf: undefined, vf: undefined } : device;
  });

const anyQosOwner = fc.constantFrom(...owners);

function qosRow(uuid: string, owner: string | undefined): ObservedQos {
  const externalIds = mapOf({ ...(owner === undefined ? {} : { [ownerKey]: owner }), sandbox: 's1' });
  return { uuid, type: 'linux-htb', otherConfig: mapOf({ 'max-rate': '7' }), externalIds };
}

/** A database and a machine with anything in them. */
export const anyWorld: fc.Arbitrary<AttachObserved> = fc
  .record({
    ports: anyPorts,
    netdevs: fc.array(anyNetdev, { maxLength: 6 }),
    owners: fc.tuple(anyQosOwner, anyQosOwner, anyQosOwner, anyQosOwner),
    datapathType: fc.constantFrom('', 'netdev'),
    mapping: fc.constantFrom({}, {}, { 'ovn-pf-encap-ip-mapping': 'p0:10.0.0.1' }),
  })
  .map(({ ports, netdevs, owners: of, datapathType, mapping }) =>
    worldOf({
      bridges: [bridgeRow('br-int', { datapathType }), bridgeRow('br-x')],
      ports,
      netdevs: [...vfs.map((vf) => vfOf(vf)).slice(0, 3), ...netdevs, uplink(0)],
      qos: of.map((owner, index) => qosRow(`q${index}`, owner)),
      rootIds: mapping,
    }),
  );

/** Something that happens between two rounds. */
export type Happening = (world: AttachSimulation) => void;

const onPod = (act: (world: AttachSimulation, pod: PodView) => void): fc.Arbitrary<Happening> =>
  fc.nat({ max: 9 }).map((index) => (world) => {
    const pods = [...world.pods.values()];
    const pod = pods[index % Math.max(pods.length, 1)];
    if (pod !== undefined) act(world, pod);
  });

const wipe: fc.Arbitrary<Happening> = fc.tuple(anyVf, wiped, fc.boolean()).map(([vf, keys, both]) => (world) => {
  if (!world.observed.ports.has(vfName(vf))) return;
  const drop = (map: ReadonlyMap<string, string>) => new Map([...map].filter(([key]) => !keys.includes(key)));
  world.changePort(vfName(vf), (port) => ({
    ...port,
    externalIds: both ? drop(port.externalIds) : port.externalIds,
    interfaces: port.interfaces.map((entry) => ({ ...entry, externalIds: drop(entry.externalIds) })),
  }));
});

export const anyHappening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 3,
    arbitrary: anyPod.map(
      (pod): Happening =>
        (world) =>
          void world.put(pod),
    ),
  },
  onPod((world, pod) => void world.remove(pod.uid)),
  onPod((world, pod) => void world.miss(pod.uid)),
  anyNetdev.map(
    (netdev): Happening =>
      (world) =>
        void world.setNetdev(netdev),
  ),
  anyVf.map(
    (vf): Happening =>
      (world) =>
        void world.dropNetdev(vfName(vf)),
  ),
  anyVf.map(
    (vf): Happening =>
      (world) =>
        void world.dropPort(vfName(vf)),
  ),
  wipe,
  fc.constant<Happening>((world) => void world.restart()),
);
