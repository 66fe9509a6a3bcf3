/**
 * What can be asked of a switch: one function for each question, on a connection that is ready. Used by the client.
 */

import { port as portNumber } from './actions.js';
import { AgentError } from '../lib/errors.js';
import type { AggregateStats, FlowFilter, FlowStats } from './flow.js';
import { multipartCall, partHeaderSize, requestRefused } from './multipart-call.js';
import { pend, refuseAborted } from './pending.js';
import type { CallContext, CallOptions } from './pending.js';
import { version15 } from './version.js';
import type { Version } from './version.js';
import { ByteReader } from './wire/byte-reader.js';
import { ByteWriter } from './wire/byte-writer.js';
import { decodeFlowStats, encodeFlowFilter } from './wire/flow-stats.js';
import { groupAll } from './wire/groups.js';
import type { Group, GroupStats } from './wire/groups.js';
import { encodeMessage, messageType } from './wire/header.js';
import { decodeMessage } from './wire/message.js';
import type { MessageBody, MultipartBody } from './wire/message.js';
import { meterAll } from './wire/meters.js';
import type { Meter } from './wire/meters.js';
import { multipartType } from './wire/multipart.js';
import type { PortDesc, PortStats } from './wire/ports.js';
import { encodeRoleRequest } from './wire/session-messages.js';
import type { Role, RoleState, SwitchConfig } from './wire/session-messages.js';
import type { TableStats } from './wire/tables.js';

/** The flows of a filter, in the portions of the switch. */
export async function* dumpFlowParts(
  context: CallContext,
  filter: FlowFilter,
  options: CallOptions,
): AsyncGenerator<readonly FlowStats[], void, undefined> {
  const { version } = context.connection;
  const encode = (writer: ByteWriter): void => encodeFlowFilter(writer, version, filter);
  for await (const part of multipartCall(context, multipartType.flow, encode, options)) {
    const reader = new ByteReader(part, partHeaderSize);
    const flows: FlowStats[] = [];
    while (reader.remaining > 0) flows.push(decodeFlowStats(reader, version));
    yield flows;
  }
}

export async function aggregate(
  context: CallContext,
  filter: FlowFilter,
  options: CallOptions,
): Promise<AggregateStats> {
  const { version } = context.connection;
  const [part] = await parts(context, multipartType.aggregate, 'aggregate', options, (writer) =>
    encodeFlowFilter(writer, version, filter),
  );
  if (part !== undefined) return part.aggregate;
  throw new AgentError('PEER_PROTOCOL', 'the switch answered an aggregate request with nothing');
}

export async function portDescs(context: CallContext, options: CallOptions): Promise<readonly PortDesc[]> {
  const { version } = context.connection;
  const list = await parts(context, multipartType.portDesc, 'portDescs', options, (writer) => {
    // Only the request of 1.5 names a port.
    if (version >= version15) writer.u32(portNumber.any).u32(0);
  });
  return list.flatMap((part) => part.ports);
}

export async function portStats(
  context: CallContext,
  port: number = portNumber.any,
  options: CallOptions = {},
): Promise<readonly PortStats[]> {
  const list = await parts(context, multipartType.portStats, 'portStats', options, (writer) => writer.u32(port).u32(0));
  return list.flatMap((part) => part.ports);
}

export async function tableStats(context: CallContext, options: CallOptions): Promise<readonly TableStats[]> {
  const list = await parts(context, multipartType.table, 'tables', options);
  return list.flatMap((part) => part.tables);
}

export async function groups(context: CallContext, options: CallOptions): Promise<readonly Group[]> {
  const { version } = context.connection;
  const list = await parts(context, multipartType.groupDesc, 'groups', options, (writer) => {
    if (version >= version15) writer.u32(groupAll).u32(0);
  });
  return list.flatMap((part) => part.groups);
}

export async function groupStats(
  context: CallContext,
  group: number = groupAll,
  options: CallOptions = {},
): Promise<readonly GroupStats[]> {
  const list = await parts(context, multipartType.group, 'groupStats', options, (writer) => writer.u32(group).u32(0));
  return list.flatMap((part) => part.groups);
}

export async function meters(context: CallContext, options: CallOptions): Promise<readonly Meter[]> {
  const list = await parts(context, multipartType.meterConfig, 'meters', options, (writer) =>
    writer.u32(meterAll).u32(0),
  );
  return list.flatMap((part) => part.meters);
}

export async function config(context: CallContext, options: CallOptions): Promise<SwitchConfig> {
  const body = await request(context, options, (writer, version, xid) =>
    encodeMessage(writer, version, messageType.getConfigRequest, xid),
  );
  if (body.kind === 'config') return body.config;
  throw unexpected(body);
}

export async function role(
  context: CallContext,
  wanted: Role,
  generation: bigint,
  options: CallOptions,
): Promise<RoleState> {
  const body = await request(context, options, (writer, version, xid) =>
    encodeRoleRequest(writer, version, xid, wanted, generation),
  );
  if (body.kind === 'role') return body.role;
  throw unexpected(body);
}

/** One message there, one back. */
async function request(
  context: CallContext,
  options: CallOptions,
  encode: (writer: ByteWriter, version: Version, xid: number) => void,
): Promise<MessageBody> {
  refuseAborted(options.signal);
  const { connection } = context;
  const xid = connection.takeXids(1);
  const writer = new ByteWriter(64);
  encode(writer, connection.version, xid);
  const reply = pend<MessageBody>(context, { firstXid: xid, lastXid: xid }, options, (settle) => ({
    onReply: ({ body }) => settle.resolve(body),
    onError: (_xid, error) => settle.reject(requestRefused(error)),
  }));
  void connection.write(writer.take());
  return reply;
}

/** All parts of an answer, decoded. */
async function parts<K extends MultipartBody['kind']>(
  context: CallContext,
  type: number,
  kind: K,
  options: CallOptions,
  encodeBody: (writer: ByteWriter) => void = () => undefined,
): Promise<readonly Extract<MultipartBody, { readonly kind: K }>[]> {
  const list: Extract<MultipartBody, { readonly kind: K }>[] = [];
  for await (const bytes of multipartCall(context, type, encodeBody, options)) {
    const { body } = decodeMessage(bytes);
    if (body.kind !== 'multipart') throw unexpected(body);
    if (isOfKind(body.part, kind)) list.push(body.part);
  }
  return list;
}

function isOfKind<K extends MultipartBody['kind']>(
  part: MultipartBody,
  kind: K,
): part is Extract<MultipartBody, { readonly kind: K }> {
  return part.kind === kind;
}

function unexpected(body: MessageBody): AgentError {
  return new AgentError('PEER_PROTOCOL', 'the switch answered with another message', { facts: { kind: body.kind } });
}
