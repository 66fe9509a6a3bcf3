/**
 * Second part of the plan of attachments: the rows of one attachment that has its device, made or repaired, its link, and
 * what is said of it. Removes nothing but a port whose device was created anew. Pure.
 */

import { safeText } from '../lib/text.js';
import { objectKey } from '../model/condition.js';
import type { LinkChange, Netdev } from '../model/netdev.js';
import type { ObservedBridge, ObservedPort, ObservedQos, SwitchLiveness } from '../model/observed.js';
import { isEmptyEdit } from '../plan/row-diff.js';
import type { QosChange } from './attach-action.js';
import { noteCandidate, portObject, say, type AttachObserved, type Builder } from './attach-builder.js';
import { attachmentLabel, failing, waitingFor, type Verdict, type WantedAttachment } from './attachment.js';
import { diffRows } from './desired-rows.js';
import { attachmentEvidence, judgeAttachment } from './judge-attachment.js';
import { detach, ownQos, rowsOf } from './plan-stale.js';
import { ifaceIdKey, isSameIdentity, type PluggedPort } from './row-identity.js';

export function planRows(builder: Builder, wanted: WantedAttachment, bridge: ObservedBridge): void {
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
