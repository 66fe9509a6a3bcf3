/** Ports of the switch: opened, polled, named right, with a link and room for the packets. */

import { safeText } from '../../lib/text.js';
import type { Netdev } from '../../model/netdev.js';
import {
  clear,
  device,
  evidenceOf,
  foundAny,
  found,
  given,
  listed,
  node,
  notTestable,
  port,
  seconds,
  type OffloadCheck,
  type OffloadFinding,
} from '../check.js';
import { netdevsByName } from '../netdev-index.js';
import type { InterfaceFacts } from '../offload-facts.js';
import { datapathTypesOf } from '../preflight.js';
import { standsForUplink } from '../uplink-stand-in.js';

/** Types of interfaces that Open vSwitch makes itself, without a device that could be gone. */
const virtualTypes = new Set(['internal', 'patch', 'vxlan', 'geneve', 'gre', 'erspan', 'tap', 'bareudp', 'gtpu']);
/** Types of interfaces that are tunnels. */
export const tunnelTypes: ReadonlySet<string> = new Set(['vxlan', 'geneve', 'gre', 'erspan', 'gtpu', 'bareudp']);

/** Names of devices. */
type Names = Pick<ReadonlySet<string>, 'has'>;

const isBroken = ({ ofport, error }: InterfaceFacts): boolean => ofport === -1 || (error ?? '') !== '';
/** Whether the device of a port is not there: it could not be opened, and nothing has its name. */
export const isGone = (row: InterfaceFacts, names: Names): boolean =>
  isBroken(row) && !virtualTypes.has(row.type) && !names.has(row.name);

/**
 * For how long the device of a port has been gone, ms; 0: it is not. ovs-vswitchd leaves number, error and link as they were
 * where a device vanishes under it.
 */
export const goneMs = (row: InterfaceFacts, names: Names): number =>
  names.has(row.name) ? 0 : Math.max(isGone(row, names) ? row.brokenMs : 0, row.absentMs ?? 0);

export const stalePorts: OffloadCheck = {
  name: 'stale-ports',
  reasons: ['PortStale'],
  run: ({ interfaces, devices }, { staleMsMin }) =>
    given([interfaces, devices], (rows, netdevs) => {
      const byName = netdevsByName(netdevs);
      const stale = rows.filter((row) => goneMs(row, byName) >= staleMsMin);
      return foundAny(
        stale
          .map((row) => ({ ...row, ms: goneMs(row, byName) }))
          .map(({ name, bridge, error, ms, isOwn, ifaceId }) => ({
            reason: 'PortStale',
            subject: port(name),
            message: `Port ${safeText(name)} on ${safeText(bridge)} has had no device for ${seconds(ms)} s.`,
            evidence: evidenceOf({ error, 'iface-id': ifaceId, owner: isOwn ? 'this agent' : 'another' }),
            remedy: isOwn
              ? 'Nothing; it is the agent that removes it, when its intent is gone.'
              : `Have its owner remove it; nothing else removes it, and a foreign port is never the agent's to delete.`,
          })),
      );
    }),
};

export const openPorts: OffloadCheck = {
  name: 'open-ports',
  reasons: ['InterfaceError'],
  run: ({ interfaces, devices }) =>
    given([interfaces], (rows) => {
      const byName = devices.kind === 'known' ? netdevsByName(devices.value) : undefined;
      // A device that is gone is told as a stale port.
      const broken = rows.filter((row) => isBroken(row) && (byName === undefined || !isGone(row, byName)));
      return foundAny(
        broken.map(({ name, bridge, type, ofport, error }) => ({
          reason: 'InterfaceError',
          subject: port(name),
          message: `Port ${safeText(name)} on ${safeText(bridge)} is not open: ${safeText(error ?? `ofport is ${ofport ?? -1}`, 200)}.`,
          evidence: evidenceOf({ ofport, error, type: type === '' ? 'system' : type }),
          remedy: 'Read the words of Open vSwitch; look at the device before the port is added anew.',
        })),
      );
    }),
};

