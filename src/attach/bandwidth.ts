/**
 * Reads the two bandwidth annotations of a pod, and turns them into what Open vSwitch enforces: policing of what comes from
 * the pod, shaping of what goes to it. The planner writes it to the rows of every network of the pod.
 */

import { safeText } from '../lib/text.js';
import type { AnnotationText, PodAnnotations } from '../model/pod.js';
import { parseQuantity } from './quantity.js';

export interface Bandwidth {
  /** Of the traffic to the pod, bit/s, 1000…10^15; undefined: unlimited, or the annotation is wrong. */
  readonly ingressBps: number | undefined;
  /** Of the traffic from the pod, bit/s, 1000…10^15; undefined: unlimited, or the annotation is wrong. */
  readonly egressBps: number | undefined;
  /** A sentence for each annotation that cannot be used, safe to print. */
  readonly problems: readonly string[];
}

/** Columns of an Interface row. Both 0: unlimited. */
export interface Policing {
  /** `ingress_policing_rate`, kbit/s. */
  readonly rateKbps: number;
  /** `ingress_policing_burst`, kbit. */
  readonly burstKb: number;
}

/** The limits of Kubernetes' own bandwidth plugin, bit/s. */
const bpsMin = 1_000n;
const bpsMax = 1_000_000_000_000_000n;

/** The column is an integer of 64 bits, but vswitchd cuts both values to 32 bits. 4 Tbit/s is faster than any port. */
const policingMax = 0xffff_ffff;

/** Ethernet header, VLAN tag and checksum. */
const frameBytes = 22;

/** Reads `kubernetes.io/ingress-bandwidth` and `kubernetes.io/egress-bandwidth`, each by itself. */
export function parseBandwidth(annotations: PodAnnotations): Bandwidth {
  const ingress = readLimit('ingress-bandwidth', annotations.ingressBandwidth);
  const egress = readLimit('egress-bandwidth', annotations.egressBandwidth);
  const problems = [ingress.problem, egress.problem].filter((problem) => problem !== undefined);
  return { ingressBps: ingress.bps, egressBps: egress.bps, problems };
}

interface Limit {
  readonly bps?: number;
  readonly problem?: string;
}

function readLimit(name: string, text: AnnotationText): Limit {
  if (text === undefined) return {};
  const shown = typeof text === 'string' ? `"${safeText(text, 40)}"` : `a text of ${text.sizeBytes} bytes`;
  const bps = typeof text === 'string' ? parseQuantity(text) : undefined;
  if (bps === undefined) return { problem: `${name} is ${shown}, which is no quantity.` };
  if (bps < bpsMin) return { problem: `${name} is ${shown}; less than 1k is not taken.` };
  if (bps > bpsMax) return { problem: `${name} is ${shown}; more than 1P is not taken.` };
  return { bps: Number(bps) };
}

/**
 * How the traffic from the pod is policed: the rate of the annotation, and a tenth of it as burst, as ovn-kubernetes has it.
 *
 * Two values are mended. A burst of 0 would mean 8000 kbit to vswitchd, and a burst that is smaller than a frame would let no
 * full frame pass at all, ever (ovs-vswitchd.conf.db(5), ingress_policing_burst: at least the MTU). Always write both columns:
 * those of an unlimited pod must be 0, or a former limit would stay.
 *
 * @param egressBps bit/s; undefined: unlimited
 * @param mtuBytes of the pod's device
 */
export function policingOf(egressBps: number | undefined, mtuBytes = 1500): Policing {
  if (egressBps === undefined) return { rateKbps: 0, burstKb: 0 };
  const rateKbps = Math.min(policingMax, Math.max(1, Math.floor(egressBps / 1000)));
  const frameKb = Math.ceil(((mtuBytes + frameBytes) * 8) / 1000);
  return { rateKbps, burstKb: Math.max(frameKb, Math.floor(rateKbps / 10)) };
}

/** The value of `other_config:max-rate` in the QoS row that shapes the traffic to the pod. @param ingressBps bit/s */
export function maxRateOf(ingressBps: number): string {
  return String(ingressBps);
}
