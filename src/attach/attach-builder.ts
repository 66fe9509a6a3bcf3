/**
 * What the planner of attachments is given, what it gives, and the plan in the making that its parts fill. Decides nothing.
 */

import type { FindNetdev } from '../intent/resolve.js';
import { objectKey, type ObjectRef } from '../model/condition.js';
import type { LinkChange, NetdevMap } from '../model/netdev.js';
import type { ObservedBridge, ObservedPort, ObservedQos, ObservedRoot, SwitchLiveness } from '../model/observed.js';
import type { PodView } from '../model/pod.js';
import type { Candidate, RemovalCause } from '../plan/action.js';
import type { AttachAction } from './attach-action.js';
import type { AttachSettings } from './attach-settings.js';
import { attachmentKey, type AttachmentVerdict, type AttachRequest, type Verdict } from './attachment.js';
import type { Grant } from './grant.js';
import type { NetworkLookup } from './network-lookup.js';
import type { PodReading } from './pod-reading.js';
import { pluggedPort, type PluggedPort } from './row-identity.js';

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
  /** Names of devices that declared ports use. */
  readonly declaredDevices: ReadonlySet<string>;
  /** Device to the attachment that held it at the last look: it keeps its claim while its device is away. */
  readonly holders: ReadonlyMap<string, string>;
  /** Keys of candidates that have been seen long enough. */
  readonly ripe: ReadonlySet<string>;
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
  /** Pods' ports by device, whoever made them. */
  readonly plugged: ReadonlyMap<string, PluggedPort>;
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

export function pluggedPorts({ observed, settings }: AttachInput): ReadonlyMap<string, PluggedPort> {
  const plugged = new Map<string, PluggedPort>();
  for (const port of observed.ports.values()) {
    const found = pluggedPort(port, settings.mark);
    if (found !== undefined) plugged.set(port.name, found);
  }
  return plugged;
}

export function say(
  builder: Builder,
  pod: PodView,
  nadKey: string,
  verdict: Verdict,
  facts: Partial<Pick<AttachmentVerdict, 'request' | 'device' | 'heldBy' | 'isPlugged' | 'evidence'>> = {},
): void {
  builder.verdicts.push({
    key: attachmentKey(pod.uid, nadKey),
    pod,
    nadKey,
    verdict,
    request: facts.request,
    device: facts.device,
    heldBy: facts.heldBy,
    isPlugged: facts.isPlugged ?? false,
    evidence: facts.evidence ?? {},
  });
}

/** Notes a removal that is not made at first sight; true when it has been seen long enough. */
export function noteCandidate({ candidates, input }: Builder, { port }: PluggedPort, cause: RemovalCause): boolean {
  const object = portObject(port.name);
  const key = `${cause} ${objectKey(object)}`;
  candidates.push({ key, object, cause });
  return input.ripe.has(key);
}