export const polledPorts: OffloadCheck = {
  name: 'polled-ports',
  reasons: ['PortUnpolled'],
  run: ({ interfaces, polledPorts: fact, engine }) =>
    given([interfaces, fact], (rows, polled) => {
      const isKernel = engine.kind === 'known' && engine.value.now?.kind === 'tc';
      const pmdPorts = rows.filter(({ type, ofport }) => /^(?:dpdk|doca|dummy-pmd)/.test(type) && (ofport ?? -1) > 0);
      if (isKernel || pmdPorts.length === 0) return notTestable('no port needs a PMD thread');
      return foundAny(
        pmdPorts
          .filter(({ name, isNew }) => isNew !== true && !polled.has(name))
          .map(({ name, type }) => ({
            reason: 'PortUnpolled',
            subject: port(name),
            message: `No PMD thread polls port ${safeText(name)}: whatever arrives there is lost.`,
            evidence: evidenceOf({ type, polled: polled.size }),
            remedy:
              'See pmd-rxq-show and the NUMA node of the port; pmd-cpu-mask takes cores from others, so weigh it.',
          })),
      );
    }),
};

export const qdiscs: OffloadCheck = {
  name: 'qdiscs',
  reasons: ['QdiscMissing'],
  run: ({ interfaces, qdiscs: fact, engine, settings, devices }) =>
    given([interfaces, fact, engine, settings, devices], (rows, byDevice, { now }, results, netdevs) => {
      if (now?.kind !== 'tc') return notTestable('the engine is not TC');
      const { effective } = results.find(({ key }) => key === 'hw-offload') ?? {};
      if (effective?.kind !== 'known') return notTestable('whether hw-offload is in effect is not known');
      if (effective.value !== 'true') return clear;
      const representors = new Set(netdevs.filter(({ kind }) => kind !== 'other').map(({ name }) => name));
      const bare = rows.filter(({ name, ofport, isNew }) => {
        if (!representors.has(name) || (ofport ?? -1) <= 0 || isNew === true) return false;
        const kinds = byDevice.get(name) ?? [];
        return !kinds.some((kind) => kind === 'ingress' || kind === 'clsact');
      });
      return foundAny(
        bare.map(({ name }) => ({
          reason: 'QdiscMissing',
          subject: device(name),
          message: `${safeText(name)} has no ingress queueing discipline: none of its flows can be offloaded.`,
          evidence: evidenceOf({ qdiscs: (byDevice.get(name) ?? []).join(',') || 'none' }),
          remedy: 'Exempt the device in NetworkManager and other tools; then have the owner of the port add it anew.',
        })),
      );
    }),
};

export const links: OffloadCheck = {
  name: 'links',
  reasons: ['LinkDown', 'LinkFlapping'],
  run: ({ interfaces, devices }, { linkResetsMax }) =>
    given([interfaces, devices], (rows, netdevs) => {
      const byName = netdevsByName(netdevs);
      const down = rows.filter((row) => isDown(row, byName.get(row.name)));
      const flapping = rows.filter(({ linkResets }) => linkResets > linkResetsMax);
      const isUplink = ({ name }: InterfaceFacts): boolean => byName.get(name)?.kind === 'uplink';
      const silent = down.filter((row) => !isUplink(row));
      const downFindings = [
        ...down.filter(isUplink),
        // A host that is off takes all its functions with it: that is one finding.
        ...(silent.length > singlesMax ? [] : silent),
      ].map((row) => downFinding(row, byName.get(row.name)));
      return foundAny([
        ...downFindings,
        ...(silent.length > singlesMax ? [manyDown(silent)] : []),
        ...flapping.map((row) => flappingFinding(row, byName.get(row.name))),
      ]);
    }),
};

/** More representors than this without a link are told together. */
const singlesMax = 5;

/** A representor is to have a link where a pod or an intent uses it: the others are of functions that nobody has taken yet. */
function isDown({ linkState, ifaceId, isOwn }: InterfaceFacts, netdev: Netdev | undefined): boolean {
  if (netdev === undefined || netdev.kind === 'other' || (netdev.isUp && linkState !== 'down')) return false;
  return netdev.kind === 'uplink' || ifaceId !== undefined || isOwn;
}

function downFinding({ name, linkState }: InterfaceFacts, netdev: Netdev | undefined): OffloadFinding {
  const isUplink = netdev?.kind === 'uplink';
  return {
    reason: 'LinkDown',
    subject: port(name),
    message: `${isUplink ? 'Uplink' : 'Representor'} ${safeText(name)} is ${netdev?.isUp === true ? 'without a link' : 'switched off'}.`,
    evidence: evidenceOf({ isUp: netdev?.isUp, link_state: linkState, operstate: netdev?.operstate }),
    remedy: isUplink
      ? 'Look at cable and far end; do not toggle it.'
      : `ip link set ${safeText(name)} up, by the owner of the port.`,
  };
}

