/**
 * From what a failed call says of itself to an AgentError: the stable code of google.rpc.ErrorInfo, and the fields of
 * google.rpc.BadRequest. Status codes: https://grpc.io/docs/guides/status-codes/; details: https://google.aip.dev/193.
 */

import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack, durationMs } from '@bufbuild/protobuf/wkt';
import { status as grpcStatus, type ServiceError } from '@grpc/grpc-js';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../gen/proto/google/rpc/error_details_pb.js';
import { StatusSchema } from '../gen/proto/google/rpc/status_pb.js';
import { AgentError, errorPolicies, type AgentErrorOptions, type ErrorCode } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { describeTarget, type ApiTarget } from './api-target.js';

/** One thing that is wrong with a request; safe to print. */
export interface Violation {
  readonly field: string;
  readonly description: string;
  /** Name of the rule; empty where the agent names none. */
  readonly reason: string;
}

/** A call that failed. */
export class ApiError extends AgentError {
  /** What is wrong with the request, field by field. */
  readonly violations: readonly Violation[];
  /** When it may be tried again, ms from now; undefined where the agent does not say. */
  readonly retryAfterMs: number | undefined;
  /** The values that matter, as the agent named them. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, details: Details, options: AgentErrorOptions) {
    super(code, message, options);
    this.violations = details.violations;
    this.retryAfterMs = details.retryAfterMs;
    this.metadata = details.metadata;
  }
}

interface Details {
  readonly code: ErrorCode | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  readonly retryAfterMs: number | undefined;
}

/** Without ErrorInfo the status code has to do. */
const codesByStatus: Readonly<Partial<Record<grpcStatus, ErrorCode>>> = {
  [grpcStatus.CANCELLED]: 'ABORTED',
  [grpcStatus.INVALID_ARGUMENT]: 'API_INVALID',
  [grpcStatus.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  [grpcStatus.NOT_FOUND]: 'NOT_FOUND',
  [grpcStatus.PERMISSION_DENIED]: 'API_FORBIDDEN',
  [grpcStatus.RESOURCE_EXHAUSTED]: 'API_LIMIT',
  [grpcStatus.UNAVAILABLE]: 'NOT_CONNECTED',
  [grpcStatus.UNAUTHENTICATED]: 'API_UNAUTHENTICATED',
};

const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorPolicies, text);

/** Violations that are kept: a refused bundle can have thousands. */
const violationCountMax = 200;

const noDetails: Details = { code: undefined, metadata: {}, violations: [], retryAfterMs: undefined };

function decodeDetails(bytes: Uint8Array): Details {
  const { details } = fromBinary(StatusSchema, bytes);
  let found = noDetails;
  for (const detail of details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) {
      const code = isErrorCode(info.reason) ? info.reason : undefined;
      found = { ...found, code, metadata: { ...info.metadata } };
    }
    const violations = anyUnpack(detail, BadRequestSchema)?.fieldViolations;
    if (violations !== undefined) {
      const shown = violations.slice(0, violationCountMax).map(({ field, description, reason }) => ({
        field: safeText(field, 400),
        description: safeText(description, 1_000),
        reason: safeText(reason, 100),
      }));
      found = { ...found, violations: shown };
    }
    const retryDelay = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
    if (retryDelay !== undefined) found = { ...found, retryAfterMs: durationMs(retryDelay) };
  }
  return found;
}

/** The trailer of rich errors; what cannot be decoded is as good as absent, for the status code says enough. */
function detailsOf({ metadata }: ServiceError): Details {
  const [value] = metadata.get('grpc-status-details-bin');
  if (!(value instanceof Uint8Array)) return noDetails;
  try {
    return decodeDetails(value);
  } catch (error) {
    if (error instanceof Error) return noDetails;
    throw error;
  }
}

/** What grpc-js says of the last attempt, without what it says around it. */
function lastErrorOf(text: string): string {
  const [, last = text] = /Last error: (.*?)\.?(?: Resolution note:.*)?$/s.exec(text) ?? [];
  return last;
}

