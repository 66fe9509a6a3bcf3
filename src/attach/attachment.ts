/**
 * One network of one pod, as the planner of attachments sees it: what the pod asks for, what it may have, and what is said
 * of it. Types and small constructors.
 */

import { safeText } from '../lib/text.js';
import type { ConditionState } from '../model/condition.js';
import type { Netdev } from '../model/netdev.js';
import type { StringMap } from '../model/ownership.js';
import type { PodView } from '../model/pod.js';
import type { Reason } from '../model/reasons.js';

/** What is said of an attachment, before anybody counts how long it has lasted. */
export interface Verdict {
  readonly state: ConditionState;
  readonly reason: Reason;
  /** For the operator: names what is in the way. */
  readonly message: string;
  /** For the tenant: generic, without names of others or of this machine. Undefined when ready. */
  readonly publicReason: string | undefined;
  /** Nothing that the agent waits for can mend it: the host's CNI is told at once. */
  readonly isFinal: boolean;
}

/** Names of what makes two attachments the same; another value of any means that it was made anew. */
export interface AttachIdentity {
  readonly ifaceId: string;
  readonly uid: string;
  readonly sandboxId: string;
  readonly nadKey: string;
}

/** What a pod asks for, once its texts have been understood. */
export interface AttachRequest {
  /** `<pod uid>|<nadKey>` */
  readonly key: string;
  readonly pod: PodView;
  readonly nadKey: string;
  readonly pf: number;
  readonly vf: number;
  readonly identity: AttachIdentity;
}

/** A request with everything that its rows need. */
export interface WantedAttachment {
  readonly request: AttachRequest;
  readonly netdev: Netdev;
  /** OVS interface type. */
  readonly type: string;
  /** Bytes; undefined: left alone. */
  readonly mtu: number | undefined;
  readonly mac: string;
  /** Keys of Interface.external_ids. */
  readonly externalIds: StringMap;
  readonly policing: { readonly rateKbps: number; readonly burstKb: number };
  /** bit/s to the pod; undefined: unlimited. */
  readonly maxRateBps: number | undefined;
}

/** What the planner says of one network of one pod. */
export interface AttachmentVerdict {
  readonly key: string;
  readonly pod: PodView;
  readonly nadKey: string;
  readonly verdict: Verdict;
  /** Undefined while the details cannot be used. */
  readonly request: AttachRequest | undefined;
  /** Name of the representor, once it has been found. */
  readonly device: string | undefined;
  /** Key of the attachment that holds the representor, when it is another. */
  readonly heldBy: string | undefined;
  /** A row of this very identity is in the database. */
  readonly isPlugged: boolean;
  /** What was seen, by name. */
  readonly evidence: Readonly<Record<string, string>>;
}

/** The key of an attachment. */
export function attachmentKey(uid: string, nadKey: string): string {
  return `${uid}|${nadKey}`;
}

/** `ns/pod` and, but for the default network, its nadKey; safe to print. */
export function attachmentLabel({ namespace, name }: Pick<PodView, 'namespace' | 'name'>, nadKey: string): string {
  const pod = `${safeText(namespace, 63)}/${safeText(name, 253)}`;
  return nadKey === 'default' ? pod : `${pod} network ${safeText(nadKey)}`;
}

export const readyVerdict: Verdict = {
  state: 'ready',
  reason: 'Ready',
  message: 'Attached, with all evidence seen.',
  publicReason: undefined,
  isFinal: false,
};

/** Something has to come by itself. */
export function waitingFor(reason: Reason, message: string, publicReason: string): Verdict {
  return { state: 'waiting', reason, message, publicReason, isFinal: false };
}

/** Something is wrong that may pass or be mended. */
export function failing(reason: Reason, message: string, publicReason: string): Verdict {
  return { state: 'failed', reason, message, publicReason, isFinal: false };
}

/** What is asked for is not granted. */
export function refusing(reason: Reason, message: string, publicReason: string): Verdict {
  return { state: 'failed', reason, message, publicReason, isFinal: true };
}
