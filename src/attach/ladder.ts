/**
 * The ladder that `why` climbs from a pod to its packets: its rungs in order, and what is said of each. Types, and the list of
 * the rungs; a further rung is one more name here and one more look in `rung-looks.ts`.
 */

import type { Reason } from '../model/reasons.js';
import type { PodFacts } from './attachment-view.js';

/** Every rung with the word that a person reads, in the order in which they are climbed. */
export const rungTitles = {
  pod: 'pod',
  node: 'node',
  details: 'annotation',
  claim: 'claim',
  representor: 'representor',
  network: 'network',
  lease: 'may plug',
  port: 'OVS port',
  ofport: 'ofport',
  link: 'link',
  ifaceId: 'identity',
  ovn: 'OVN',
  flows: 'flows',
  status: 'status',
  offload: 'offloaded?',
  whyNot: 'why not',
} as const;

export type RungName = keyof typeof rungTitles;

export const rungNames = Object.keys(rungTitles) as readonly RungName[];

/**
 * `unknown`: nothing was seen either way. `skipped`: it stands on one that is broken, so nobody looked. `advisory`: the pod has
 * its network, and something could be better; it makes no pod unready.
 */
export type RungState = 'ok' | 'broken' | 'unknown' | 'skipped' | 'advisory';

/** Why a rung is broken or could be better, and what a person can do. */
export interface Diagnosis {
  /** Undefined where no condition says it: it was found by `why` itself. */
  readonly reason: Reason | undefined;
  /** Nobody has to act yet: what is missing may come by itself. */
  readonly isWaiting: boolean;
  /** One sentence, with the names and values that matter. */
  readonly cause: string;
  readonly remedy: string;
  /** To look or to mend; every name in it is quoted for a shell. */
  readonly command: string;
}

/** What is said of one rung. */
export interface RungLook {
  readonly state: RungState;
  /** What was seen, in a few words, safe to print. */
  readonly seen: string;
  /** The same by name. */
  readonly values: Readonly<Record<string, string>>;
  /** Milliseconds since 1970 UTC at which that was seen, or since which it is so; undefined when nobody looked. */
  readonly wallMs: number | undefined;
  /** `seen`: it was looked at then. `since`: it has been so since then. */
  readonly when: 'seen' | 'since';
  readonly diagnosis: Diagnosis | undefined;
}

export interface Rung extends RungLook {
  readonly name: RungName;
  /** How long ago `wallMs` was, for a person. */
  readonly age: string | undefined;
}

/** `nothing`: there is nothing to attach. `unknown`: nothing is broken, and the agent does not say that it is ready. */
export type LadderVerdict = 'ready' | 'waiting' | 'failed' | 'nothing' | 'unknown';

/** The ladder of one network of a pod. */
export interface Ladder {
  /** Undefined while there is no network to speak of. */
  readonly nadKey: string | undefined;
  readonly verdict: LadderVerdict;
  readonly rungs: readonly Rung[];
  /** What is worth knowing besides, one sentence each. */
  readonly notes: readonly string[];
}

/** Everything about one pod. */
export interface Explanation {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | undefined;
  /** The node whose pods the agent looks at. */
  readonly nodeName: string | undefined;
  /** Nothing is broken. */
  readonly isOk: boolean;
  readonly ladders: readonly Ladder[];
  /** About the agent and its peers, one sentence each. */
  readonly notes: readonly string[];
}

/** How the API server of the host cluster is reached. */
export type ClusterSummary =
  | { readonly kind: 'synced'; readonly server: string }
  | { readonly kind: 'stale'; readonly server: string; readonly sinceWallMs: number; readonly message: string }
  | { readonly kind: 'connecting'; readonly server: string; readonly message: string };

export type LeaseSummary =
  | { readonly kind: 'disabled' }
  | { readonly kind: 'unknown'; readonly message: string }
  | { readonly kind: 'held'; readonly renewedWallMs: number | undefined; readonly message: string | undefined }
  | { readonly kind: 'foreign'; readonly holder: string; readonly seenWallMs: number };

/** What the loop of the pods says of itself, as far as a ladder needs it. */
export interface AttachSummary {
  /** Milliseconds since 1970 UTC of its last look. */
  readonly wallMs: number;
  /** `on`: what differs is repaired; else why nothing is written. */
  readonly mode: 'on' | 'observe' | 'bootGrace' | 'standby' | 'leaseForeign' | 'leaseUnknown' | 'blind';
  readonly cluster: ClusterSummary;
  readonly nodeName: string | undefined;
  readonly lease: LeaseSummary;
  /** How far the API server's clock is ahead of this machine's, ms. */
  readonly clockSkewMs: number | undefined;
  readonly statuses: { readonly lastError: string | undefined };
  /** The bridge that pods are plugged into. */
  readonly bridge: string;
}

/** The flows of a bridge that name a port's number, as the switch was asked just now. */
export type FlowCount =
  | {
      readonly kind: 'counted';
      /** Flows that take packets from the port. */
      readonly taking: number;
      /** Flows that send packets out of it. */
      readonly sending: number;
      /** Milliseconds since 1970 UTC. */
      readonly wallMs: number;
    }
  | { readonly kind: 'notAsked'; readonly message: string };

/** What is known of where the packets of a network are processed. Texts are safe to print. */
export interface OffloadLook {
  readonly verdict: 'unknown' | 'software' | 'hardware' | 'partial';
  /** Stable code of the verdict. */
  readonly reason: string;
  /** One sentence, with the numbers that the verdict rests on. */
  readonly message: string;
  /** Packets of hardware by all that count, 0 to 1; undefined: not known. */
  readonly hardwareShare: number | undefined;
  /** Why packets are in software, as far as flows were looked at; undefined: no flow of it was seen in software. */
  readonly why:
    | {
        /** Stable code of the reason that has most packets. */
        readonly reason: string;
        readonly meaning: string;
        readonly remedy: string;
      }
    | undefined;
  /** Every flow that was seen in software is there by design or by configuration. */
  readonly isExpected: boolean;
}

export interface ExplainInput {
  readonly namespace: string;
  readonly name: string;
  /** Undefined: the agent does not know the pod. */
  readonly facts: PodFacts | undefined;
  readonly attach: AttachSummary;
  readonly nowWallMs: number;
  /** Only this network; undefined: all. */
  readonly network?: string | undefined;
  /** By representor. */
  readonly flows?: ReadonlyMap<string, FlowCount> | undefined;
  /** By network. What is absent was not asked for, or nobody can say. */
  readonly offload?: ReadonlyMap<string, OffloadLook> | undefined;
  /** Pods that the person may have meant, `ns/pod`. */
  readonly similar?: readonly string[] | undefined;
  /** Directory of Open vSwitch's sockets. */
  readonly ovsRunDir: string;
}
