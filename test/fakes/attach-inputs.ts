/** Pods, functions and inputs of the planner of attachments, with defaults, for tests of it. */

import type { AttachSettings } from '../../src/attach/attach-settings.js';
import type { AttachIdentity, AttachmentVerdict } from '../../src/attach/attachment.js';
import { ifaceId } from '../../src/attach/nad-key.js';
import type { AttachInput, AttachObserved, AttachPlan } from '../../src/attach/plan-attach.js';
import { nothingDeclared } from '../../src/intent/declared.js';
import type { FindNetdev } from '../../src/intent/resolve.js';
import type { Netdev } from '../../src/model/netdev.js';
import type { ObservedBridge, ObservedInterface, ObservedPort, ObservedQos } from '../../src/model/observed.js';
import { ownerKey, podsMark, type StringMap } from '../../src/model/ownership.js';
import type { PodAnnotations, PodView } from '../../src/model/pod.js';
import { bridgeRow, mapOf, netdev, portRow, rootRow } from './plan-rows.js';

/** The mark of the rows of pods. */
export const mark = podsMark('agent-1');

export function settingsOf(fields: Partial<AttachSettings> = {}): AttachSettings {
  return {
    mark,
    bridge: 'br-int',
    mtu: 1400,
    ovnInstalled: 'require',
    functionMac: 'report',
    pools: undefined,
    reserved: [],
    resourceNames: undefined,
    ...fields,
  };
}

/** `<pf>/<vf>/<sandbox>`, the sandbox `s1` where it is not said. */
export type DetailsText = string;

export interface PodParts extends Partial<Omit<PodView, 'annotations'>> {
  /** nadKey to details; a text stands for the whole annotation as it is. */
  readonly details?: string | Readonly<Record<string, DetailsText>>;
  readonly annotations?: Partial<PodAnnotations>;
}

