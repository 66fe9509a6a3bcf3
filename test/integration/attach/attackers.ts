/** What tenants and other writers can do to a host cluster, and how the agent tells them no. Used by the tests of hazards. */

import type { RunningPod } from '../../../src/sandbox/lab/host-half.js';
import { detailsAnnotation, statusAnnotation } from '../../../src/sandbox/lab/pod-networks.js';
import { eventually, nodeName, type AttachRig } from './attach-rig.js';
import { podNamed, statusOf } from './world.js';

export interface Attacker {
  readonly name: string;
  readonly details?: string;
  readonly status?: string;
  readonly isHostNetwork?: boolean;
  /** Annotations beside those two. */
  readonly more?: Readonly<Record<string, string>>;
}

/** A pod as a tenant makes it, with annotations of its own in the manifest. */
export function attack({ cluster }: AttachRig, { name, details, status, isHostNetwork, more }: Attacker): void {
  const annotations = {
    ...more,
    ...(details === undefined ? {} : { [detailsAnnotation]: details }),
    ...(status === undefined ? {} : { [statusAnnotation]: status }),
  };
  cluster.direct.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', annotations },
    spec: { nodeName, hostNetwork: isHostNetwork ?? false, containers: [{ name: 'c', image: 'c' }] },
  });
}

/** Writes the details of a pod that is there, as the host's own token may. */
export function rewrite(
  { cluster }: AttachRig,
  name: string,
  annotations: Readonly<Record<string, string | null>>,
): void {
  const body = { metadata: { annotations } };
  const ref = { namespace: 'default', name, subresource: 'status' } as const;
  cluster.direct.patch('pods', ref, body, { contentType: 'application/merge-patch+json' });
}

export const claim = (vfId: string, sandboxId: string, pfId = '0'): string =>
  JSON.stringify({ default: { pfId, vfId, sandboxId } });

export const functionOf = ({ interfaces }: RunningPod): { pf: number; vf: number } =>
  interfaces[0]?.request.function ?? { pf: 0, vf: 0 };

/** Reasons of the Events about a pod. */
export const eventsOf = ({ cluster }: AttachRig, name: string): readonly string[] =>
  cluster.direct
    .list('events')
    .map((event) => event as unknown as { reason: string; involvedObject: { name: string } })
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ reason }) => reason);

/** Waits until the attacker has been told no, in the annotation and by an Event. */
export async function refused(rig: AttachRig, name: string, reason: string, nadKey = 'default'): Promise<string> {
  const status = await eventually(() => {
    const found = statusOf(podNamed(rig, name), nadKey);
    return found?.Status === 'Error' ? found : undefined;
  }, `an error for ${name}`);
  await eventually(() => eventsOf(rig, name).includes(reason), `an Event ${reason} about ${name}`);
  return status.Reason ?? '';
}
