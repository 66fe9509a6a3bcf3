/**
 * What a caller is told when a call fails: the gRPC status of each error code, and google.rpc.Status with the stable code, the
 * facts, the remedy and the fields. The only place where the two lists of codes meet.
 */

import { create, toBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { Metadata, status } from '@grpc/grpc-js';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../../gen/proto/google/rpc/error_details_pb.js';
import { StatusSchema } from '../../gen/proto/google/rpc/status_pb.js';
import { AgentError, type ErrorCode } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';
import { RequestError } from '../request-error.js';

/** Domain of every ErrorInfo: what the reason is a code of. */
export const errorDomain = 'dpu-node-agent';

/** The gRPC status of each code. Codes that a client cannot mend and that are nobody's bug are FAILED_PRECONDITION. */
export const grpcCodes: Readonly<Record<ErrorCode, status>> = {
  ABORTED: status.CANCELLED,
  ABORTED_IN_FLIGHT: status.CANCELLED,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  ENDPOINT_INVALID: status.FAILED_PRECONDITION,
  CONNECT_FAILED: status.UNAVAILABLE,
  // The agent's own rights towards somebody else, not the caller's.
  PERMISSION_DENIED: status.FAILED_PRECONDITION,
  TLS_INVALID: status.UNAVAILABLE,
  NOT_CONNECTED: status.UNAVAILABLE,
  CONNECTION_LOST: status.UNAVAILABLE,
  PEER_PROTOCOL: status.UNAVAILABLE,
  LIMIT_EXCEEDED: status.RESOURCE_EXHAUSTED,
  CLIENT_CLOSED: status.UNAVAILABLE,
  OVSDB_SYNTAX: status.INTERNAL,
  OVSDB_UNKNOWN_DATABASE: status.UNAVAILABLE,
  OVSDB_UNKNOWN_METHOD: status.FAILED_PRECONDITION,
  OVSDB_SCHEMA_MISMATCH: status.FAILED_PRECONDITION,
  OVSDB_VALUE_INVALID: status.FAILED_PRECONDITION,
  OVSDB_CONSTRAINT: status.FAILED_PRECONDITION,
  OVSDB_REFERENTIAL: status.FAILED_PRECONDITION,
  OVSDB_DUPLICATE_UUID: status.FAILED_PRECONDITION,
  OVSDB_WAIT_FAILED: status.ABORTED,
  OVSDB_NOT_OWNER: status.UNAVAILABLE,
  OVSDB_OPERATION_ABORTED: status.ABORTED,
  OVSDB_CANCELED: status.ABORTED,
  OVSDB_RESOURCES: status.RESOURCE_EXHAUSTED,
  OVSDB_IO: status.UNAVAILABLE,
  OVSDB_PERMISSION: status.FAILED_PRECONDITION,
  OVSDB_REFUSED: status.FAILED_PRECONDITION,
  OPENFLOW_REFUSED: status.FAILED_PRECONDITION,
  OPENFLOW_VERSION: status.UNAVAILABLE,
  OPENFLOW_VALUE_INVALID: status.INVALID_ARGUMENT,
  OPENFLOW_TEXT_INVALID: status.INVALID_ARGUMENT,
  UNIXCTL_REFUSED: status.FAILED_PRECONDITION,
  UNIXCTL_BUSY: status.UNAVAILABLE,
  KUBE_UNAUTHORIZED: status.UNAVAILABLE,
  KUBE_FORBIDDEN: status.FAILED_PRECONDITION,
  KUBE_NOT_FOUND: status.FAILED_PRECONDITION,
  KUBE_CONFLICT: status.ABORTED,
  KUBE_INVALID: status.FAILED_PRECONDITION,
  KUBE_GONE: status.UNAVAILABLE,
  KUBE_THROTTLED: status.UNAVAILABLE,
  KUBE_SERVER_ERROR: status.UNAVAILABLE,
  KUBE_REFUSED: status.FAILED_PRECONDITION,
  KUBE_CREDENTIALS: status.UNAVAILABLE,
  CONFIG_UNREADABLE: status.FAILED_PRECONDITION,
  CONFIG_INVALID: status.FAILED_PRECONDITION,
  USAGE: status.INVALID_ARGUMENT,
  NETDEV_REFUSED: status.FAILED_PRECONDITION,
  STATE_UNWRITABLE: status.UNAVAILABLE,
  STATE_DAMAGED: status.DATA_LOSS,
  API_ADDRESS: status.UNAVAILABLE,
  API_UNAUTHENTICATED: status.UNAUTHENTICATED,
  API_FORBIDDEN: status.PERMISSION_DENIED,
  API_INVALID: status.INVALID_ARGUMENT,
  API_LIMIT: status.RESOURCE_EXHAUSTED,
  // What a watcher has is too old to go on from: begin with a snapshot.
  API_EXPIRED: status.OUT_OF_RANGE,
  API_CLOSED: status.UNAVAILABLE,
  NOT_FOUND: status.NOT_FOUND,
  INTENT_INVALID: status.INVALID_ARGUMENT,
  // Another owner has the object.
  INTENT_CONFLICT: status.ALREADY_EXISTS,
  // Read what is in force, and decide anew.
  INTENT_GENERATION: status.ABORTED,
  INTENT_REPLAYED: status.ALREADY_EXISTS,
  INTENT_LIMIT: status.RESOURCE_EXHAUSTED,
};

/** What grpc-js sends at the end of a call. */
export interface CallStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

// Some clients take no more than 8 KiB of trailers (the default of gRPC C core), and base64 makes a third more of it.
const detailBytesMax = 4_096;
const messageLengthMax = 512;
const factLengthMax = 256;
const violationsMax = 64;
/** Advice to a caller of what can be tried again; long enough not to hurt if all obey at once. */
const retryDelayS = 1n;

const typeUrl = (schema: DescMessage): string => `type.googleapis.com/${schema.typeName}`;

function packed<S extends DescMessage>(
  schema: S,
  init: MessageInitShape<S>,
): { readonly typeUrl: string; readonly value: Uint8Array } {
  return { typeUrl: typeUrl(schema), value: toBinary(schema, create(schema, init)) };
}

function errorInfo({ code, facts, remedy }: AgentError): ReturnType<typeof packed> {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(facts)) {
    if (value !== undefined) metadata[key] = safeText(String(value), factLengthMax);
  }
  if (remedy !== undefined) metadata['remedy'] = safeText(remedy, messageLengthMax);
  return packed(ErrorInfoSchema, { reason: code, domain: errorDomain, metadata });
}

