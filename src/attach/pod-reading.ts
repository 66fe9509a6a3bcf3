/** What the annotations of a pod say, all read at once and kept with the pod: a pod that did not change is not parsed again. */

import type { PodView } from '../model/pod.js';
import { parseBandwidth, type Bandwidth } from './bandwidth.js';
import { parseConnectionDetails, type DetailsReading } from './connection-details.js';
import { parseConnectionStatus, type StatusReading } from './connection-status.js';
import { parsePodNetworks, type PodNetworksReading } from './pod-networks.js';

export interface PodReading {
  readonly pod: PodView;
  readonly details: DetailsReading;
  readonly networks: PodNetworksReading;
  readonly status: StatusReading;
  readonly bandwidth: Bandwidth;
}

const known = new WeakMap<PodView, PodReading>();

/** Reads the pod's annotations. Never throws, whatever they hold. */
export function readPod(pod: PodView): PodReading {
  const seen = known.get(pod);
  if (seen !== undefined) return seen;
  const { details, networks, status } = pod.annotations;
  const reading: PodReading = {
    pod,
    details: parseConnectionDetails(details),
    networks: parsePodNetworks(networks),
    status: parseConnectionStatus(status),
    bandwidth: parseBandwidth(pod.annotations),
  };
  known.set(pod, reading);
  return reading;
}