function detailsText(details: Readonly<Record<string, DetailsText>>): string {
  const entries = Object.entries(details).map(([nadKey, text]) => {
    const [pfId = '', vfId = '', sandboxId = 's1'] = text.split('/');
    return [nadKey, { pfId, vfId, sandboxId }];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

/** A small number that is the same for the same text. */
function smallHash(text: string): number {
  let hash = 7;
  for (const char of text) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 65_521;
  return hash;
}

/** MAC that a pod of this name has in the network. */
export function macOf(name: string, nadKey = 'default'): string {
  const hex = smallHash(`${name} ${nadKey}`).toString(16).padStart(4, '0');
  return `0a:58:0a:00:${hex.slice(0, 2)}:${hex.slice(2)}`;
}

/** The address that a pod of this name has in the network. */
export function ipOf(name: string, nadKey = 'default'): string {
  const hash = smallHash(`${name} ${nadKey}`);
  return `10.1.${hash >> 8}.${hash & 255}/24`;
}

function networksText(name: string, nadKeys: readonly string[]): string {
  const entries = nadKeys.map((key) => [key, { mac_address: macOf(name, key), ip_addresses: [ipOf(name, key)] }]);
  return JSON.stringify(Object.fromEntries(entries));
}

/** Pod `ns/<name>` with uid `u-<name>`, and an address in each network that its details name. */
export function podOf(name: string, parts: PodParts = {}): PodView {
  const { details, annotations, ...fields } = parts;
  const nadKeys = typeof details === 'object' ? Object.keys(details) : [];
  return {
    uid: `u-${name}`,
    namespace: 'ns',
    name,
    nodeName: 'host-a',
    resourceVersion: '1',
    createdMs: 1000,
    isHostNetwork: false,
    isTerminal: false,
    isDeleting: false,
    resources: new Map(),
    hasAnnotations: true,
    ...fields,
    annotations: {
      details: typeof details === 'object' ? detailsText(details) : details,
      status: undefined,
      networks: networksText(name, nadKeys.length === 0 ? ['default'] : nadKeys),
      ingressBandwidth: undefined,
      egressBandwidth: undefined,
      ...annotations,
    },
  };
}

/** Name of the representor. */
export const vfName = (vf: number, pf = 0): string => `pf${pf}vf${vf}`;

/** The representor of a VF of the host, as the kernel makes it: down, and in nobody's hands. */
export function vfOf(vf: number, fields: Partial<Netdev> = {}): Netdev {
  const pf = fields.pf ?? 0;
  return netdev(vfName(vf, pf), {
    ifindex: 100 + pf * 100 + vf,
    isUp: false,
    isPromiscuous: false,
    operstate: 'down',
    kind: 'hostVf',
    evidence: 'devlink',
    controller: 1,
    pf,
    vf,
    isExternal: true,
    switchId: 'aa01',
    ...fields,
  });
}

/** The uplink of a PF. */
export function uplink(port: number, fields: Partial<Netdev> = {}): Netdev {
  return netdev(`p${port}`, { kind: 'uplink', evidence: 'devlink', port, switchId: 'aa01', ...fields });
}

/** Finds host VFs by both numbers. */
export const findVf: FindNetdev = (selector, netdevs) => {
  if (selector.kind !== 'hostVf') return { kind: 'missing', code: 'UNSUPPORTED', reason: 'Not asked for here.' };
  const found = [...netdevs.values()].filter(({ pf, vf }) => pf === selector.pf && vf === selector.vf);
  const [first] = found;
  if (first === undefined) return { kind: 'missing', code: 'HOST_VF_ABSENT', reason: 'The host has no such function.' };
  if (found.length === 1) return { kind: 'found', netdev: first };
  return { kind: 'ambiguous', names: found.map(({ name }) => name).sort(), reason: 'More than one device.' };
};

export interface WorldParts {
  readonly bridges?: readonly ObservedBridge[];
  readonly ports?: readonly ObservedPort[];
  readonly qos?: readonly ObservedQos[];
  readonly netdevs?: readonly Netdev[];
  /** external_ids of the root row. */
  readonly rootIds?: Readonly<Record<string, string>>;
  /** Bridges that answer; all of them, where it is not said. */
  readonly answering?: readonly string[];
}

/** `br-int`, and the representors of VF 0 to 5 of PF 0, where nothing else is said. */
export function worldOf(parts: WorldParts = {}): AttachObserved {
  const bridges = parts.bridges ?? [bridgeRow('br-int')];
  const netdevs = parts.netdevs ?? [0, 1, 2, 3, 4, 5].map((vf) => vfOf(vf));
  return {
    root: rootRow({ externalIds: mapOf(parts.rootIds ?? {}) }),
    bridges: new Map(bridges.map((row) => [row.name, row])),
    ports: new Map((parts.ports ?? []).map((row) => [row.name, row])),
    qos: new Map((parts.qos ?? []).map((row) => [row.uuid, row])),
    netdevs: new Map(netdevs.map((entry) => [entry.name, entry])),
    liveness: {
      answering: new Set(parts.answering ?? bridges.map(({ name }) => name)),
      silent: new Set(),
      denied: new Set(),
    },
  };
}

export function inputOf(
  pods: readonly PodView[],
  observed: AttachObserved,
  fields: Partial<Omit<AttachInput, 'pods' | 'observed'>> = {},
): AttachInput {
  return {
    pods: new Map(pods.map((pod) => [pod.uid, pod])),
    deleted: new Set(),
    observed,
    find: findVf,
    findNetwork: (namespace, name) => ({ networkName: `${namespace}.${name}`, mtu: undefined }),
    settings: settingsOf(),
    declared: nothingDeclared,
    management: new Set(),
    holders: new Map(),
    ripe: new Set(),
    fresh: new Set(),
    held: new Set(),
    quarantined: new Map(),
    ...fields,
  };
}

export function identityOf(name: string, fields: Partial<AttachIdentity> = {}): AttachIdentity {
  const nadKey = fields.nadKey ?? 'default';
  return { ifaceId: ifaceId(nadKey, 'ns', name), uid: `u-${name}`, sandboxId: 's1', nadKey, ...fields };
}

/** external_ids that tell an attachment. */
export function identityIds(identity: AttachIdentity): Readonly<Record<string, string>> {
  const { ifaceId: id, uid, sandboxId, nadKey } = identity;
  const nad = nadKey === 'default' ? {} : { 'k8s.ovn.org/nad': nadKey };
  return { 'iface-id': id, 'iface-id-ver': uid, sandbox: sandboxId, ...nad };
}

export interface PodPortParts {
  readonly port?: Partial<ObservedPort>;
  readonly main?: Partial<ObservedInterface>;
  /** Of both rows; undefined: none. */
  readonly owner?: string | undefined;
}

/** A pod's port as this agent or, with another owner, somebody else has made it. */
export function podPort(name: string, identity: AttachIdentity, parts: PodPortParts = {}): ObservedPort {
  const owner = 'owner' in parts ? parts.owner : mark;
  const ids: StringMap = mapOf(owner === undefined ? {} : { [ownerKey]: owner });
  const main = { type: '', externalIds: new Map([...ids, ...Object.entries(identityIds(identity))]), ...parts.main };
  return portRow(name, 'br-int', { externalIds: ids, ...parts.port }, main);
}

/** The verdict on the network of the pod. */
export function verdictOf(plan: AttachPlan, pod: string, nadKey = 'default'): AttachmentVerdict {
  const found = plan.verdicts.filter((entry) => entry.pod.name === pod && entry.nadKey === nadKey);
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${found.length} verdicts on ${pod} ${nadKey}`);
  return first;
}

/** `attach pf0vf1`, for a glance. */
export function actionNames(plan: AttachPlan): readonly string[] {
  return plan.actions.map((action) => `${action.kind} ${action.kind === 'dropQos' ? action.uuid : action.port}`);
}
