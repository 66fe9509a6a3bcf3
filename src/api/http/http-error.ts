/** A request that is not answered as asked: status, stable code and sentence, told as JSON everywhere alike. */

import { AgentError, type ErrorCode } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';

/** As `docs/errors.md`; `INTERNAL` is a bug of the agent. */
export interface ErrorBody {
  readonly code: ErrorCode | 'INTERNAL';
  readonly message: string;
  readonly remedy?: string;
}

export interface HttpProblem {
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers?: Readonly<Record<string, string>>;
}

const statuses: Partial<Record<ErrorCode, number>> = {
  API_INVALID: 400,
  API_UNAUTHENTICATED: 401,
  API_FORBIDDEN: 403,
  NOT_FOUND: 404,
  API_LIMIT: 503,
  DEADLINE_EXCEEDED: 504,
};

/** @param remedy what the caller can do about it, one sentence */
export function problem(
  status: number,
  code: ErrorCode,
  message: string,
  remedy: string,
  headers?: Readonly<Record<string, string>>,
): HttpProblem {
  return { status, body: { code, message, remedy }, ...(headers === undefined ? {} : { headers }) };
}

/** What is told of an error that a handler threw; of one that is not expected, nothing but that there was one. */
export function problemOf(error: unknown): HttpProblem {
  if (!(error instanceof AgentError)) {
    return { status: 500, body: { code: 'INTERNAL', message: 'the agent made a mistake; its log says more' } };
  }
  const { code, message, remedy } = error;
  const body: ErrorBody = { code, message: safeText(message, 1_024), ...(remedy === undefined ? {} : { remedy }) };
  return { status: statuses[code] ?? 503, body };
}
