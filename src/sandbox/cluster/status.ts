/**
 * Failures as the API server words them: a `Status` object with the reasons, messages and causes of
 * k8s.io/apimachinery (pkg/api/errors), because clients decide by `reason` and people read `message`. Used by every
 * part of the embedded server.
 */

import type { Json, JsonObject } from './json.js';

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** A resource as failures name it. */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

interface FailureFacts {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: JsonObject;
}

/** A refused request; `status` is what the client is sent. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;
  readonly reason: string;
  readonly status: JsonObject;

  constructor(facts: FailureFacts) {
    super(facts.message);
    this.code = facts.code;
    this.reason = facts.reason;
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: facts.message,
      reason: facts.reason,
      ...(facts.details === undefined ? {} : { details: facts.details }),
      code: facts.code,
    };
  }

  /** Seconds that the client is told to wait; undefined when nothing is said. */
  get retryAfterSeconds(): number | undefined {
    const details = this.status['details'] as JsonObject | undefined;
    const seconds = details?.['retryAfterSeconds'];
    return typeof seconds === 'number' ? seconds : undefined;
  }
}

/** `pods`, or `leases.coordination.k8s.io`. */
export function qualified(resource: ResourceName): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

function detailsOf(resource: ResourceName, name: string, causes?: readonly StatusCause[]): JsonObject {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
    ...(causes === undefined ? {} : { causes: causesJson(causes) }),
  };
}

function causesJson(causes: readonly StatusCause[]): Json {
  return causes.map((cause) => ({ ...cause }));
}

export function badRequest(message: string): StatusError {
  return new StatusError({ code: 400, reason: 'BadRequest', message });
}

