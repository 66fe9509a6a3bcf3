/**
 * Any message as a typed value. Used by the connection for what comes in, and by tests and tools that read recorded
 * streams. Statistics keep their part as a list; a type that is not known keeps its bytes.
 */

import type { AggregateStats, FlowMod, FlowRemoved, FlowStats } from '../flow.js';
import { version15, versionOf } from '../version.js';
import type { Version } from '../version.js';
import { decodeBundleReply, onfBundle } from './bundles.js';
import type { BundleReply } from './bundles.js';
import { ByteReader, expectWire } from './byte-reader.js';
import { decodeError } from './error-message.js';
import type { ErrorMessage } from './error-message.js';
import { decodeFlowMod } from './flow-mod.js';
import { decodeFlowUpdates, onfFlowMonitor } from './flow-monitor.js';
import type { FlowUpdate } from './flow-monitor.js';
import { decodeFlowRemoved } from './flow-removed.js';
import { decodeAggregate, decodeFlowStats } from './flow-stats.js';
import { decodeGroupDescs, decodeGroupStats } from './groups.js';
import type { Group, GroupStats } from './groups.js';
import { decodeHeader, headerSize, messageType, vendor } from './header.js';
import type { Header } from './header.js';
import { decodeMeterConfigs } from './meters.js';
import type { Meter } from './meters.js';
import { decodeMultipartHeader, multipartType } from './multipart.js';
import { decodePacketIn } from './packets.js';
import type { PacketIn } from './packets.js';
import { decodePortDescs, decodePortStatsList, decodePortStatus } from './ports.js';
import type { PortDesc, PortStats, PortStatus } from './ports.js';
import { decodeConfig, decodeFeatures, decodeRole } from './session-messages.js';
import type { Features, RoleState, SwitchConfig } from './session-messages.js';
import { decodeTableStats } from './tables.js';
import type { TableStats } from './tables.js';

/** What a message says, apart from its header. */
export type MessageBody =
  | { readonly kind: 'hello' | 'barrierReply' }
  | { readonly kind: 'error'; readonly error: ErrorMessage }
  | { readonly kind: 'echoRequest' | 'echoReply'; readonly data: Uint8Array }
  | { readonly kind: 'features'; readonly features: Features }
  | { readonly kind: 'config'; readonly config: SwitchConfig }
  | { readonly kind: 'packetIn'; readonly packet: PacketIn }
  | { readonly kind: 'flowRemoved'; readonly flow: FlowRemoved }
  | { readonly kind: 'portStatus'; readonly status: PortStatus }
  | { readonly kind: 'flowMod'; readonly mod: FlowMod }
  | { readonly kind: 'role'; readonly role: RoleState }
  | { readonly kind: 'bundleReply'; readonly reply: BundleReply }
  | { readonly kind: 'multipart'; readonly hasMore: boolean; readonly part: MultipartBody }
  | { readonly kind: 'other'; readonly type: number; readonly data: Uint8Array };

/** One part of a multipart reply. */
export type MultipartBody =
  | { readonly kind: 'flows'; readonly flows: readonly FlowStats[] }
  | { readonly kind: 'aggregate'; readonly aggregate: AggregateStats }
  | { readonly kind: 'tables'; readonly tables: readonly TableStats[] }
  | { readonly kind: 'portStats'; readonly ports: readonly PortStats[] }
  | { readonly kind: 'portDescs'; readonly ports: readonly PortDesc[] }
  | { readonly kind: 'groupStats'; readonly groups: readonly GroupStats[] }
  | { readonly kind: 'groups'; readonly groups: readonly Group[] }
  | { readonly kind: 'meters'; readonly meters: readonly Meter[] }
  | { readonly kind: 'flowUpdates'; readonly updates: readonly FlowUpdate[] }
  | { readonly kind: 'other'; readonly type: number; readonly data: Uint8Array };

export interface Message extends Header {
  readonly body: MessageBody;
}