function manyDown(rows: readonly InterfaceFacts[]): OffloadFinding {
  return {
    reason: 'LinkDown',
    subject: node,
    message: `${rows.length} representors that are in use are without a link or switched off: ${listed(rows.map(({ name }) => name))}.`,
    evidence: evidenceOf({ representors: rows.length }),
    remedy: 'See whether the host runs and its driver is loaded; else their owner sets them up.',
  };
}

function flappingFinding({ name, linkResets }: InterfaceFacts, netdev: Netdev | undefined): OffloadFinding {
  return {
    reason: 'LinkFlapping',
    subject: port(name),
    message: `The link of ${safeText(name)} came or went ${linkResets} times in the window.`,
    evidence: evidenceOf({ link_resets: linkResets, carrier_changes: netdev?.carrierChanges }),
    remedy: 'For an uplink look at cable, module and far end; for a representor at the function of the host.',
  };
}

export const mtus: OffloadCheck = {
  name: 'mtus',
  reasons: ['MtuBelowTunnel', 'MtuRefused', 'PacketsTooLarge'],
  run: ({ interfaces, devices, engine }, { tunnelOverheadBytes }) =>
    given([interfaces, devices], (rows, netdevs) => {
      const isDoca = engine.kind === 'known' && engine.value.now?.isDoca === true;
      const hasTunnels = rows.some(({ type }) => tunnelTypes.has(type));
      const uplinks = netdevs.filter(({ kind }) => kind === 'uplink');
      const narrowest = uplinks.length === 0 ? undefined : Math.min(...uplinks.map(({ mtu }) => mtu));
      const functions = new Set(netdevs.filter(({ kind }) => /^(?:host|local)/.test(kind)).map(({ name }) => name));
      return foundAny(
        rows.flatMap((row) => [
          ...(hasTunnels && narrowest !== undefined && functions.has(row.name)
            ? tunnelMtu(row, narrowest, tunnelOverheadBytes)
            : []),
          // OVS-DOCA ignores requests for a representor, by design.
          ...(isDoca ? [] : requestedMtu(row)),
          ...mtuDrops(row),
        ]),
      );
    }),
};

function tunnelMtu({ name, mtu }: InterfaceFacts, uplinkMtu: number, overhead: number): readonly OffloadFinding[] {
  if (mtu === undefined || mtu + overhead <= uplinkMtu) return [];
  return [
    {
      reason: 'MtuBelowTunnel',
      subject: port(name),
      message: `Packets of ${safeText(name)} (MTU ${mtu}) with ${overhead} bytes of tunnel exceed the uplink's MTU of ${uplinkMtu}.`,
      evidence: evidenceOf({ mtu, uplinkMtu, overhead }),
      remedy: 'Lower the MTU of the pods, or raise that of the uplink in a maintenance window.',
    },
  ];
}

function requestedMtu({ name, mtu, mtuRequest }: InterfaceFacts): readonly OffloadFinding[] {
  if (mtuRequest === undefined || mtu === undefined || mtu === mtuRequest) return [];
  return [
    {
      reason: 'MtuRefused',
      subject: port(name),
      message: `${safeText(name)} has MTU ${mtu}, and ${mtuRequest} was requested.`,
      evidence: evidenceOf({ mtu, mtu_request: mtuRequest }),
      remedy: "Choose an MTU within the device's range.",
    },
  ];
}

function mtuDrops({ name, mtu, mtuDrops: drops }: InterfaceFacts): readonly OffloadFinding[] {
  if (drops <= 0) return [];
  return [
    {
      reason: 'PacketsTooLarge',
      subject: port(name),
      message: `${safeText(name)} dropped ${drops} packets in the window that exceed its MTU.`,
      evidence: evidenceOf({ ovs_tx_mtu_exceeded_drops: drops, mtu }),
      remedy: 'Compare the MTUs along the path: function, representor, uplink less the header of the tunnel.',
    },
  ];
}

