/**
 * The planner of attachments: pods, rows and devices give actions, changes of links, and a verdict on every network of
 * every pod. Pure, deterministic and total: nothing that a pod's annotations hold makes it throw, and what cannot be
 * understood never takes a port away.
 */

import type { FindNetdev } from '../intent/resolve.js';
import { objectKey, type ObjectRef } from '../model/condition.js';
import type { LinkChange, Netdev, NetdevMap } from '../model/netdev.js';
import type { ObservedBridge, ObservedPort, ObservedQos, ObservedRoot, SwitchLiveness } from '../model/observed.js';
import { isOwnedBy } from '../model/ownership.js';
import type { PodView } from '../model/pod.js';
import type { Candidate, RemovalCause } from '../plan/action.js';
import { isEmptyEdit } from '../plan/row-diff.js';
import { safeText } from '../lib/text.js';
import type { AttachAction, QosChange } from './attach-action.js';
import type { AttachSettings } from './attach-settings.js';
import {
  attachmentKey,
  attachmentLabel,
  failing,
  refusing,
  waitingFor,
  type AttachmentVerdict,
  type AttachRequest,
  type Verdict,
  type WantedAttachment,
} from './attachment.js';
import { settleClaims, type Claim } from './claims.js';
import { diffRows } from './desired-rows.js';
import { grantDevice, refusePod, type Grant } from './grant.js';
import { attachmentEvidence, judgeAttachment } from './judge-attachment.js';
import { ifaceId } from './nad-key.js';
import type { NetworkLookup } from './network-lookup.js';
import { readPod, type PodReading } from './pod-reading.js';
import {
  ifaceIdKey,
  ifaceIdVerKey,
  isSameIdentity,
  pluggedPort,
  sandboxKey,
  type PluggedPort,
} from './row-identity.js';
import { wantAttachment } from './want.js';

export interface AttachObserved {
  readonly root: ObservedRoot;
  readonly bridges: ReadonlyMap<string, ObservedBridge>;
  readonly ports: ReadonlyMap<string, ObservedPort>;
  readonly qos: ReadonlyMap<string, ObservedQos>;
  readonly netdevs: NetdevMap;
  readonly liveness: SwitchLiveness;
}

export interface AttachInput {
  /** By uid. */
  readonly pods: ReadonlyMap<string, PodView>;
  /** Uids that are certainly gone. */
  readonly deleted: ReadonlySet<string>;
  readonly observed: AttachObserved;
  readonly find: FindNetdev;
  readonly findNetwork: NetworkLookup;
  readonly settings: AttachSettings;
  /** Names of devices that declared ports use. */
  readonly declaredDevices: ReadonlySet<string>;
  /** Device to the attachment that held it at the last look: it keeps its claim while its device is away. */
  readonly holders: ReadonlyMap<string, string>;
  /** Keys of candidates that have been seen long enough. */
  readonly ripe: ReadonlySet<string>;
  /** Ports that must not be made now: Open vSwitch has yet to apply their removal. */
  readonly held: ReadonlySet<string>;
  /** Ports whose last change the database refused, by object key, with its words. */
  readonly quarantined: ReadonlyMap<string, string>;
}

export interface AttachPlan {
  /** Removals first, so that a name or an address is free before somebody else takes it in the same transaction. */
  readonly actions: readonly AttachAction[];
  /** To be carried out before the actions. */
  readonly linksDown: readonly LinkChange[];
  /** For ports that are there. */
  readonly linksUp: readonly LinkChange[];
  readonly candidates: readonly Candidate[];
  /** Device to the attachment that holds it now. */
  readonly holders: ReadonlyMap<string, string>;
  readonly verdicts: readonly AttachmentVerdict[];
}

interface Builder {
  readonly input: AttachInput;
  readonly removals: AttachAction[];
  readonly changes: AttachAction[];
  readonly linksDown: LinkChange[];
  readonly linksUp: LinkChange[];
  readonly candidates: Candidate[];
  readonly verdicts: AttachmentVerdict[];
  /** Pods' ports by device, whoever made them. */
  readonly plugged: ReadonlyMap<string, PluggedPort>;
  /** Device to key. */
  winners: ReadonlyMap<string, string>;
}

/** One usable request and the device it was granted, or why not. */
interface Applicant {
  readonly reading: PodReading;
  readonly request: AttachRequest;
  readonly grant: Grant;
}

