/**
 * First part of the plan of attachments: reads what the pods ask for, grants each request its device or says why not, and
 * settles who gets a device that several ask for. Names no row. Pure.
 */

import { safeText } from '../lib/text.js';
import type { PodView } from '../model/pod.js';
import { candidateKey, isDeclaredDevice, isPodGone, say, type Applicant, type Builder } from './attach-builder.js';
import {
  attachmentKey,
  attachmentLabel,
  refusing,
  waitingFor,
  type AttachRequest,
  type Verdict,
} from './attachment.js';
import { settleClaims, type Claim } from './claims.js';
import { functionCount, grantDevice, refusePod, tooMany, type Grant } from './grant.js';
import { defaultNadKey, ifaceId } from './nad-key.js';
import { readPod, type PodReading } from './pod-reading.js';

/** The requests of one pod; what cannot be read becomes a verdict at once. */
export function readRequests(builder: Builder, pod: PodView): Applicant[] {
  // A pod that has ended needs no network any more, and its function is given to others.
  if (pod.isTerminal) return [];
  const reading = readPod(pod);
  if (reading.details.kind === 'unparsable') {
    const message = `Annotation k8s.ovn.org/dpu.connection-details: ${reading.details.problem}`;
    const verdict = refusing('DetailsInvalid', message, 'the connection details are invalid');
    for (const nadKey of pluggedNetworks(builder, pod)) say(builder, pod, nadKey, verdict);
    return [];
  }
  if (reading.details.kind === 'absent') return [];
  const ineligible = refusePod(pod, builder.input.settings);
  const requests: AttachRequest[] = [];
  for (const nadKey of [...reading.details.networks.keys()].sort()) {
    const request = readRequest(builder, reading, nadKey, ineligible);
    if (request !== undefined) requests.push(request);
  }
  const names = nameHolders(builder, requests);
  const entitled = entitledOf(builder, pod, requests);
  return requests.map((request) => {
    const holder = names.get(request.identity.ifaceId) ?? request.nadKey;
    if (holder !== request.nadKey) return { reading, request, grant: collision(holder) };
    const isEntitled = entitled.has(request.nadKey);
    const answer: Grant = { kind: 'denied', verdict: tooMany(pod, builder.input.settings) };
    return { reading, request, grant: isEntitled ? grant(builder, request) : answer };
  });
}

/** The networks for which the pod has asked for functions: those that are attached first, then the default one. */
function entitledOf(
  { input, pluggedByKey }: Builder,
  pod: PodView,
  requests: readonly AttachRequest[],
): ReadonlySet<string> {
  const rank = ({ key, nadKey }: AttachRequest): number =>
    pluggedByKey.has(key) ? 0 : nadKey === defaultNadKey ? 1 : 2;
  // The requests are in the order of their networks, and the sort is stable.
  const ranked = [...requests].sort((a, b) => rank(a) - rank(b));
  return new Set(ranked.slice(0, functionCount(pod, input.settings)).map(({ nadKey }) => nadKey));
}

/** The networks that a text may be about that cannot be read: those that are attached, else the default one. */
function pluggedNetworks({ plugged }: Builder, { uid }: PodView): readonly string[] {
  const own = [...plugged.values()].filter(({ identity }) => identity.uid === uid);
  return own.length === 0 ? [defaultNadKey] : [...new Set(own.map(({ identity }) => identity.nadKey))];
}

/** By iface-id the nadKey that has it: of several, the one that is attached already, else the first. */
function nameHolders({ pluggedByKey }: Builder, requests: readonly AttachRequest[]): ReadonlyMap<string, string> {
  const holders = new Map<string, AttachRequest>();
  for (const request of requests) {
    const other = holders.get(request.identity.ifaceId);
    const isPlugged = (key: string): boolean => pluggedByKey.has(key);
    if (other === undefined || (isPlugged(request.key) && !isPlugged(other.key))) {
      holders.set(request.identity.ifaceId, request);
    }
  }
  return new Map([...holders].map(([ifaceId, { nadKey }]) => [ifaceId, nadKey]));
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
  const { settings, observed, find, declared, management } = input;
  return grantDevice(request, { settings, netdevs: observed.netdevs, find, declared, management });
}

