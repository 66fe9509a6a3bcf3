/** Pods as an API server writes them, and as the agent sees them. */

import { podViewOf } from '../../src/attach/pod-view.js';
import type { PodView } from '../../src/model/pod.js';

export interface PodParts {
  readonly uid?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly nodeName?: string;
  readonly resourceVersion?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function podObject(parts: PodParts = {}): Readonly<Record<string, unknown>> {
  const { uid = 'uid-1', name = 'web-0', namespace = 'shop', nodeName = 'host-a', resourceVersion = '7' } = parts;
  const { annotations } = parts;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { uid, name, namespace, resourceVersion, ...(annotations === undefined ? {} : { annotations }) },
    spec: { nodeName, containers: [] },
    status: { phase: 'Pending' },
  };
}

export function podView(parts: PodParts = {}): PodView {
  const view = podViewOf(podObject(parts));
  if (view === undefined) throw new Error('a test made a pod that is none');
  return view;
}