const portObject = (name: string): ObjectRef => ({ kind: 'port', name });

/** The requests of one pod; what cannot be read becomes a verdict at once. */
function readRequests(builder: Builder, pod: PodView): Applicant[] {
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

function say(
  builder: Builder,
  pod: PodView,
  nadKey: string,
  verdict: Verdict,
  facts: Partial<Pick<AttachmentVerdict, 'request' | 'device' | 'heldBy' | 'isPlugged' | 'evidence'>> = {},
): void {
  builder.verdicts.push({
    key: attachmentKey(pod.uid, nadKey),
    pod,
    nadKey,
    verdict,
    request: facts.request,
    device: facts.device,
    heldBy: facts.heldBy,
    isPlugged: facts.isPlugged ?? false,
    evidence: facts.evidence ?? {},
  });
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

function settle(builder: Builder, applicants: readonly Applicant[]): void {
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
function claimedTwice(builder: Builder, device: string, winner: string): Verdict {
  const holder = builder.input.pods.get(winner.slice(0, winner.indexOf('|')));
  const name = holder === undefined ? 'another pod' : attachmentLabel(holder, winner.slice(winner.indexOf('|') + 1));
  const message = `${device} is held by ${name}.`;
  return refusing('RepresentorClaimedTwice', message, 'the virtual function is in use by another pod');
}

/** Plans one applicant; the device that its rows are wanted on, if they are. */
function planApplicant(builder: Builder, { reading, request, grant }: Applicant): string | undefined {
  const { pod, nadKey, key } = request;
  if (grant.kind === 'denied') {
    say(builder, pod, nadKey, grant.verdict, { request });
    return undefined;
  }
  const { netdev } = grant;
  const device = netdev.name;
  const winner = builder.winners.get(device);
  if (winner !== undefined && winner !== key) {
    say(builder, pod, nadKey, claimedTwice(builder, device, winner), { request, device, heldBy: winner });
    return undefined;
  }
  const { settings, observed, findNetwork } = builder.input;
  const bridge = observed.bridges.get(settings.bridge);
  if (bridge === undefined) {
    const message = `Bridge ${settings.bridge} does not exist yet.`;
    const verdict = waitingFor('BridgeAbsent', message, 'the virtual switch is not ready');
    say(builder, pod, nadKey, verdict, { request, device });
    return device;
  }
  const { root, netdevs } = observed;
  const wanted = wantAttachment(reading, request, netdev, { settings, root, bridge, netdevs, findNetwork });
  const present = builder.plugged.get(device);
  const isSame = present !== undefined && isSameIdentity(present.identity, request.identity);
  if (wanted.kind === 'not') {
    const evidence = isSame ? attachmentEvidence(present.main, netdev) : {};
    say(builder, pod, nadKey, wanted.verdict, { request, device, isPlugged: isSame, evidence });
    // What is attached already stays so while a text that it was made from is missing.
    return device;
  }
  planRows(builder, wanted.value, bridge);
  return device;
}

function planRows(builder: Builder, wanted: WantedAttachment, bridge: ObservedBridge): void {
  const { request, netdev } = wanted;
  const { pod, nadKey } = request;
  const { observed, quarantined } = builder.input;
  const words = quarantined.get(objectKey(portObject(netdev.name)));
  const port = observed.ports.get(netdev.name);
  const present = builder.plugged.get(netdev.name);
  const facts = { request, device: netdev.name };
  if (present !== undefined && isSameIdentity(present.identity, request.identity) && port?.bridge === bridge.name) {
    planPlugged(builder, wanted, present, words);
    return;
  }
  if (words !== undefined) {
    const message = `The database refused the change: ${safeText(words)}`;
    const verdict = failing('TransactionRefused', message, 'the virtual switch refused the port');
    say(builder, pod, nadKey, verdict, facts);
    return;
  }
  const obstacle = obstacleOf(builder, wanted, port, present);
  say(builder, pod, nadKey, obstacle ?? notApplied, facts);
  if (obstacle !== undefined || port !== undefined || builder.input.held.has(netdev.name)) return;
  createRows(builder, wanted, bridge);
}

const notApplied = waitingFor('NotApplied', 'The port is not in the database yet.', 'the port is being attached');

/** What is in the way of new rows and is not this agent's to remove. */
function obstacleOf(
  builder: Builder,
  { request, netdev }: WantedAttachment,
  port: ObservedPort | undefined,
  present: PluggedPort | undefined,
): Verdict | undefined {
  const said = 'the virtual function is in use by something else';
  // An own port of another identity is removed by `planStale`.
  if (port !== undefined && present?.isOwn !== true) {
    const message = `${netdev.name} is a port of ${safeText(port.bridge)} that is not this agent's.`;
    return failing('RepresentorForeign', message, said);
  }
  const namesake = holdersOfIfaceId(builder)
    .get(request.identity.ifaceId)
    ?.find(({ name }) => name !== netdev.name);
  if (namesake === undefined) return undefined;
  const plugged = builder.plugged.get(namesake.name);
  // One of this pod's own that is about to go: it goes first, in a transaction of its own.
  if (plugged?.isOwn === true) return waitingFor('DetachPending', `${namesake.name} is detached first.`, said);
  const message = `Port ${safeText(namesake.name)} of ${safeText(namesake.bridge)} carries the same iface-id.`;
  return failing('IfaceIdTaken', message, 'another port carries the name of this pod');
}

/** Observations are immutable: which ports carry which iface-id is listed once for each. */
const ifaceIds = new WeakMap<AttachObserved['ports'], ReadonlyMap<string, readonly ObservedPort[]>>();

function holdersOfIfaceId({ input }: Builder): ReadonlyMap<string, readonly ObservedPort[]> {
  const known = ifaceIds.get(input.observed.ports);
  if (known !== undefined) return known;
  const byId = new Map<string, ObservedPort[]>();
  for (const port of input.observed.ports.values()) {
    for (const { externalIds } of port.interfaces) {
      const id = externalIds.get(ifaceIdKey);
      if (id !== undefined) byId.set(id, [...(byId.get(id) ?? []), port]);
    }
  }
  ifaceIds.set(input.observed.ports, byId);
  return byId;
}

function createRows(builder: Builder, wanted: WantedAttachment, bridge: ObservedBridge): void {
  const { request, netdev } = wanted;
  const diffs = diffRows(wanted, undefined, undefined, builder.input.settings.mark);
  builder.changes.push({
    kind: 'attach',
    key: request.key,
    port: netdev.name,
    label: attachmentLabel(request.pod, request.nadKey),
    differences: [...diffs.port.differences, ...diffs.interface.differences, ...(diffs.qos?.differences ?? [])],
    bridgeUuid: bridge.uuid,
    datapathType: bridge.datapathType,
    portRow: diffs.port.edit,
    interfaceRow: diffs.interface.edit,
    qos: diffs.qos?.edit,
  });
}

/** A port of this very attachment is there: repair it, unless its device is not the one that Open vSwitch opened. */
function planPlugged(
  builder: Builder,
  wanted: WantedAttachment,
  present: PluggedPort,
  words: string | undefined,
): void {
  const { request, netdev, mac } = wanted;
  const { observed, settings } = builder.input;
  const judged = judgeAttachment({ main: present.main, netdev, mac, liveness: observed.liveness, settings });
  const evidence = attachmentEvidence(present.main, netdev);
  const facts = { request, device: netdev.name, isPlugged: true, evidence };
  if (present.isOwn && isRecreated(present, netdev, observed.liveness)) {
    const message = `${netdev.name} was created anew under Open vSwitch.`;
    const verdict = waitingFor('DeviceRecreated', message, 'the virtual function is being attached anew');
    say(builder, request.pod, request.nadKey, verdict, facts);
    if (noteCandidate(builder, present, 'deviceRecreated')) detach(builder, present, 'its device was created anew');
    return;
  }
  say(builder, request.pod, request.nadKey, judged, facts);
  const link = linkChange(wanted);
  if (link !== undefined) builder.linksUp.push(link);
  if (words === undefined) repairRows(builder, wanted, present);
}

/** Both datapaths make a device promiscuous when they open it, so one that has a number and is not was made after that. */
function isRecreated({ main, port }: PluggedPort, netdev: Netdev, { answering }: SwitchLiveness): boolean {
  if (main.type !== '' || main.ofport === undefined || main.ofport <= 0 || !answering.has(port.bridge)) return false;
  const isOther = main.ifindex !== undefined && main.ifindex > 0 && main.ifindex !== netdev.ifindex;
  return !netdev.isPromiscuous || isOther;
}

function linkChange({ netdev, mtu }: WantedAttachment): LinkChange | undefined {
  const needsMtu = mtu !== undefined && netdev.mtu !== mtu;
  if (!needsMtu && netdev.isUp) return undefined;
  return { name: netdev.name, ...(needsMtu ? { mtu } : {}), isUp: true };
}

function ownQos({ input }: Builder, port: ObservedPort): ObservedQos | undefined {
  const qos = port.qos === undefined ? undefined : input.observed.qos.get(port.qos);
  return qos !== undefined && isOwnedBy(qos.externalIds, input.settings.mark) ? qos : undefined;
}

function repairRows(builder: Builder, wanted: WantedAttachment, present: PluggedPort): void {
  const { port } = present;
  const qos = ownQos(builder, port);
  const diffs = diffRows(wanted, present, qos, builder.input.settings.mark);
  const change = qosChange(port, qos, diffs.qos);
  if (isEmptyEdit(diffs.port.edit) && isEmptyEdit(diffs.interface.edit) && change.kind === 'keep') return;
  builder.changes.push({
    kind: 'repair',
    key: wanted.request.key,
    port: port.name,
    label: attachmentLabel(wanted.request.pod, wanted.request.nadKey),
    differences: [...diffs.port.differences, ...diffs.interface.differences, ...(diffs.qos?.differences ?? [])],
    rows: rowsOf(present),
    portEdit: diffs.port.edit,
    interfaceEdit: diffs.interface.edit,
    qos: change,
  });
}

function qosChange(
  port: ObservedPort,
  own: ObservedQos | undefined,
  diff: ReturnType<typeof diffRows>['qos'],
): QosChange {
  if (diff === undefined) return own === undefined ? { kind: 'keep' } : { kind: 'delete', uuid: own.uuid };
  if (own !== undefined)
    return isEmptyEdit(diff.edit) ? { kind: 'keep' } : { kind: 'edit', uuid: own.uuid, edit: diff.edit };
  // Somebody else's limit of the port is theirs.
  return port.qos === undefined ? { kind: 'create', row: diff.edit } : { kind: 'keep' };
}

/** What must still be so when the rows are changed: they are the ones that were looked at. */
function rowsOf({ port, main, identity }: PluggedPort): {
  portUuid: string;
  interfaceUuid: string;
  guard: Map<string, string>;
} {
  const guard = new Map([
    [ifaceIdKey, identity.ifaceId],
    [ifaceIdVerKey, identity.uid],
    [sandboxKey, identity.sandboxId],
  ]);
  return { portUuid: port.uuid, interfaceUuid: main.uuid, guard };
}

function detach(builder: Builder, present: PluggedPort, cause: string): void {
  const { port } = present;
  const { observed, pods } = builder.input;
  const bridge = observed.bridges.get(port.bridge);
  if (bridge === undefined) return;
  const pod = pods.get(present.identity.uid);
  const netdev = observed.netdevs.get(port.name);
  if (netdev?.isUp === true) builder.linksDown.push({ name: port.name, isUp: false });
  builder.removals.push({
    kind: 'detach',
    key: present.key,
    port: port.name,
    label: pod === undefined ? safeText(present.identity.ifaceId) : attachmentLabel(pod, present.identity.nadKey),
    differences: [{ table: 'Bridge', field: 'ports', from: port.name, to: '(removed)' }],
    bridgeUuid: bridge.uuid,
    rows: rowsOf(present),
    qosUuid: ownQos(builder, port)?.uuid,
    cause,
  });
}

/** Notes a removal that is not made at first sight; true when it has been seen long enough. */
function noteCandidate({ candidates, input }: Builder, { port }: PluggedPort, cause: RemovalCause): boolean {
  const object = portObject(port.name);
  const key = `${cause} ${objectKey(object)}`;
  candidates.push({ key, object, cause });
  return input.ripe.has(key);
}

/** Why an own port has to go although nothing else is wanted in its place; undefined: it stays. */
function removalCause(builder: Builder, present: PluggedPort, wantedOn: ReadonlySet<string>): string | undefined {
  const { pods, deleted, observed } = builder.input;
  const { identity, port, key } = present;
  const winner = builder.winners.get(port.name);
  if (!observed.netdevs.has(port.name)) {
    return noteCandidate(builder, present, 'deviceGone') ? 'its device is gone' : undefined;
  }
  if (winner !== undefined && winner !== key) return 'another pod holds the function now';
  const pod = pods.get(identity.uid);
  if (pod === undefined) {
    if (deleted.has(identity.uid)) return 'the pod was deleted';
    return noteCandidate(builder, present, 'podMissing') ? 'the host cluster lists the pod no more' : undefined;
  }
  // Without a winner the holder has released it.
  if (winner === undefined) return pod.isTerminal ? 'the pod has ended' : 'the pod has released the function';
  if (!wantedOn.has(port.name)) return undefined;
  return changedIdentity(builder, present);
}

/** The same pod and network, but another sandbox or name: it was made anew. */
function changedIdentity({ input }: Builder, { identity, port }: PluggedPort): string | undefined {
  if (port.bridge !== input.settings.bridge) return `it was moved to ${safeText(port.bridge)}`;
  const pod = input.pods.get(identity.uid);
  const details = pod === undefined ? undefined : readPod(pod).details;
  const entry = details?.kind === 'read' ? details.networks.get(identity.nadKey) : undefined;
  if (pod === undefined || entry?.kind !== 'ok') return undefined;
  const wantedId = ifaceId(identity.nadKey, pod.namespace, pod.name);
  if (entry.sandboxId !== identity.sandboxId) return 'the pod has another sandbox';
  return wantedId === identity.ifaceId ? undefined : 'its iface-id was changed';
}

/** Removes own ports that nobody is entitled to any more. */
function planStale(builder: Builder, wantedOn: ReadonlySet<string>): void {
  const removed = new Set(builder.removals.map(({ port }) => port));
  for (const present of builder.plugged.values()) {
    if (!present.isOwn || removed.has(present.port.name)) continue;
    const cause = removalCause(builder, present, wantedOn);
    if (cause !== undefined) detach(builder, present, cause);
  }
}

/** QoS rows are root rows: they outlive the port that they were made for. */
function planLeakedQos(builder: Builder): void {
  const { observed, settings } = builder.input;
  if (observed.qos.size === 0) return;
  const used = new Set([...observed.ports.values()].map(({ qos }) => qos));
  for (const { uuid, externalIds } of observed.qos.values()) {
    if (used.has(uuid) || !isOwnedBy(externalIds, settings.mark)) continue;
    builder.removals.push({
      kind: 'dropQos',
      key: uuid,
      port: '',
      label: `QoS row ${uuid}`,
      differences: [{ table: 'QoS', field: '_uuid', from: uuid, to: '(removed)' }],
      uuid,
      owner: settings.mark,
    });
  }
}

function pluggedPorts({ observed, settings }: AttachInput): ReadonlyMap<string, PluggedPort> {
  const plugged = new Map<string, PluggedPort>();
  for (const port of observed.ports.values()) {
    const found = pluggedPort(port, settings.mark);
    if (found !== undefined) plugged.set(port.name, found);
  }
  return plugged;
}

/** What is to be done for the pods' networks, and what is said of each. */
export function planAttachments(input: AttachInput): AttachPlan {
  const builder: Builder = {
    input,
    removals: [],
    changes: [],
    linksDown: [],
    linksUp: [],
    candidates: [],
    verdicts: [],
    plugged: pluggedPorts(input),
    winners: new Map(),
  };
  const pods = [...input.pods.values()].sort((a, b) => (a.uid < b.uid ? -1 : 1));
  const applicants = pods.flatMap((pod) => readRequests(builder, pod));
  settle(builder, applicants);
  const wantedOn = new Set<string>();
  for (const applicant of applicants) {
    const device = planApplicant(builder, applicant);
    if (device !== undefined) wantedOn.add(device);
  }
  planStale(builder, wantedOn);
  planLeakedQos(builder);
  const { removals, changes, linksDown, linksUp, candidates, winners, verdicts } = builder;
  const goesDown = new Set(linksDown.map(({ name }) => name));
  return {
    actions: [...removals, ...changes],
    linksDown,
    linksUp: linksUp.filter(({ name }) => !goesDown.has(name)),
    candidates,
    holders: winners,
    verdicts,
  };
}
