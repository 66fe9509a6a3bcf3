/**
 * From a granted request to everything that its rows need: address, network, tunnel address, type, MTU, limits. What is
 * not known yet comes back as a verdict. Pure.
 */

import { safeText } from '../lib/text.js';
import type { Netdev, NetdevMap } from '../model/netdev.js';
import type { ObservedBridge, ObservedRoot } from '../model/observed.js';
import { failing, waitingFor, type AttachRequest, type Verdict, type WantedAttachment } from './attachment.js';
import type { AttachSettings } from './attach-settings.js';
import { policingOf, rateCapBps } from './bandwidth.js';
import { encapIpOf, encapMappingKey } from './encap-ip.js';
import { parseNadKey } from './nad-key.js';
import type { NetworkLookup } from './network-lookup.js';
import type { PodNetwork } from './pod-networks.js';
import { ifaceIdKey, ifaceIdVerKey, nadKeyKey, networkKey, sandboxKey } from './row-identity.js';
import type { PodReading } from './pod-reading.js';

export interface WantContext {
  readonly settings: AttachSettings;
  readonly root: ObservedRoot;
  readonly bridge: ObservedBridge;
  readonly netdevs: NetdevMap;
  readonly findNetwork: NetworkLookup;
}

type Step<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'not'; readonly verdict: Verdict };

const ok = <T>(value: T): Step<T> => ({ kind: 'ok', value });
const not = (verdict: Verdict): Step<never> => ({ kind: 'not', verdict });

type ReadNetwork = Extract<PodNetwork, { kind: 'ok' }>;

function podNetwork({ networks }: PodReading, nadKey: string): Step<ReadNetwork> {
  if (networks.kind === 'unparsable') {
    const message = `Annotation k8s.ovn.org/pod-networks: ${networks.problem}`;
    return not(failing('PodNetworkInvalid', message, 'the pod network annotation is invalid'));
  }
  const network = networks.kind === 'read' ? networks.networks.get(nadKey) : undefined;
  if (network === undefined) {
    const message = `Annotation k8s.ovn.org/pod-networks has no entry ${safeText(nadKey)} yet.`;
    return not(waitingFor('PodNetworkMissing', message, 'the pod has no address in the network yet'));
  }
  if (network.kind === 'ok') return ok(network);
  const message = `Annotation k8s.ovn.org/pod-networks, entry ${safeText(nadKey)}: ${network.problem}`;
  return not(failing('PodNetworkInvalid', message, 'the pod network annotation is invalid'));
}

interface NetworkFacts {
  /** Undefined for the default network. */
  readonly name: string | undefined;
  readonly mtu: number | undefined;
}

function networkFacts(request: AttachRequest, context: WantContext): Step<NetworkFacts> {
  const { mtu } = context.settings;
  const nad = parseNadKey(request.nadKey);
  if (nad === undefined || nad.kind === 'default') return ok({ name: undefined, mtu });
  const found = context.findNetwork(nad.namespace, nad.name);
  if (typeof found !== 'string') return ok({ name: found.networkName, mtu: found.mtu ?? mtu });
  const name = `NetworkAttachmentDefinition ${nad.namespace}/${nad.name}`;
  const said = 'the network definition is not usable';
  if (found === 'pending') return not(waitingFor('NetworkUnknown', `${name} has not been read yet.`, said));
  if (found === 'absent') return not(failing('NetworkUnknown', `${name} does not exist.`, said));
  return not(failing('NetworkUnknown', `${name} has a configuration that cannot be used.`, said));
}

/** As ovn-kubernetes decides: a switch port of a userspace datapath is DPDK's. The simulator's devices are no switch ports. */
function interfaceType(bridge: ObservedBridge, netdev: Netdev): string {
  return bridge.datapathType === 'netdev' && netdev.switchId !== undefined ? 'dpdk' : '';
}

function externalIds(
  request: AttachRequest,
  netdev: Netdev,
  network: ReadNetwork,
  name: string | undefined,
  encapIp: string | undefined,
): ReadonlyMap<string, string> {
  const { ifaceId, uid, sandboxId, nadKey } = request.identity;
  const entries: [string, string | undefined][] = [
    ['attached_mac', network.mac],
    [ifaceIdKey, ifaceId],
    [ifaceIdVerKey, uid],
    [sandboxKey, sandboxId],
    ['ip_addresses', network.ips.length === 0 ? undefined : network.ips.join(',')],
    ['vf-netdev-name', netdev.name],
    ['encap-ip', encapIp],
    [networkKey, name],
    [nadKeyKey, name === undefined ? undefined : nadKey],
  ];
  return new Map(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Everything that the rows of the request need, or what is still missing. */
export function wantAttachment(
  reading: PodReading,
  request: AttachRequest,
  netdev: Netdev,
  context: WantContext,
): Step<WantedAttachment> {
  const network = podNetwork(reading, request.nadKey);
  if (network.kind === 'not') return network;
  const facts = networkFacts(request, context);
  if (facts.kind === 'not') return facts;
  const encap = encapIpOf(netdev, context.netdevs, context.root.externalIds.get(encapMappingKey));
  if (encap.kind === 'unknown') {
    return not(failing('EncapIpUnknown', encap.message, 'the tunnel address is not configured'));
  }
  const { name, mtu } = facts.value;
  const encapIp = encap.kind === 'ip' ? encap.ip : undefined;
  const { ingressBps, egressBps } = reading.bandwidth;
  const capBps = rateCapBps(context.root.ovsVersion);
  return ok({
    request,
    netdev,
    type: interfaceType(context.bridge, netdev),
    mtu,
    mac: network.value.mac,
    externalIds: externalIds(request, netdev, network.value, name, encapIp),
    policing: policingOf(egressBps, mtu, capBps),
    maxRateBps: ingressBps === undefined ? undefined : Math.min(ingressBps, capBps),
  });
}
