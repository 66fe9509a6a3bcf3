/**
 * The public face of the OpenFlow library: the client, the typed values it works with, and their text form. Everything
 * else in this folder is its own business.
 */

export { apply, groupAny, port, tableAll } from './actions.js';
export type {
  Action,
  ActionKind,
  ControllerAction,
  CtAction,
  Instructions,
  LearnAction,
  LearnImmediate,
  LearnSpec,
  LoadAction,
  MoveAction,
  NatAction,
  OutputAction,
  OutputRegAction,
  RawAction,
  ResubmitAction,
  SampleAction,
  SetFieldAction,
} from './actions.js';
export { OpenFlowClient } from './client.js';
export type { MessageResult, OpenFlowClientOptions } from './client.js';
export type { TlsFiles } from './dial.js';
export { formatEndpoint, parseEndpoint } from './endpoint.js';
export type { Endpoint } from './endpoint.js';
export type { ClientState, OpenFlowDiagnostic, OpenFlowEvents } from './events.js';
export { fields, wholeField } from './fields.js';
export type { Field, FieldName, FieldValue, Subfield } from './fields.js';
export { flowFlag, priorityDefault } from './flow.js';
export type {
  AggregateStats,
  Duration,
  Flow,
  FlowCommand,
  FlowFilter,
  FlowMod,
  FlowRemoved,
  FlowRemovedReason,
  FlowStats,
} from './flow.js';
export { flowContentKey, flowKey } from './flow-key.js';
export { match, matchEntry, matchKey, normalMatch } from './match.js';
export type { KnownMatchField, Match, MatchField, MatchInput, RawMatchField } from './match.js';
export type { MonitorOptions } from './monitor.js';
export type { CallOptions } from './pending.js';
export { OpenFlowRefusal } from './refusal.js';
export type { Refusal } from './refusal.js';
export { prerequisiteMissing } from './text/match-builder.js';
export { formatIpv4, formatIpv6, formatMac, formatPort, parseIpv4, parseIpv6, parseMac } from './text/notation.js';
export { parseActions, parseInstructions } from './text/parse-actions.js';
export { parseFlow, parseMatch } from './text/parse-flow.js';
export { formatAction, formatActions, formatInstructions } from './text/print-actions.js';
export { formatFlow, formatFlowMod, formatFlowStats } from './text/print-flow.js';
export { formatMatch } from './text/print-match.js';
export { versionName, versionsSpoken } from './version.js';
export type { Version } from './version.js';
export type { BundleMessage, ChangeMessage } from './wire/change.js';
export type { ErrorMessage } from './wire/error-message.js';
export type { FlowUpdate } from './wire/flow-monitor.js';
export { bucketPlace, groupAll } from './wire/groups.js';
export type { Bucket, Group, GroupCommand, GroupMod, GroupStats, GroupType } from './wire/groups.js';
export { decodeMessage } from './wire/message.js';
export type { Message, MessageBody, MultipartBody } from './wire/message.js';
export { meterAll, meterFlag } from './wire/meters.js';
export type { Meter, MeterBand, MeterMod } from './wire/meters.js';
export type { PacketIn, PacketOut } from './wire/packets.js';
export type { PortDesc, PortStats, PortStatus } from './wire/ports.js';
export type { AsyncFilter, Features, Role, RoleState, SwitchConfig } from './wire/session-messages.js';
export type { TableStats } from './wire/tables.js';