export const uplinkOnSwitch: OffloadCheck = {
  name: 'uplink-on-switch',
  reasons: ['UplinkNotOnSwitch'],
  run: ({ interfaces, devices, engine }) =>
    given([interfaces, devices, engine], (rows, netdevs, { now }) => {
      if (now?.kind !== 'doca') return notTestable('the engine is not OVS-DOCA');
      const onSwitch = new Set(rows.map(({ name }) => name));
      const here = netdevs.filter(({ name, switchId }) => onSwitch.has(name) && switchId !== undefined);
      // A bond stands for the uplinks below it, which it hides: with one on the switch nothing can be said of them.
      const hereNames = new Set(here.map(({ name }) => name));
      const others = rows.filter(({ type, name }) => !virtualTypes.has(type) && !hereNames.has(name));
      const served = new Set(here.filter(({ kind }) => kind === 'uplink').map(({ switchId }) => switchId));
      const orphaned = here.filter(({ kind, switchId }) => kind !== 'uplink' && !served.has(switchId));
      if (orphaned.length === 0) return clear;
      const byName = netdevsByName(netdevs);
      if (others.some(({ name }) => standsForUplink(name, byName))) return notTestable('the uplinks may be in a bond');
      const names = orphaned.map(({ name }) => name);
      return found({
        reason: 'UplinkNotOnSwitch',
        subject: device(names[0] ?? ''),
        message: `The uplink of ${listed(names)} is on no bridge, so they carry nothing, without an error.`,
        evidence: evidenceOf({ switchId: orphaned[0]?.switchId, representors: names.length }),
        remedy: 'Add the uplink, or the bond of uplinks, to the bridge.',
      });
    }),
};

/** A change of bridges' types is waited for by the next look at the datapaths, or so long where none comes, ms. */
const typesHoldMs = 5 * 60_000;

export const datapathsAlike: OffloadCheck = {
  name: 'datapaths-alike',
  reasons: ['DatapathsMixed'],
  run: ({ bridges, datapaths, typesChangedMs = Infinity }) => {
    // One bridge is changed after the other, and a datapath goes with its last bridge.
    if (typesChangedMs < typesHoldMs) return notTestable('bridges changed their type after datapaths were looked at');
    if (bridges.kind === 'unknown' && datapaths.kind === 'unknown') return notTestable(datapaths.why);
    const used = bridges.kind === 'known' ? datapathTypesOf(bridges.value) : [];
    const made = datapaths.kind === 'known' ? datapaths.value : [];
    const madeTypes = [...new Set(made.map((name) => name.split('@')[0] ?? ''))].sort();
    if (used.length <= 1 && madeTypes.length <= 1) return clear;
    const isLeftOver = used.length <= 1;
    return found({
      reason: 'DatapathsMixed',
      subject: { kind: 'datapath', name: (isLeftOver ? made : used).join(', ') },
      message: isLeftOver
        ? `All bridges use ${listed(used)}, and there are datapaths ${listed(made)}: one is left over.`
        : `Bridges use several datapaths: ${listed(used)}.`,
      evidence: evidenceOf({ bridges: used.join(','), datapaths: made.join(',') || undefined }),
      remedy: 'Give all bridges the same datapath_type; remove a datapath (dpctl/del-dp) only when it has no ports.',
    });
  },
};

export const tunnelEndpoints: OffloadCheck = {
  name: 'tunnel-endpoints',
  reasons: ['TunnelEndpointMissing'],
  run: ({ root, interfaces, addresses }) =>
    given([root, interfaces, addresses], ({ externalIds }, rows, here) => {
      const encapIps = (externalIds.get('ovn-encap-ip') ?? '').split(',');
      const localIps = rows
        .filter(({ type }) => tunnelTypes.has(type))
        .map(({ options }) => options.get('local_ip') ?? 'flow');
      const wanted = [...new Set([...encapIps, ...localIps].map((ip) => ip.trim()))].filter(
        (ip) => ip !== '' && ip !== 'flow',
      );
      if (wanted.length === 0) return notTestable('no tunnel names an address of its own');
      return foundAny(
        wanted
          .filter((ip) => !here.has(ip))
          .map((ip) => ({
            reason: 'TunnelEndpointMissing',
            subject: { kind: 'node', name: '' },
            message: `Tunnels are to be sent from ${safeText(ip, 64)}, and no device here has that address.`,
            evidence: evidenceOf({ address: ip, addresses: here.size }),
            remedy: 'Have the owner of the address put it back; interfaces that are made anew lose theirs.',
          })),
      );
    }),
};

export const portChecks: readonly OffloadCheck[] = [
  stalePorts,
  openPorts,
  polledPorts,
  qdiscs,
  links,
  mtus,
  uplinkOnSwitch,
  datapathsAlike,
  tunnelEndpoints,
];