function badRequest({ violations }: RequestError, count: number): ReturnType<typeof packed> {
  const fieldViolations = violations.slice(0, count).map(({ field, description, reason }) => ({
    field: safeText(field),
    description: safeText(description, messageLengthMax),
    reason,
  }));
  return packed(BadRequestSchema, { fieldViolations });
}

function richStatus(error: AgentError, code: status, message: string): Uint8Array {
  const details = [errorInfo(error)];
  if (error.canRetry) details.push(packed(RetryInfoSchema, { retryDelay: { seconds: retryDelayS } }));
  const encode = (violationCount: number): Uint8Array => {
    const all = error instanceof RequestError ? [...details, badRequest(error, violationCount)] : details;
    return toBinary(StatusSchema, create(StatusSchema, { code, message, details: all }));
  };
  let count = error instanceof RequestError ? Math.min(error.violations.length, violationsMax) : 0;
  let bytes = encode(count);
  // The first violations matter most; the rest shows once they are mended.
  while (bytes.length > detailBytesMax && count > 1) {
    count = Math.floor(count / 2);
    bytes = encode(count);
  }
  if (bytes.length <= detailBytesMax) return bytes;
  const bare = new AgentError(error.code, message);
  return toBinary(StatusSchema, create(StatusSchema, { code, message, details: [errorInfo(bare)] }));
}

/** The status that tells an expected failure. */
export function statusOfError(error: AgentError): CallStatus {
  const code = grpcCodes[error.code];
  const message = safeText(error.message, messageLengthMax);
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(richStatus(error, code, message)));
  return { code, details: message, metadata };
}

/** The status of whatever was thrown. What is no AgentError is a bug: `onBug` gets it, the caller only learns that there is one. */
export function statusOfThrown(thrown: unknown, onBug: (thrown: unknown) => void): CallStatus {
  if (thrown instanceof AgentError) return statusOfError(thrown);
  onBug(thrown);
  return { code: status.INTERNAL, details: 'the agent failed at this; its log says more', metadata: new Metadata() };
}