export function unauthorized(): StatusError {
  return new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

export function forbidden(resource: ResourceName, name: string, why: string): StatusError {
  const subject = name === '' ? qualified(resource) : `${qualified(resource)} "${name}"`;
  const message = `${subject} is forbidden: ${why}`;
  return new StatusError({ code: 403, reason: 'Forbidden', message, details: detailsOf(resource, name) });
}

export function forbiddenPath(user: string, verb: string, path: string): StatusError {
  const message = `forbidden: User "${user}" cannot ${verb} path "${path}"`;
  return new StatusError({ code: 403, reason: 'Forbidden', message, details: {} });
}

export function notFound(resource: ResourceName, name: string): StatusError {
  const message = `${qualified(resource)} "${name}" not found`;
  return new StatusError({ code: 404, reason: 'NotFound', message, details: detailsOf(resource, name) });
}

/** The path names no resource of this server. */
export function noSuchPath(): StatusError {
  const message = 'the server could not find the requested resource';
  return new StatusError({ code: 404, reason: 'NotFound', message, details: {} });
}

export function methodNotAllowed(verb: string): StatusError {
  const message = `the server does not allow this method on the requested resource (${verb})`;
  return new StatusError({ code: 405, reason: 'MethodNotAllowed', message, details: {} });
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  const message = `only the following media types are accepted: ${accepted.join(', ')}`;
  return new StatusError({ code: 406, reason: 'NotAcceptable', message });
}

export function alreadyExists(resource: ResourceName, name: string): StatusError {
  const message = `${qualified(resource)} "${name}" already exists`;
  return new StatusError({ code: 409, reason: 'AlreadyExists', message, details: detailsOf(resource, name) });
}

export function conflict(resource: ResourceName, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return new StatusError({ code: 409, reason: 'Conflict', message, details: detailsOf(resource, name) });
}

/** The resource version of the request is not the stored one. */
export function staleVersion(resource: ResourceName, name: string): StatusError {
  const why = 'the object has been modified; please apply your changes to the latest version and try again';
  return conflict(resource, name, why);
}

/** Server-side apply would take fields from other managers. */
export function applyConflict(message: string, causes: readonly StatusCause[]): StatusError {
  return new StatusError({ code: 409, reason: 'Conflict', message, details: { causes: causesJson(causes) } });
}

/** The version asked for is older than what is kept (HTTP 410). */
export function expired(message: string): StatusError {
  return new StatusError({ code: 410, reason: 'Expired', message });
}

export function tooLarge(message: string): StatusError {
  return new StatusError({ code: 413, reason: 'RequestEntityTooLarge', message, details: {} });
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const list = accepted.join(', ');
  const message = `the body of the request was in an unknown format - accepted media types include: ${list}`;
  return new StatusError({ code: 415, reason: 'UnsupportedMediaType', message });
}

/** One thing that is wrong with an object. */
export interface FieldProblem {
  readonly field: string;
  readonly reason: 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueDuplicate';
  readonly message: string;
}

export function required(field: string, message = ''): FieldProblem {
  return { field, reason: 'FieldValueRequired', message: `Required value${message === '' ? '' : `: ${message}`}` };
}

export function wrong(field: string, value: Json, message: string): FieldProblem {
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(value)}: ${message}` };
}

export function forbiddenField(field: string, message: string): FieldProblem {
  return { field, reason: 'FieldValueForbidden', message: `Forbidden: ${message}` };
}

export function duplicate(field: string, value: Json): FieldProblem {
  return { field, reason: 'FieldValueDuplicate', message: `Duplicate value: ${JSON.stringify(value)}` };
}

/** The object breaks rules of its type (HTTP 422). */
export function invalid(
  type: { readonly group: string; readonly kind: string },
  name: string,
  problems: readonly FieldProblem[],
): StatusError {
  const lines = problems.map((problem) => `${problem.field}: ${problem.message}`);
  const text = lines.length === 1 ? (lines[0] ?? '') : `[${lines.join(', ')}]`;
  const kind = type.group === '' ? type.kind : `${type.kind}.${type.group}`;
  const causes = problems.map(({ field, reason, message }) => ({ reason, message, field }));
  const details: JsonObject = {
    name,
    ...(type.group === '' ? {} : { group: type.group }),
    kind: type.kind,
    causes: causesJson(causes),
  };
  return new StatusError({ code: 422, reason: 'Invalid', message: `${kind} "${name}" is invalid: ${text}`, details });
}

/**
 * A patch that cannot be applied, for example because its `test` failed. Real servers say no more than this: the text of
 * the patch library is dropped (apiserver, endpoints/handlers/patch.go, NewGenericServerResponse without causes).
 */
export function unappliablePatch(): StatusError {
  const message = 'the server rejected our request due to an error in our request';
  return new StatusError({ code: 422, reason: 'Invalid', message, details: {} });
}

export function internalError(why: string): StatusError {
  const details = { causes: causesJson([{ reason: '', message: why }]) };
  return new StatusError({ code: 500, reason: 'InternalError', message: `Internal error occurred: ${why}`, details });
}

/** A list at a version that this server has not reached (it may have lost data). */
export function versionTooLarge(asked: number, current: number): StatusError {
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  return new StatusError({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    details: { causes: causesJson(causes), retryAfterSeconds: 1 },
  });
}

/** A failure of the server's surroundings with the wording that clients know. */
export function serverTrouble(code: number, retryAfterSeconds?: number): StatusError {
  const [reason, message] = troubles[code] ?? ['InternalError', 'an error on the server has prevented the request'];
  const details: JsonObject = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return new StatusError({ code, reason, message, details });
}

const troubles: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  401: ['Unauthorized', 'Unauthorized'],
  403: ['Forbidden', 'forbidden: injected by the embedded server'],
  404: ['NotFound', 'the server could not find the requested resource'],
  409: ['Conflict', 'the server reported a conflict'],
  410: ['Expired', 'The resourceVersion for the provided watch is too old.'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'Too many requests, please try again later.'],
  500: ['InternalError', 'Internal error occurred: injected by the embedded server'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'the server was unable to return a response in the time allotted'],
};
