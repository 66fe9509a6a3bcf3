/**
 * What the planner of attachments is given, what it gives, and the plan in the making that its parts fill. Decides nothing.
 */

import { isDeclared, type DeclaredDevices } from '../intent/declared.js';
import type { FindNetdev } from '../intent/resolve.js';
import { objectKey, type ObjectRef } from '../model/condition.js';
import type { LinkChange, NetdevMap } from '../model/netdev.js';
import type { ObservedBridge, ObservedPort, ObservedQos, ObservedRoot, SwitchLiveness } from '../model/observed.js';
import type { PodView } from '../model/pod.js';
import type { Candidate, RemovalCause } from '../plan/action.js';
import type { AttachAction } from './attach-action.js';
import type { AttachSettings } from './attach-settings.js';
import {
  attachmentKey,
  type AttachIdentity,
  type AttachmentVerdict,
  type AttachRequest,
  type Verdict,
} from './attachment.js';
import { defaultNadKey, ifaceId } from './nad-key.js';
import type { Grant } from './grant.js';
import { attachmentEvidence } from './judge-attachment.js';
import type { NetworkLookup } from './network-lookup.js';
import type { PodReading } from './pod-reading.js';
import { pluggedPort, standsFor, type PluggedPort } from './row-identity.js';

export interface AttachObserved {
  readonly root: ObservedRoot;
  readonly bridges: ReadonlyMap<string, ObservedBridge>;
  readonly ports: ReadonlyMap<string, ObservedPort>;
  readonly qos: ReadonlyMap<string, ObservedQos>;
  readonly netdevs: NetdevMap;
  readonly liveness: SwitchLiveness;
}

export interface AttachInput {
  /** By uid. */
  readonly pods: ReadonlyMap<string, PodView>;
  /** Uids that are certainly gone. */
  readonly deleted: ReadonlySet<string>;
  readonly observed: AttachObserved;
  readonly find: FindNetdev;
  readonly findNetwork: NetworkLookup;
  readonly settings: AttachSettings;
  /** The devices that declared ports use or will use. */
  readonly declared: DeclaredDevices;
  /** Functions that were ever seen to carry a management port (`functionKeyOf`). */
  readonly management: ReadonlySet<string>;
  /** Device to the attachment that held it at the last look: it keeps its claim while its device is away. */
  readonly holders: ReadonlyMap<string, string>;
  /** Keys of candidates that have been seen long enough. */
  readonly ripe: ReadonlySet<string>;
  /** Ports that got their numbers so lately that the devices may have been read before that. */
  readonly fresh: ReadonlySet<string>;
  /** Ports that must not be made now: Open vSwitch has yet to apply their removal. */
  readonly held: ReadonlySet<string>;
  /** Ports whose last change the database refused, by object key, with its words. */
  readonly quarantined: ReadonlyMap<string, string>;
}

export interface AttachPlan {
  /** Removals first, so that a name or an address is free before somebody else takes it in the same transaction. */
  readonly actions: readonly AttachAction[];
  /** To be carried out before the actions. */
  readonly linksDown: readonly LinkChange[];
  /** For ports that are there. */
  readonly linksUp: readonly LinkChange[];
  readonly candidates: readonly Candidate[];
  /** Device to the attachment that holds it now. */
  readonly holders: ReadonlyMap<string, string>;
  readonly verdicts: readonly AttachmentVerdict[];
}

export interface Builder {
  readonly input: AttachInput;
  readonly removals: AttachAction[];
  readonly changes: AttachAction[];
  readonly linksDown: LinkChange[];
  readonly linksUp: LinkChange[];
  readonly candidates: Candidate[];
  readonly verdicts: AttachmentVerdict[];
  /** The pods that are there, by uid, in the order of their uids. */
  readonly pods: ReadonlyMap<string, PodView>;
  /** The same by `<namespace>_<name>`, which begins no other pod's name: neither part can hold the underscore. */
  readonly podsByName: ReadonlyMap<string, PodView>;
  /** Pods' ports by device, whoever made them, in the order of the names. */
  readonly plugged: ReadonlyMap<string, PluggedPort>;
  /** The same by key of the attachment. */
  readonly pluggedByKey: ReadonlyMap<string, PluggedPort>;
  /** Device to key. */
  winners: ReadonlyMap<string, string>;
}

/** One usable request and the device it was granted, or why not. */
export interface Applicant {
  readonly reading: PodReading;
  readonly request: AttachRequest;
  readonly grant: Grant;
}