/** What a connection failed of, in one clause. Codes: connect(2), getaddrinfo(3). */
function causeOf(target: ApiTarget, text: string): string {
  const isSocket = target.kind === 'unix';
  if (isSocket && text.includes('ENOENT')) return 'the socket does not exist';
  if (/EACCES|EPERM/.test(text)) return 'permission denied';
  if (text.includes('ECONNREFUSED')) return isSocket ? 'nobody listens at the socket' : 'connection refused';
  if (text.includes('ENOTSOCK')) return 'it is no socket';
  if (/EHOSTUNREACH|ENETUNREACH/.test(text)) return 'there is no way there';
  if (text.includes('ETIMEDOUT')) return 'the other side does not answer';
  if (/ENOTFOUND|EAI_|[Nn]ame resolution failed/.test(text)) return 'the name is not known';
  if (/ECONNRESET|EPIPE|dropped|going away|GOAWAY/i.test(text)) return 'the connection was closed';
  return safeText(lastErrorOf(text), 300);
}

/** Where one sees whether an agent runs. */
const serviceRemedy = ({ kind }: ApiTarget): string =>
  kind === 'unix'
    ? 'See whether it runs and what it does: systemctl status dpu-node-agent.'
    : 'See there whether it runs and what it does: systemctl status dpu-node-agent.';

function connectRemedy(target: ApiTarget, text: string): string {
  const name = describeTarget(target);
  if (target.kind === 'tls') {
    return /certificate|TLS|SSL|alert|altnames/i.test(text)
      ? `See whether the certificates are right: --ca for ${name}, --cert and --key as its authority for clients wants.`
      : `See whether the agent listens at ${name} (api.grpc.listen), and whether the way to it is open.`;
  }
  if (/EACCES|EPERM/.test(text))
    return `Run dpuctl as root, or as a user in the group of ${target.path} (api.grpc.group).`;
  return `Start the agent (systemctl start dpu-node-agent), or name the socket that it serves instead of ${name}: --address, or --run-dir.`;
}

/** An agent that has taken the connection and says nothing. */
export function silentError(target: ApiTarget, waitedMs: number | undefined, cause?: unknown): ApiError {
  const time = waitedMs === undefined ? 'in time' : `in ${Number((waitedMs / 1_000).toPrecision(3))} s`;
  const message = `the agent at ${describeTarget(target)} does not answer: nothing came ${time}`;
  return new ApiError('DEADLINE_EXCEEDED', message, noDetails, { cause, remedy: serviceRemedy(target) });
}

function remedyFor(target: ApiTarget, error: ServiceError, details: Details): string | undefined {
  const told = details.metadata['remedy'];
  if (told !== undefined) return safeText(told, 600);
  if (details.code !== undefined) return undefined;
  switch (error.code) {
    case grpcStatus.UNAVAILABLE:
      return connectRemedy(target, error.details);
    case grpcStatus.UNIMPLEMENTED:
      return 'The agent is older than this dpuctl: take the dpuctl of its version.';
    default:
      return undefined;
  }
}

/**
 * The error of a call as AgentError; `remedy` is what the agent says, or what the kind of failure suggests.
 * @param deadlineMs what the call had, ms; undefined: a stream
 */
export function toApiError(error: ServiceError, target: ApiTarget, deadlineMs?: number): ApiError {
  const details = detailsOf(error);
  const code = details.code ?? codesByStatus[error.code] ?? 'PEER_PROTOCOL';
  const isForeign = details.code === undefined;
  if (isForeign && error.code === grpcStatus.DEADLINE_EXCEEDED) return silentError(target, deadlineMs, error);
  const isAway = isForeign && error.code === grpcStatus.UNAVAILABLE;
  const message = isAway
    ? `no agent answers at ${describeTarget(target)}: ${causeOf(target, error.details)}`
    : safeText(error.details, 1_000);
  const remedy = remedyFor(target, error, details);
  return new ApiError(code, message, details, { cause: error, ...(remedy === undefined ? {} : { remedy }) });
}
