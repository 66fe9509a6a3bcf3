/** What the loop of the attachments finds wrong beyond single pods, and why it writes nothing now. */

import { attachmentLabel, waitingFor, type AttachmentVerdict, type Verdict } from '../attach/attachment.js';
import { isMacDifferent } from '../attach/judge-attachment.js';
import type { AttachInput, AttachPlan } from '../attach/plan-attach.js';
import type { Finding, ObjectRef } from '../model/condition.js';
import type { AttachMode } from './attach-outcome.js';
import type { LeaseKeeper, LeaseState, PodSource } from './attach-ports.js';

/** A clock that differs by more makes the host's check of the lease fail before long (it allows the lease's duration). */
const skewMsMax = 10_000;
/** Each reading of the skew differs by the time that the answer took: so what is said of it are these steps. */
const skewSteps: readonly (readonly [number, string])[] = [
  [86_400_000, 'more than a day'],
  [3_600_000, 'more than an hour'],
  [300_000, 'more than five minutes'],
  [60_000, 'more than a minute'],
];
/** So many restless attachments are shown. */
const paceFindingsMax = 20;

/** What is said of a pod whose port is not made because of the mode; undefined: the mode lets it be made. */
export function modeVerdict(mode: AttachMode, lease: LeaseState): Verdict | undefined {
  const base = { state: 'waiting', isFinal: false, publicReason: 'the DPU does not attach pods now' } as const;
  switch (mode) {
    case 'observe':
      return { ...base, reason: 'ReadOnly', message: 'The agent is told to observe only; it plugs nothing.' };
    case 'leaseForeign':
      return { ...base, reason: 'LeaseForeign', message: "Another writer renews this DPU's lease." };
    case 'leaseUnknown':
      return { ...base, reason: 'LeaseUnknown', message: lease.kind === 'unknown' ? lease.message : 'Not read yet.' };
    case 'standby':
      return {
        ...base,
        reason: 'ReadOnly',
        message: 'Another agent of the same owner holds the lock of the database.',
      };
    case 'bootGrace':
      return {
        ...base,
        reason: 'ReadOnly',
        message: 'Nothing is written so soon after the start (agent.bootGraceMs).',
      };
    case 'on':
    case 'blind':
      return undefined;
  }
}

/** A function whose address is not the pod's, where that does not keep the pod from being ready. */
export function macFindings(
  { settings, observed }: AttachInput,
  verdicts: readonly AttachmentVerdict[],
): readonly Finding[] {
  if (settings.functionMac !== 'report') return [];
  const { netdevs } = observed;
  return verdicts.flatMap(({ device, evidence, pod, nadKey }) => {
    const netdev = device === undefined ? undefined : netdevs.get(device);
    const mac = evidence['attached_mac'];
    if (netdev === undefined || mac === undefined || !isMacDifferent({ netdev, mac })) return [];
    const message = `The function behind ${netdev.name} has address ${netdev.functionMac ?? ''}, its pod ${mac}.`;
    const object: ObjectRef = { kind: 'attachment', name: `${pod.namespace}/${pod.name} ${nadKey}` };
    const remedy = 'Have the function take the address of the pod.';
    return [{ reason: 'FunctionMacDiffers', object, message, claimants: [], remedy }];
  });
}

/**
 * Links that are on and that the kernel refuses to give another MTU: the attachment works, and its longest packets get lost.
 * A link that is off for it is said by the attachment's own verdict.
 */
export function linkFindings(
  { input, plan }: { readonly input: AttachInput; readonly plan: Pick<AttachPlan, 'linksUp'> },
  refusal: (device: string, isUp: boolean) => string | undefined,
): readonly Finding[] {
  return plan.linksUp.flatMap(({ name, mtu }) => {
    const words = mtu === undefined ? undefined : refusal(name, true);
    const netdev = input.observed.netdevs.get(name);
    if (words === undefined || netdev?.isUp !== true) return [];
    const message = `${name} keeps MTU ${netdev.mtu} instead of ${mtu}: ${words}`;
    const remedy = "Choose an MTU within the device's range for the network, or raise that of the device below it.";
    return [{ reason: 'LinkRefused', object: { kind: 'port', name }, message, claimants: [], remedy }];
  });
}

/** What is said of an attachment that is made anew too often. */
export const restless: Verdict = waitingFor(
  'Restless',
  'The rows of this attachment were changed so often of late that the next change waits.',
  'the network of the pod is changed too often',
);

/** Attachments that are changed too often, whether the change that waits makes the port or repairs it. */
export function paceFindings(
  verdicts: readonly AttachmentVerdict[],
  withheld: ReadonlySet<string>,
): readonly Finding[] {
  if (withheld.size === 0) return [];
  const shown = verdicts.filter(({ key }) => withheld.has(key)).slice(0, paceFindingsMax);
  return shown.map(({ pod, nadKey }) => {
    const name = attachmentLabel(pod, nadKey);
    const message = `${name}: ${restless.message}`;
    const remedy = 'Find what changes the annotations of the pod, or the rows of its port, again and again.';
    return { reason: 'Restless', object: { kind: 'attachment', name }, message, claimants: [], remedy };
  });
}

/** What is wrong with the host cluster as a whole. */
export function clusterFindings(
  bridge: string,
  mode: AttachMode,
  { lease, pods }: { readonly lease: LeaseKeeper; readonly pods: PodSource },
): readonly Finding[] {
  const findings: Finding[] = [];
  const object: ObjectRef = { kind: 'bridge', name: bridge };
  const state = lease.state();
  if (mode === 'leaseForeign' && state.kind === 'foreign') {
    const message = `The lease of ${pods.nodeName() ?? 'this DPU'} is renewed by another writer (${state.holder}).`;
    const remedy = 'Stop the other writer (ovnkube-node in mode dpu), or set attach.mode to observe.';
    findings.push({ reason: 'LeaseForeign', object, message, claimants: [state.holder], remedy });
  }
  if (mode === 'leaseUnknown' && state.kind === 'unknown') {
    const remedy = 'Allow get, create and update of the lease, or set attach.lease.renewMs to 0.';
    findings.push({ reason: 'LeaseUnknown', object, message: state.message, claimants: [], remedy });
  }
  const cluster = pods.state();
  // A watch that was opened before goes on for minutes after the credentials have ended; the lease shows it at once.
  const silence = cluster.kind === 'synced' ? (state.kind === 'held' ? state.message : undefined) : cluster.message;
  if (silence !== undefined) {
    const remedy = 'Look at the network to the API server and at the credentials in hostCluster.';
    findings.push({ reason: 'ClusterUnavailable', object, message: silence, claimants: [], remedy });
  }
  const skewMs = lease.clockSkewMs();
  if (skewMs !== undefined && Math.abs(skewMs) > skewMsMax) {
    const direction = skewMs > 0 ? 'ahead of' : 'behind';
    const message = `The API server's clock is ${coarseText(Math.abs(skewMs))} ${direction} this machine's.`;
    const remedy = 'Set the clocks by NTP: the host refuses pods when the lease looks too old to it.';
    findings.push({ reason: 'ClockSkewed', object, message, claimants: [], remedy });
  }
  return findings;
}

function coarseText(skewMs: number): string {
  const step = skewSteps.find(([leastMs]) => skewMs > leastMs);
  return step === undefined ? `more than ${skewMsMax / 1000} s` : step[1];
}
