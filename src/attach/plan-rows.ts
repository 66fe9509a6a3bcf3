/**
 * Second part of the plan of attachments: the rows of one attachment that has its device, made or repaired, its link, and
 * what is said of it. Removes nothing but a port whose device was created anew. Pure.
 */

import { safeText } from '../lib/text.js';
import { objectKey } from '../model/condition.js';
import type { LinkChange, Netdev } from '../model/netdev.js';
import type { ObservedBridge, ObservedPort, ObservedQos } from '../model/observed.js';
import { holderOfInterface } from '../plan/own-rows.js';
import { isEmptyEdit } from '../plan/row-diff.js';
import type { AttachAction, QosChange } from './attach-action.js';
import { compareTexts, noteCandidate, portObject, say, type AttachObserved, type Builder } from './attach-builder.js';
import { attachmentLabel, failing, waitingFor, type Verdict, type WantedAttachment } from './attachment.js';
import { loweredLimits } from './bandwidth.js';
import { diffRows } from './desired-rows.js';
import { judgeAttachment } from './judge-attachment.js';
import { limitOf } from './plan-qos.js';
import { detach, rowsOf } from './plan-stale.js';
import { readPod } from './pod-reading.js';
import { shellCommand } from './shell-command.js';
import { ifaceIdKey, standsFor, type PluggedPort } from './row-identity.js';

/** Plans the rows of one attachment that has its device, and says of it what is seen. */
export function planRows(builder: Builder, wanted: WantedAttachment, bridge: ObservedBridge): void {
  const { request, netdev } = wanted;
  const { pod, nadKey } = request;
  const port = builder.input.observed.ports.get(netdev.name);
  const present = builder.plugged.get(netdev.name);
  if (present !== undefined && isInPlace(present, bridge) && standsFor(present, request.identity)) {
    planPlugged(builder, wanted, present);
    return;
  }
  const facts = { request, device: netdev.name };
  const words = refusalOf(builder, netdev.name);
  const obstacle = words === undefined ? obstacleOf(builder, wanted, port, present) : refused(words);
  say(builder, pod, nadKey, obstacle ?? notApplied, facts);
  if (obstacle === undefined && !builder.input.held.has(netdev.name)) createRows(builder, wanted, bridge);
}

function isInPlace({ port, isAlone }: PluggedPort, bridge: ObservedBridge): boolean {
  return isAlone && port.bridge === bridge.name;
}

const notApplied = waitingFor('NotApplied', 'The port is not in the database yet.', 'the port is being attached');

/** What the database said when it refused the last change of the port. */
function refusalOf({ input }: Builder, name: string): string | undefined {
  return input.quarantined.get(objectKey(portObject(name)));
}

function refused(words: string): Verdict {
  const message = `The database refused the change: ${safeText(words)}`;
  return failing('TransactionRefused', message, 'the virtual switch refused the port');
}

/** What is in the way of new rows. */
function obstacleOf(
  builder: Builder,
  wanted: WantedAttachment,
  port: ObservedPort | undefined,
  present: PluggedPort | undefined,
): Verdict | undefined {
  if (port === undefined) return foreignBond(builder, wanted) ?? namesakeOf(builder, wanted);
  // An own port of another identity is removed by `planStale`.
  if (present?.isOwn === true) {
    const message = `The former port ${port.name} is removed first.`;
    return waitingFor('DetachPending', message, 'the former port is being removed');
  }
  const message = `${port.name} is a port of ${safeText(port.bridge)} that is not this agent's.${leftOver(builder, port, present)}`;
  return failing('RepresentorForeign', message, 'the virtual function is in use by something else');
}

/** How to remove what another writer left of a pod that is gone: nobody else does, and the agent only what is its own. */
function leftOver({ input }: Builder, port: ObservedPort, present: PluggedPort | undefined): string {
  if (present === undefined || present.isOthers || input.pods.has(present.identity.uid)) return '';
  const pod = safeText(present.identity.ifaceId);
  const command = shellCommand('ovs-vsctl', '--if-exists', 'del-port', port.bridge, port.name) ?? '';
  return ` It is left of ${pod}, which is not listed; to remove it: ${command}`;
}

/** Somebody's port of another name that holds the device: an interface can be in one port only. */
function foreignBond({ input }: Builder, { netdev }: WantedAttachment): Verdict | undefined {
  const holder = holderOfInterface(input.observed, netdev.name);
  if (holder === undefined) return undefined;
  const message = `${netdev.name} is an interface of port ${safeText(holder.name)}, which is not this agent's.`;
  return failing('RepresentorForeign', message, 'the virtual function is in use by something else');
}

/** Another port that carries the iface-id: OVN would see the pod twice. */
function namesakeOf(builder: Builder, { request, netdev }: WantedAttachment): Verdict | undefined {
  const { settings, observed } = builder.input;
  const namesakes = holdersOfIfaceId(observed.ports).get(request.identity.ifaceId) ?? [];
  for (const { name, bridge } of namesakes) {
    if (name === netdev.name) continue;
    const plugged = builder.plugged.get(name);
    if (plugged?.isOwn === true && builder.winners.get(name) !== plugged.key) {
      return waitingFor('DetachPending', `${name} is detached first.`, 'the former port is being removed');
    }
    // ovn-controller looks at its own bridge alone.
    if (plugged?.isOwn !== true && bridge !== settings.bridge) continue;
    const message = `Port ${safeText(name)} of ${safeText(bridge)} carries the same iface-id.`;
    return failing('IfaceIdTaken', message, 'another port carries the name of this pod');
  }
  return undefined;
}