/** Two networks of one pod whose names differ only in `-`, `/` and `.` have one name in OVN. */
function collision(first: string): Grant {
  const message = `Network ${safeText(first)} of the same pod has the same iface-id.`;
  return { kind: 'denied', verdict: refusing('IfaceIdTaken', message, 'two networks of the pod share one port name') };
}

/** Whether the attachment `key` still has a right to the device, although it may make no usable claim at the moment. */
function isLiveHolder(builder: Builder, key: string, device: string, granted: ReadonlyMap<string, Applicant>): boolean {
  // What the configuration says is above what any pod holds.
  if (isDeclaredDevice(builder, device)) return false;
  const split = key.indexOf('|');
  const pod = builder.pods.get(key.slice(0, split));
  if (pod === undefined) return isMissed(builder, key, device);
  if (pod.isTerminal) return false;
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

/** Whether the own port is there of a pod that is only missing: a list may be incomplete, so nobody takes it over yet. */
function isMissed(builder: Builder, key: string, device: string): boolean {
  const present = builder.plugged.get(device);
  if (present?.isOwn !== true || present.key !== key || isPodGone(builder, present)) return false;
  return !builder.input.ripe.has(candidateKey(device, 'podMissing'));
}

/** Whether the device stands for the function, as far as anybody can tell: it may be away, or its sources disagree. */
function isSameFunction({ input }: Builder, device: string, { pf, vf }: { pf: number; vf: number }): boolean {
  const netdev = input.observed.netdevs.get(device);
  if (netdev?.pf === undefined || netdev.vf === undefined) return true;
  return netdev.pf === pf && netdev.vf === vf;
}

/** Who held which device, first by the rows that are there, then as remembered. */
function knownHolders({ input, plugged }: Builder): ReadonlyMap<string, readonly string[]> {
  const holders = new Map<string, string[]>();
  for (const [device, { key, identity }] of plugged) if (identity.uid !== '') holders.set(device, [key]);
  for (const [device, key] of input.holders) holders.set(device, [...(holders.get(device) ?? []), key]);
  return holders;
}

function hasAddress({ networks }: PodReading, { nadKey }: AttachRequest): boolean {
  return networks.kind === 'read' && networks.networks.get(nadKey)?.kind === 'ok';
}

/** Settles who has which device: fills `winners`. */
export function settle(builder: Builder, applicants: readonly Applicant[]): void {
  const byKey = new Map(applicants.map((applicant) => [applicant.request.key, applicant]));
  const claims: Claim[] = [];
  for (const { request, grant, reading } of applicants) {
    // A newcomer that has no address yet can use nothing, and keeps nobody from it. Who holds a device needs no claim.
    if (grant.kind === 'granted' && hasAddress(reading, request))
      claims.push({ key: request.key, pod: request.pod, device: grant.netdev.name });
  }
  builder.winners = settleClaims(claims, knownHolders(builder), (key, device) =>
    isLiveHolder(builder, key, device, byKey),
  );
}

/** Names the holder to the operator; the tenant is told nothing of others. */
export function claimedTwice(builder: Builder, device: string, winner: string): Verdict {
  const holder = builder.pods.get(winner.slice(0, winner.indexOf('|')));
  const said = 'the virtual function is in use by another pod';
  if (holder === undefined) {
    const message = `${device} is held by a pod that is not listed any more; it is released after a while.`;
    return waitingFor('RepresentorClaimedTwice', message, said);
  }
  const name = attachmentLabel(holder, winner.slice(winner.indexOf('|') + 1));
  return refusing('RepresentorClaimedTwice', `${device} is held by ${name}.`, said);
}
