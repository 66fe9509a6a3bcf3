/**
 * The one error class of the agent and its protocol clients, and the closed list of its codes.
 *
 * A code is an interface to operators: documented in docs/errors.md (a test keeps the two lists equal) and never given a
 * second meaning. `outcome` answers the question that matters after a failed change: can it have happened?
 */

/** What the caller may do next, and whether the operation may have happened. */
export interface ErrorPolicy {
  /** `backoff`: the same call can succeed later. `never`: something has to be changed first. */
  readonly retry: 'never' | 'backoff';
  /** `notApplied`: it certainly did not happen. `unknown`: look again before acting. */
  readonly outcome: 'notApplied' | 'unknown';
}

const never: ErrorPolicy = { retry: 'never', outcome: 'notApplied' };
const backoff: ErrorPolicy = { retry: 'backoff', outcome: 'notApplied' };
const unknown: ErrorPolicy = { retry: 'backoff', outcome: 'unknown' };

/** Every error code with its policy. */
export const errorPolicies = {
  // Any call.
  ABORTED: never,
  ABORTED_IN_FLIGHT: { retry: 'never', outcome: 'unknown' },
  DEADLINE_EXCEEDED: unknown,
  // Connections of the protocol clients (OVSDB, OpenFlow, unixctl).
  ENDPOINT_INVALID: never,
  CONNECT_FAILED: backoff,
  PERMISSION_DENIED: backoff,
  TLS_INVALID: backoff,
  NOT_CONNECTED: backoff,
  CONNECTION_LOST: unknown,
  PEER_PROTOCOL: unknown,
  LIMIT_EXCEEDED: never,
  CLIENT_CLOSED: never,
  // OVSDB: RFC 7047 section 3.1 and 4.1.3, and what Open vSwitch adds.
  OVSDB_SYNTAX: never,
  OVSDB_UNKNOWN_DATABASE: backoff,
  OVSDB_UNKNOWN_METHOD: never,
  OVSDB_SCHEMA_MISMATCH: backoff,
  OVSDB_VALUE_INVALID: never,
  OVSDB_CONSTRAINT: never,
  OVSDB_REFERENTIAL: never,
  OVSDB_DUPLICATE_UUID: never,
  OVSDB_WAIT_FAILED: backoff,
  OVSDB_NOT_OWNER: backoff,
  OVSDB_OPERATION_ABORTED: never,
  OVSDB_CANCELED: backoff,
  OVSDB_RESOURCES: backoff,
  OVSDB_IO: unknown,
  OVSDB_PERMISSION: never,
  OVSDB_REFUSED: never,
  // OpenFlow: what the switch or this client refuses.
  OPENFLOW_REFUSED: never,
  OPENFLOW_VERSION: backoff,
  OPENFLOW_VALUE_INVALID: never,
  OPENFLOW_TEXT_INVALID: never,
  // The control sockets of Open vSwitch's daemons: a command that was refused, or that too many wait before.
  UNIXCTL_REFUSED: never,
  UNIXCTL_BUSY: backoff,
  // The API server of the host cluster: its HTTP status, and credentials for it.
  KUBE_UNAUTHORIZED: backoff,
  KUBE_FORBIDDEN: backoff,
  KUBE_NOT_FOUND: backoff,
  KUBE_CONFLICT: backoff,
  KUBE_INVALID: backoff,
  KUBE_GONE: backoff,
  KUBE_THROTTLED: backoff,
  KUBE_SERVER_ERROR: unknown,
  KUBE_REFUSED: never,
  KUBE_CREDENTIALS: backoff,
  // Configuration and command line.
  CONFIG_UNREADABLE: backoff,
  CONFIG_INVALID: never,
  USAGE: never,
  // The host's devices.
  NETDEV_REFUSED: backoff,
  // The agent itself.
  STATE_UNWRITABLE: backoff,
  STATE_DAMAGED: never,
  // The API: who calls, what was asked, and how much of it.
  API_ADDRESS: backoff,
  API_UNAUTHENTICATED: never,
  API_FORBIDDEN: never,
  API_INVALID: never,
  API_LIMIT: backoff,
  API_EXPIRED: never,
  API_CLOSED: backoff,
  NOT_FOUND: never,
  // Intents that owners hand in over the API.
  INTENT_INVALID: never,
  INTENT_CONFLICT: never,
  INTENT_GENERATION: never,
  INTENT_REPLAYED: never,
  INTENT_LIMIT: never,
} as const satisfies Record<string, ErrorPolicy>;

export type ErrorCode = keyof typeof errorPolicies;

/** Variables of an error; they become log fields. Values that a peer sent are bounded by the one who puts them in. */
export type ErrorFacts = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

export interface AgentErrorOptions {
  readonly facts?: ErrorFacts;
  readonly cause?: unknown;
  /** What a person can do about it, one sentence. */
  readonly remedy?: string;
}

/** An expected failure: a stable code, a sentence for a person, and whether a retry can help. */
export class AgentError extends Error {
  override readonly name: string = 'AgentError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, options: AgentErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
    this.remedy = options.remedy;
  }

  /** Whether the same call can succeed later without anybody changing anything. */
  get canRetry(): boolean {
    return errorPolicies[this.code].retry === 'backoff';
  }

  /** Whether the operation may have been carried out all the same. */
  get isOutcomeUnknown(): boolean {
    return errorPolicies[this.code].outcome === 'unknown';
  }
}

/** Any thrown value as an Error, without losing what it was. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${String(thrown)}`, { cause: thrown });
}

/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED` …), if the value has one. */
export function systemErrorCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