/** Observations are immutable: which ports carry which iface-id is listed once for each. */
const ifaceIds = new WeakMap<AttachObserved['ports'], ReadonlyMap<string, readonly ObservedPort[]>>();

function holdersOfIfaceId(ports: AttachObserved['ports']): ReadonlyMap<string, readonly ObservedPort[]> {
  const known = ifaceIds.get(ports);
  if (known !== undefined) return known;
  const byId = new Map<string, ObservedPort[]>();
  for (const port of [...ports.values()].sort((a, b) => compareTexts(a.name, b.name))) {
    for (const { externalIds } of port.interfaces) {
      const id = externalIds.get(ifaceIdKey);
      const holders = id === undefined ? undefined : byId.get(id);
      if (holders !== undefined) holders.push(port);
      else if (id !== undefined) byId.set(id, [port]);
    }
  }
  ifaceIds.set(ports, byId);
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
function planPlugged(builder: Builder, wanted: WantedAttachment, present: PluggedPort): void {
  const { request, netdev } = wanted;
  const facts = { request, device: netdev.name, evidence: limitEvidence(builder, wanted, present) };
  if (present.isOwn && isRecreated(builder, present, netdev)) {
    const message = `${netdev.name} was created anew under Open vSwitch.`;
    const verdict = waitingFor('DeviceRecreated', message, 'the virtual function is being attached anew');
    say(builder, request.pod, request.nadKey, verdict, facts);
    if (noteCandidate(builder, present, 'deviceRecreated')) detach(builder, present, 'its device was created anew');
    return;
  }
  const repair = repairOf(builder, wanted, present);
  say(builder, request.pod, request.nadKey, verdictOf(builder, wanted, present, repair), facts);
  const link = linkChange(wanted);
  if (link !== undefined) builder.linksUp.push(link);
  if (repair !== undefined) builder.changes.push(repair);
}

/** What is seen is evidence only of rows that are as wanted. */
function verdictOf(
  { input }: Builder,
  { netdev, mac }: WantedAttachment,
  { main }: PluggedPort,
  repair: Repair | undefined,
): Verdict {
  const words = input.quarantined.get(objectKey(portObject(netdev.name)));
  if (repair !== undefined && words !== undefined) return refused(words);
  if (repair?.interfaceEdit.set.has('type') === true) return notApplied;
  const { observed, settings } = input;
  return judgeAttachment({ main, netdev, mac, liveness: observed.liveness, settings });
}

/** What keeps a wanted limit from being in effect; nothing else would ever say it. */
function limitEvidence(
  builder: Builder,
  wanted: WantedAttachment,
  present: PluggedPort,
): Readonly<Record<string, string>> {
  const { maxRateBps } = wanted;
  const { bandwidth } = readPod(wanted.request.pod);
  const limit = limitOf(builder, present, wanted.request.identity.sandboxId);
  const problems = [...bandwidth.problems, ...loweredLimits(bandwidth, wanted)];
  const isForeign = maxRateBps !== undefined && present.port.qos !== undefined && limit === undefined;
  return {
    ...(problems.length === 0 ? {} : { bandwidth: problems.join(' ') }),
    ...(isForeign ? { qos: "not this agent's: the limit of the pod is not in effect" } : {}),
  };
}

/** Both datapaths make a device promiscuous when they open it, so one that has a number and is not was made after that. */
function isRecreated({ input }: Builder, { main, port }: PluggedPort, netdev: Netdev): boolean {
  const { answering } = input.observed.liveness;
  if (input.fresh.has(port.name)) return false;
  if (main.type !== '' || main.ofport === undefined || main.ofport <= 0 || !answering.has(port.bridge)) return false;
  const isOther = main.ifindex !== undefined && main.ifindex > 0 && main.ifindex !== netdev.ifindex;
  return !netdev.isPromiscuous || isOther;
}

function linkChange({ netdev, mtu }: WantedAttachment): LinkChange | undefined {
  const needsMtu = mtu !== undefined && netdev.mtu !== mtu;
  if (!needsMtu && netdev.isUp) return undefined;
  return { name: netdev.name, ...(needsMtu ? { mtu } : {}), isUp: true };
}

type Repair = Extract<AttachAction, { readonly kind: 'repair' }>;

function repairOf(builder: Builder, wanted: WantedAttachment, present: PluggedPort): Repair | undefined {
  const { port } = present;
  const qos = limitOf(builder, present, wanted.request.identity.sandboxId);
  const diffs = diffRows(wanted, present, qos, builder.input.settings.mark);
  const change = qosChange(port, qos, diffs.qos);
  if (isEmptyEdit(diffs.port.edit) && isEmptyEdit(diffs.interface.edit) && change.kind === 'keep') return undefined;
  const limits = change.kind === 'keep' ? [] : (diffs.qos?.differences ?? []);
  return {
    kind: 'repair',
    key: wanted.request.key,
    port: port.name,
    label: attachmentLabel(wanted.request.pod, wanted.request.nadKey),
    differences: [...diffs.port.differences, ...diffs.interface.differences, ...limits],
    rows: rowsOf(present),
    portEdit: diffs.port.edit,
    interfaceEdit: diffs.interface.edit,
    qos: change,
  };
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
