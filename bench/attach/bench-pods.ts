/** Pods as a cluster has them, and the annotations by which the two halves of ovn-kubernetes speak of their networks. */
import type { JsonObject } from '../../src/sandbox/cluster/json.js';
import { representorOf, type HostFunction } from '../../src/sandbox/lab/host-functions.js';
import {
  detailsAnnotation,
  networksAnnotation,
  podNetworkOf,
  type StandInNetwork,
} from '../../src/sandbox/lab/pod-networks.js';

export const nodeName = 'host-1';
export const namespace = 'bench';
const network: StandInNetwork = { nad: 'default', switchName: nodeName, prefix: '10.244' };

/** One pod of the bench and its function. */
export interface BenchPod {
  readonly name: string;
  readonly number: number;
  readonly one: HostFunction;
  readonly device: string;
}

export function benchPod(number: number): BenchPod {
  const one = functionOf(number);
  return { name: `pod-${number}`, number, one, device: representorOf(one) };
}

/** VF 0 is the gateway's, and 999 the last that a pod may name: 500 of each PF. */
export const functionOf = (number: number): HostFunction => ({
  pf: Math.floor((number - 1) / 500),
  vf: ((number - 1) % 500) + 1,
});

/** A pod of ordinary size: two containers with environment, probes, mounts. About 4 KB of JSON. */
export function podObject({ name }: BenchPod): JsonObject {
  const env = Array.from({ length: 12 }, (_unused, index) => ({
    name: `SETTING_${index}`,
    value: `value-${index}-of-it`,
  }));
  const mounts = [
    { name: 'config', mountPath: '/etc/app' },
    { name: 'kube-api-access', mountPath: '/var/run/secrets' },
  ];
  const probe = { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 10, failureThreshold: 3 };
  const container = (index: number): JsonObject => ({
    name: `app-${index}`,
    image: `registry.example.com/team/app-${index}@sha256:${'0123456789abcdef'.repeat(4)}`,
    command: ['/usr/bin/app', '--listen=:8080', '--config=/etc/app/config.yaml'],
    env,
    volumeMounts: mounts,
    livenessProbe: probe,
    readinessProbe: probe,
    resources: {
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { memory: '256Mi', 'nvidia.com/bf3_p0_vfs': '1' },
    },
  });
  return {
    metadata: {
      namespace,
      name,
      labels: { app: 'bench', 'pod-template-hash': '7d9c8b6f5d', 'app.kubernetes.io/part-of': 'bench' },
      annotations: {
        'openshift.io/scc': 'restricted-v2',
        'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default',
      },
    },
    spec: {
      nodeName,
      containers: [container(0), container(1)],
      volumes: [{ name: 'config', configMap: { name: 'c' } }],
    },
  };
}

/** What the host's halves write for a pod that is to be attached. */
export function attachAnnotations({ one, number }: BenchPod, sandbox: string): Readonly<Record<string, string>> {
  const details = {
    pfId: String(one.pf),
    vfId: String(one.vf),
    sandboxId: sandbox,
    vfNetdevName: `vf${one.pf}-${one.vf}`,
  };
  return {
    [detailsAnnotation]: JSON.stringify({ default: details }),
    [networksAnnotation]: JSON.stringify({ default: podNetworkOf(network, number + 10) }),
  };
}

/** Null removes the key: what the CNI's DEL leaves. */
export const detachAnnotations: Readonly<Record<string, null>> = { [detailsAnnotation]: null };

export const addressesOf = ({ number }: BenchPod): { readonly mac: string; readonly ip: string } => {
  const { mac_address: mac, ip_addresses: ips } = podNetworkOf(network, number + 10);
  return { mac, ip: ips[0] ?? '' };
};