/**
 * Decodes one whole message. A hello or error with a version that this client does not speak is decoded all the same, as
 * both come before a version is agreed on.
 * @throws AgentError PEER_PROTOCOL for a message that contradicts itself or has another version
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new ByteReader(bytes);
  const header = decodeHeader(reader);
  expectWire(header.size === bytes.length, 'the length in the header is not that of the message');
  const spoken = versionOf(header.version);
  const isEarly = header.type === messageType.hello || header.type === messageType.error;
  expectWire(spoken !== undefined || isEarly, 'the version of the message is not spoken here');
  return { ...header, body: decodeBody(header.type, reader, spoken ?? version15) };
}

function decodeBody(type: number, body: ByteReader, version: Version): MessageBody {
  switch (type) {
    case messageType.hello:
      return { kind: 'hello' };
    case messageType.error:
      return { kind: 'error', error: decodeError(body) };
    case messageType.echoRequest:
      return { kind: 'echoRequest', data: body.bytes(body.remaining) };
    case messageType.echoReply:
      return { kind: 'echoReply', data: body.bytes(body.remaining) };
    case messageType.featuresReply:
      return { kind: 'features', features: decodeFeatures(body) };
    case messageType.getConfigReply:
      return { kind: 'config', config: decodeConfig(body) };
    case messageType.packetIn:
      return { kind: 'packetIn', packet: decodePacketIn(body) };
    case messageType.flowRemoved:
      return { kind: 'flowRemoved', flow: decodeFlowRemoved(body, version) };
    case messageType.portStatus:
      return { kind: 'portStatus', status: decodePortStatus(body, version) };
    case messageType.flowMod:
      return { kind: 'flowMod', mod: decodeFlowMod(body) };
    case messageType.barrierReply:
      return { kind: 'barrierReply' };
    case messageType.roleReply:
      return { kind: 'role', role: decodeRole(body) };
    case messageType.bundleControl:
      return { kind: 'bundleReply', reply: decodeBundleReply(body) };
    case messageType.multipartReply:
      return decodeMultipart(body, version);
    default:
      return decodeOther(type, body);
  }
}

/** What is left: experimenter messages, of which the bundles of 1.3 are known, and the unknown. */
function decodeOther(type: number, body: ByteReader): MessageBody {
  if (type === messageType.experimenter && body.remaining >= headerSize) {
    const start = body.offset;
    if (body.u32() === vendor.onf && body.u32() === onfBundle.control) {
      return { kind: 'bundleReply', reply: decodeBundleReply(body) };
    }
    body.skip(body.remaining);
    return { kind: 'other', type, data: body.since(start) };
  }
  return { kind: 'other', type, data: body.bytes(body.remaining) };
}

function decodeMultipart(body: ByteReader, version: Version): MessageBody {
  const { type, hasMore } = decodeMultipartHeader(body);
  return { kind: 'multipart', hasMore, part: decodePart(type, body, version) };
}

function decodePart(type: number, body: ByteReader, version: Version): MultipartBody {
  switch (type) {
    case multipartType.flow:
      return { kind: 'flows', flows: decodeFlows(body, version) };
    case multipartType.aggregate:
      return { kind: 'aggregate', aggregate: decodeAggregate(body, version) };
    case multipartType.table:
      return { kind: 'tables', tables: decodeTableStats(body) };
    case multipartType.portStats:
      return { kind: 'portStats', ports: decodePortStatsList(body, version) };
    case multipartType.portDesc:
      return { kind: 'portDescs', ports: decodePortDescs(body, version) };
    case multipartType.group:
      return { kind: 'groupStats', groups: decodeGroupStats(body) };
    case multipartType.groupDesc:
      return { kind: 'groups', groups: decodeGroupDescs(body, version) };
    case multipartType.meterConfig:
      return { kind: 'meters', meters: decodeMeterConfigs(body) };
    case multipartType.flowMonitor:
      return { kind: 'flowUpdates', updates: decodeFlowUpdates(body, version) };
    case multipartType.experimenter:
      return decodeExperimenterPart(body, version);
    default:
      return { kind: 'other', type, data: body.bytes(body.remaining) };
  }
}

function decodeFlows(body: ByteReader, version: Version): readonly FlowStats[] {
  const flows: FlowStats[] = [];
  while (body.remaining > 0) flows.push(decodeFlowStats(body, version));
  return flows;
}

function decodeExperimenterPart(body: ByteReader, version: Version): MultipartBody {
  const isMonitor = body.u32() === vendor.onf && body.u32() === onfFlowMonitor;
  if (isMonitor) return { kind: 'flowUpdates', updates: decodeFlowUpdates(body, version) };
  return { kind: 'other', type: multipartType.experimenter, data: body.bytes(body.remaining) };
}
