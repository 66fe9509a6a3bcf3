/**
 * First part of the plan of attachments: reads what the pods ask for, grants each request its device or says why not, and
 * settles who gets a device that several ask for. Names no row. Pure.
 */

import { safeText } from '../lib/text.js';
import type { PodView } from '../model/pod.js';
import { say, type Applicant, type Builder } from './attach-builder.js';
import { attachmentKey, attachmentLabel, refusing, type AttachRequest, type Verdict } from './attachment.js';
import { settleClaims, type Claim } from './claims.js';
import { grantDevice, refusePod, type Grant } from './grant.js';
import { ifaceId } from './nad-key.js';
import { readPod, type PodReading } from './pod-reading.js';

/** The requests of one pod; what cannot be read becomes a verdict at once. */
export function readRequests(builder: Builder, pod: PodView): Applicant[] {
  // A pod that has ended needs no network any more, and its function is given to others.
  if (pod.isTerminal) return [];
  const reading = readPod(pod);
  if (reading.details.kind === 'unparsable') {
    const message = `Annotation k8s.ovn.org/dpu.connection-details: ${reading.details.problem}`;
    say(builder, pod, 'default', refusing('DetailsInvalid', message, 'the connection details are invalid'));
    return [];
  }
  if (reading.details.kind === 'absent') return [];
  const ineligible = refusePod(pod, builder.input.settings);
  const applicants: Applicant[] = [];
  const names = new Map<string, string>();
  for (const nadKey of [...reading.details.networks.keys()].sort()) {
    const request = readRequest(builder, reading, nadKey, ineligible);
    if (request === undefined) continue;
    const first = names.get(request.identity.ifaceId);
    names.set(request.identity.ifaceId, first ?? nadKey);
    applicants.push({ reading, request, grant: first === undefined ? grant(builder, request) : collision(first) });
  }
  return applicants;
}

function readRequest(
  builder: Builder,
  { pod, details }: PodReading,
  nadKey: string,
  ineligible: Verdict | undefined,
): AttachRequest | undefined {
  const entry = details.kind === 'read' ? details.networks.get(nadKey) : undefined;
  if (entry === undefined) return undefined;
  if (entry.kind === 'invalid') {
    const message = `Annotation k8s.ovn.org/dpu.connection-details, entry ${safeText(nadKey)}: ${entry.problem}`;
    say(builder, pod, nadKey, refusing('DetailsInvalid', message, 'the connection details are invalid'));
    return undefined;
  }
  if (ineligible !== undefined) {
    say(builder, pod, nadKey, ineligible);
    return undefined;
  }
  const { pf, vf, sandboxId } = entry;
  const identity = { ifaceId: ifaceId(nadKey, pod.namespace, pod.name), uid: pod.uid, sandboxId, nadKey };
  return { key: attachmentKey(pod.uid, nadKey), pod, nadKey, pf, vf, identity };
}

function grant({ input }: Builder, request: AttachRequest): Grant {
  const { settings, observed, find, declaredDevices } = input;
  return grantDevice(request, { settings, netdevs: observed.netdevs, find, declaredDevices });
}

/** Two networks of one pod whose names differ only in `-`, `/` and `.` have one name in OVN. */
function collision(first: string): Grant {
  const message = `Network ${safeText(first)} of the same pod has the same iface-id.`;
  return { kind: 'denied', verdict: refusing('IfaceIdTaken', message, 'two networks of the pod share one port name') };
}

/** Whether the attachment `key` still has a right to the device, although it may make no usable claim at the moment. */
function isLiveHolder(builder: Builder, key: string, device: string, granted: ReadonlyMap<string, Applicant>): boolean {
  const split = key.indexOf('|');
  const pod = builder.input.pods.get(key.slice(0, split));
  if (pod === undefined || pod.isTerminal) return false;
  const { details } = readPod(pod);
  // What cannot be understood takes nothing away.
  if (details.kind !== 'read') return details.kind === 'unparsable';
  const entry = details.networks.get(key.slice(split + 1));
  if (entry === undefined) return false;
  if (entry.kind === 'invalid') return true;
  const applicant = granted.get(key);
  // A holder that may have nothing any more (by a new configuration) releases nothing by that.
  if (applicant === undefined || applicant.grant.kind === 'denied') return isSameFunction(builder, device, entry);
  return applicant.grant.netdev.name === device;
}

/** Whether the device stands for the function, or is away. */
function isSameFunction({ input }: Builder, device: string, { pf, vf }: { pf: number; vf: number }): boolean {
  const netdev = input.observed.netdevs.get(device);
  return netdev === undefined || (netdev.pf === pf && netdev.vf === vf);
}

/** Who holds which device: by the rows that are there, else as remembered. */
function knownHolders({ input, plugged }: Builder): ReadonlyMap<string, string> {
  const holders = new Map(input.holders);
  for (const [device, { key }] of plugged) holders.set(device, key);
  return holders;
}

export function settle(builder: Builder, applicants: readonly Applicant[]): void {
  const byKey = new Map(applicants.map((applicant) => [applicant.request.key, applicant]));
  const claims: Claim[] = [];
  for (const { request, grant } of applicants) {
    if (grant.kind === 'granted') claims.push({ key: request.key, pod: request.pod, device: grant.netdev.name });
  }
  builder.winners = settleClaims(claims, knownHolders(builder), (key, device) =>
    isLiveHolder(builder, key, device, byKey),
  );
}

/** Names the holder to the operator; the tenant is told nothing of others. */
export function claimedTwice(builder: Builder, device: string, winner: string): Verdict {
  const holder = builder.input.pods.get(winner.slice(0, winner.indexOf('|')));
  const name = holder === undefined ? 'another pod' : attachmentLabel(holder, winner.slice(winner.indexOf('|') + 1));
  const message = `${device} is held by ${name}.`;
  return refusing('RepresentorClaimedTwice', message, 'the virtual function is in use by another pod');
}
