/** Finds a pod by the name that a person wrote, and pods that the person may have meant. Pure. */

import { AgentError } from '../lib/errors.js';
import { isSimilar } from '../lib/similar.js';
import { safeText } from '../lib/text.js';
import type { PodFacts } from './attachment-view.js';

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** Pods that are suggested at most. */
const similarCountMax = 100;

/** Pods of the node whose name is the same or near. */
export function similarPods({ namespace, name }: PodName, pods: readonly PodFacts[]): readonly string[] {
  return pods
    .filter((pod) => pod.name === name || (pod.namespace === namespace && isSimilar(name, pod.name)))
    .slice(0, similarCountMax)
    .map((pod) => `${pod.namespace}/${pod.name}`)
    .sort();
}

/** A name stands for one pod at a time; while it is made anew, the one that is going is still listed. */
export function findPod({ namespace, name }: PodName, pods: readonly PodFacts[]): PodFacts | undefined {
  const found = pods.filter((pod) => pod.namespace === namespace && pod.name === name);
  return found.find(({ isDeleting, isTerminal }) => !isDeleting && !isTerminal) ?? found[0];
}

/** @throws AgentError NOT_FOUND when the pod has no such network */
export function requireNetwork(network: string | undefined, facts: PodFacts | undefined): void {
  if (network === undefined || facts === undefined) return;
  const known = [...new Set([...facts.attachments.map(({ nadKey }) => nadKey), ...facts.addressed])].sort();
  if (known.includes(network) || known.length === 0) return;
  throw new AgentError('NOT_FOUND', `the pod has no network "${safeText(network)}"`, {
    remedy: `It has: ${known.map((nadKey) => safeText(nadKey, 512)).join(', ')}.`,
  });
}

/** The networks of pods that are plugged by a device, or want to be. */
export function networksOn(
  device: string,
  pods: readonly PodFacts[],
): readonly (PodName & { readonly network: string })[] {
  return pods.flatMap(({ namespace, name, attachments }) =>
    attachments.filter((view) => view.device === device).map(({ nadKey: network }) => ({ namespace, name, network })),
  );
}
