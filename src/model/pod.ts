/**
 * A pod of the host cluster, as far as the agent looks at it. Everything in it was written by the host cluster and is
 * untrusted: texts are carried as they came, bounded in size, and parsed by `src/attach`. Types only.
 */

/** A text that was too long to be kept; only its size is known. */
export interface TooLong {
  readonly sizeBytes: number;
}

/** The text of an annotation as it came; undefined when the pod has none of that name. */
export type AnnotationText = string | TooLong | undefined;

/** The five annotations that the agent reads. */
export interface PodAnnotations {
  /** `k8s.ovn.org/dpu.connection-details` */
  readonly details: AnnotationText;
  /** `k8s.ovn.org/dpu.connection-status` */
  readonly status: AnnotationText;
  /** `k8s.ovn.org/pod-networks` */
  readonly networks: AnnotationText;
  /** `kubernetes.io/ingress-bandwidth` */
  readonly ingressBandwidth: AnnotationText;
  /** `kubernetes.io/egress-bandwidth` */
  readonly egressBandwidth: AnnotationText;
}

/** One incarnation of a pod. Immutable: another object stands for another reading. */
export interface PodView {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly nodeName: string;
  /** Opaque; another value means that the pod was written since. */
  readonly resourceVersion: string;
  /** Milliseconds since 1970 UTC; 0 when the server said nothing usable. */
  readonly createdMs: number;
  readonly isHostNetwork: boolean;
  /** Phase Succeeded or Failed: it runs no more and never will again. */
  readonly isTerminal: boolean;
  /** It is being deleted (deletionTimestamp is set). */
  readonly isDeleting: boolean;
  /** The extended resources that its containers ask for, by name, and how many of each. */
  readonly resources: ReadonlyMap<string, number>;
  /** Whether it has any annotation at all: a patch must make the map first where it has none. */
  readonly hasAnnotations: boolean;
  readonly annotations: PodAnnotations;
}

/** A pod by name, for a person. */
export interface PodRef {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}
