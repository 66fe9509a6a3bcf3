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

/**
 * What Open vSwitch before 3.2 can hold: it cuts a rate in bytes/s to 32 bits, so that a limit of 35 Gbit/s would become one
 * of 0.6 Gbit/s (Open vSwitch, NEWS of v3.2.0, and lib/netdev-linux.c before it).
 */
const bpsMaxOld = 8 * 0xffff_ffff;

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
 * @param capBps what the switch can hold, `rateCapBps`
 */
export function policingOf(egressBps: number | undefined, mtuBytes = 1500, capBps = Infinity): Policing {
  if (egressBps === undefined) return { rateKbps: 0, burstKb: 0 };
  const rateKbps = Math.min(policingMax, Math.max(1, Math.floor(Math.min(egressBps, capBps) / 1000)));
  const frameKb = Math.ceil(((mtuBytes + frameBytes) * 8) / 1000);
  return { rateKbps, burstKb: Math.max(frameKb, Math.floor(rateKbps / 10)) };
}

/**
 * The highest rate that the switch enforces as it is written, bit/s. A limit above it is lowered to it: too little is kept
 * to, where nothing or a remainder would be enforced otherwise.
 * @param ovsVersion as Open vSwitch writes it; undefined: not known
 */
export function rateCapBps(ovsVersion: string | undefined): number {
  // Builds of others name at the end the version that they are based on.
  const [, major, minor] = /(?:^|-based-)(\d{1,4})\.(\d{1,4})(?!.*-based-)/.exec(ovsVersion ?? '') ?? [];
  const isNew = Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 2);
  return isNew ? Infinity : bpsMaxOld;
}

/** A sentence for each limit that is lowered because the switch can hold no more. */
export function loweredLimits(
  { ingressBps = 0, egressBps = 0 }: Pick<Bandwidth, 'ingressBps' | 'egressBps'>,
  written: { readonly maxRateBps: number | undefined; readonly policing: Policing },
): readonly string[] {
  const { maxRateBps = Infinity, policing } = written;
  const lowered = (name: string, gbps: number): string =>
    `${name} is lowered to ${gbps.toFixed(1)} Gbit/s, the most that this Open vSwitch can hold.`;
  return [
    ...(ingressBps > maxRateBps ? [lowered('ingress-bandwidth', maxRateBps / 1e9)] : []),
    ...(Math.floor(egressBps / 1000) > policing.rateKbps ? [lowered('egress-bandwidth', policing.rateKbps / 1e6)] : []),
  ];
}
