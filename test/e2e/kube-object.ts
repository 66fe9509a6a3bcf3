/** Kubernetes objects as the end-to-end tests write and read them, and the pods that they make. Types and pure functions. */

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly ownerReferences?: readonly Readonly<Record<string, unknown>>[];
}

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

export interface KubeList {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubeObject[];
}

/** A Status object: how servers refuse. */
export interface KubeStatus {
  readonly kind: 'Status';
  readonly status: string;
  readonly code: number;
  readonly reason?: string;
  readonly message?: string;
}

/** Label of everything that the tests make; its value names the run. */
export const runLabel = 'dpu-node-agent.e2e/run';

export const annotation = {
  details: 'k8s.ovn.org/dpu.connection-details',
  status: 'k8s.ovn.org/dpu.connection-status',
  networks: 'k8s.ovn.org/pod-networks',
} as const;

/**
 * PF of the functions that the tests use. No simulated or real DPU has so many: the agent changes links by name, and the
 * machine that the tests run on may have functions of its own.
 */
export const testPf = 15;

/** Name of the representor of one of these functions, as the simulator names it. */
export const representor = (vf: number): string => `rep${testPf}-${vf}`;

/** A sandbox id as container runtimes make them: 64 hexadecimal digits. */
export const sandboxOf = (seed: number): string => seed.toString(16).padStart(64, '5');

/** MAC and address that the network gives to the pod with this function. */
export const macOf = (vf: number): string => `0a:58:0a:80:00:${vf.toString(16).padStart(2, '0')}`;
export const addressOf = (vf: number): string => `10.128.0.${vf}/14`;

/** Connection details as the host half of ovn-kubernetes writes them. */
export function detailsOf(vf: number, sandboxId = sandboxOf(vf)): Readonly<Record<string, string>> {
  return { pfId: String(testPf), vfId: String(vf), sandboxId, vfNetdevName: `eth${testPf}-${vf}` };
}

/** The addresses of one network, as ovnkube-controller writes them. */
export function networkOf(vf: number, role: 'primary' | 'secondary' = 'primary'): Readonly<Record<string, unknown>> {
  const [address, mac] = [addressOf(vf), macOf(vf)];
  return { ip_addresses: [address], mac_address: mac, gateway_ips: ['10.128.0.1'], ip_address: address, role };
}

/** Both annotations of a pod whose default network is plugged by this function. */
export function attachAnnotations(vf: number, sandboxId = sandboxOf(vf)): Record<string, string> {
  return {
    [annotation.details]: JSON.stringify({ default: detailsOf(vf, sandboxId) }),
    [annotation.networks]: JSON.stringify({ default: networkOf(vf) }),
  };
}

export interface PodOptions {
  readonly namespace: string;
  /** Empty: no node; nor does any scheduler look at the pod. */
  readonly node: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * A pod that no kubelet runs: its node is only an object. It fits the restricted Pod Security Standard, tolerates every
 * taint (nobody evicts it for a node that never reports), and names a service account of the tests' own.
 */
export function podObject(name: string, { namespace, node, annotations, labels }: PodOptions): KubeObject {
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: {
      ...(node === '' ? { schedulerName: 'nobody' } : { nodeName: node }),
      serviceAccountName: podAccount,
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      tolerations: [{ operator: 'Exists' }],
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [{ name: 'none', image: 'registry.k8s.io/pause:3.9', securityContext }],
    },
  };
}

/** Service account of the pods. */
export const podAccount = 'dpu-e2e-pods';