export const portObject = (name: string): ObjectRef => ({ kind: 'port', name });

/** Of two pods of one name only one is there, whatever a list says; the later one. */
function isLater(pod: PodView, other: PodView): boolean {
  return pod.createdMs === other.createdMs ? pod.uid > other.uid : pod.createdMs > other.createdMs;
}

/** By code units: the same order everywhere. */
export const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function podsByName({ pods, deleted }: AttachInput): ReadonlyMap<string, PodView> {
  const byName = new Map<string, PodView>();
  for (const pod of pods.values()) {
    if (deleted.has(pod.uid)) continue;
    const name = `${pod.namespace}_${pod.name}`;
    const other = byName.get(name);
    if (other === undefined || isLater(pod, other)) byName.set(name, pod);
  }
  return byName;
}

function pluggedPorts({ observed, settings }: AttachInput): ReadonlyMap<string, PluggedPort> {
  const plugged: [string, PluggedPort][] = [];
  for (const port of observed.ports.values()) {
    const found = pluggedPort(port, settings.mark);
    if (found !== undefined) plugged.push([port.name, found]);
  }
  return new Map(plugged.sort(([a], [b]) => compareTexts(a, b)));
}

/** An empty plan, with what is looked up in it. */
export function newBuilder(input: AttachInput): Builder {
  const byName = podsByName(input);
  const pods = [...byName.values()].sort((a, b) => compareTexts(a.uid, b.uid));
  const plugged = pluggedPorts(input);
  return {
    input,
    removals: [],
    changes: [],
    linksDown: [],
    linksUp: [],
    candidates: [],
    verdicts: [],
    pods: new Map(pods.map((pod) => [pod.uid, pod])),
    podsByName: byName,
    plugged,
    pluggedByKey: new Map([...plugged.values()].map((present) => [present.key, present])),
    winners: new Map(),
  };
}

type Facts = Partial<Pick<AttachmentVerdict, 'request' | 'device' | 'heldBy' | 'evidence'>>;

/** Notes what is said of one network of a pod, with what is seen of its port where there is one. */
export function say(builder: Builder, pod: PodView, nadKey: string, verdict: Verdict, facts: Facts = {}): void {
  const { request, device, heldBy } = facts;
  const key = attachmentKey(pod.uid, nadKey);
  const present = builder.pluggedByKey.get(key);
  const isPlugged = present !== undefined && (request === undefined || standsFor(present, request.identity));
  const seen = isPlugged ? attachmentEvidence(present.main, builder.input.observed.netdevs.get(present.port.name)) : {};
  const evidence = { ...seen, ...facts.evidence };
  builder.verdicts.push({ key, pod, nadKey, verdict, request, device, heldBy, isPlugged, evidence });
}

/**
 * Whether the pod of the port is certainly gone: its deletion was seen, or another one has its name now, which Kubernetes
 * gives to one pod at a time.
 */
export function isPodGone({ input, podsByName }: Builder, { identity }: PluggedPort): boolean {
  if (input.deleted.has(identity.uid)) return true;
  const name = podNameOf(identity);
  const namesake = name === undefined ? undefined : podsByName.get(name);
  return namesake !== undefined && namesake.uid !== identity.uid;
}

/** Whether a declared port uses the device, as far as anybody can tell while it is away. */
export function isDeclaredDevice({ input: { declared, observed } }: Builder, device: string): boolean {
  const netdev = observed.netdevs.get(device);
  return netdev === undefined ? declared.names.has(device) : isDeclared(declared, netdev);
}

/** `<namespace>_<name>` of the pod that has such an iface-id, or undefined when it is none. */
function podNameOf(identity: AttachIdentity): string | undefined {
  if (identity.nadKey === defaultNadKey) return identity.ifaceId;
  // What comes before the two names that are empty here, and the blank between them.
  const prefix = ifaceId(identity.nadKey, '', '').slice(0, -1);
  return identity.ifaceId.startsWith(prefix) ? identity.ifaceId.slice(prefix.length) : undefined;
}

/** The key of a candidate for removal. */
export function candidateKey(port: string, cause: RemovalCause): string {
  return `${cause} ${objectKey(portObject(port))}`;
}

/** Notes a removal that is not made at first sight; true when it has been seen long enough. */
export function noteCandidate({ candidates, input }: Builder, { port }: PluggedPort, cause: RemovalCause): boolean {
  const key = candidateKey(port.name, cause);
  candidates.push({ key, object: portObject(port.name), cause });
  return input.ripe.has(key);
}
