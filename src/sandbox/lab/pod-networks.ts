/**
 * What ovnkube-controller makes of a pod's networks: which it has, the names of its logical ports, and the annotation
 * `k8s.ovn.org/pod-networks`. Pure; written from ovn-kubernetes' formats and not from the agent's code that reads them.
 */

import type { PodObject } from './host-api.js';

export const networksAnnotation = 'k8s.ovn.org/pod-networks';
export const detailsAnnotation = 'k8s.ovn.org/dpu.connection-details';
export const statusAnnotation = 'k8s.ovn.org/dpu.connection-status';
/** Of Multus: the additional networks that a pod asks for. */
export const selectionAnnotation = 'k8s.v1.cni.cncf.io/networks';

/** A network of the cluster. */
export interface StandInNetwork {
  /** `default`, or namespace and name of its NetworkAttachmentDefinition: `ns/blue`. */
  readonly nad: string;
  readonly switchName: string;
  /** The first two bytes of its addresses; its prefix is 16 bits long. */
  readonly prefix: string;
}

/** One network of one pod, as the annotation says it. */
export interface PodNetwork {
  readonly mac_address: string;
  readonly ip_addresses: readonly string[];
}

/** Keys of the pod's networks in all annotations: `default`, `ns/nad`, and `ns/nad/1` where it asks for one again. */
export function nadKeysOf({ metadata }: PodObject): readonly string[] {
  const counts = new Map<string, number>();
  const selected = selectionOf(metadata.annotations?.[selectionAnnotation] ?? '', metadata.namespace);
  const keys = selected.map((nad) => {
    const count = counts.get(nad) ?? 0;
    counts.set(nad, count + 1);
    return count === 0 ? nad : `${nad}/${count}`;
  });
  return ['default', ...keys];
}

/** Both forms of Multus: a list of `ns/name@device` by commas, or JSON. */
function selectionOf(text: string, namespace: string): readonly string[] {
  if (text.trim().startsWith('[')) {
    const entries = JSON.parse(text) as readonly { readonly name: string; readonly namespace?: string }[];
    return entries.map((entry) => `${entry.namespace ?? namespace}/${entry.name}`);
  }
  const words = text.split(',').map((word) => word.trim().replace(/@.*$/, ''));
  return words.filter((word) => word !== '').map((word) => (word.includes('/') ? word : `${namespace}/${word}`));
}

/** The NetworkAttachmentDefinition of a key. */
export const nadOf = (nadKey: string): string => nadKey.split('/').slice(0, 2).join('/');

/** Name of the logical port, which is also the `iface-id`. */
export function logicalPortName(nadKey: string, { namespace, name }: PodObject['metadata']): string {
  const pod = `${namespace}_${name}`;
  return nadKey === 'default' ? pod : `${nadKey.replaceAll(/[-/]/g, '.')}_${pod}`;
}

/** Host number `n` of the network, and the MAC that ovn-kubernetes derives from it. */
export function addressOf({ prefix }: StandInNetwork, n: number): { readonly ip: string; readonly mac: string } {
  const ip = `${prefix}.${n >> 8}.${n & 255}`;
  const bytes = ip.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return { ip, mac: ['0a', '58', ...bytes].join(':') };
}

/** The entry of the annotation, both spellings of a single address included. */
export function podNetworkOf(network: StandInNetwork, n: number): PodNetwork & Readonly<Record<string, unknown>> {
  const { ip, mac } = addressOf(network, n);
  const gateway = `${network.prefix}.0.1`;
  return {
    ip_addresses: [`${ip}/16`],
    mac_address: mac,
    gateway_ips: [gateway],
    ip_address: `${ip}/16`,
    gateway_ip: gateway,
    role: network.nad === 'default' ? 'primary' : 'secondary',
  };
}
