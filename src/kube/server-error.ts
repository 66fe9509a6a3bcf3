/**
 * What an answer of the API server means that is no success: its HTTP status and the Status object of Kubernetes as one
 * typed error, with the server's words bounded and made safe. Used for answers and for ERROR events of a watch.
 */

import { AgentError } from '../lib/errors.js';
import type { ErrorCode } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { member, textMember } from './json-value.js';

interface Meaning {
  readonly code: ErrorCode;
  readonly sentence: string;
}

const meanings: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [401, { code: 'KUBE_UNAUTHORIZED', sentence: 'the API server does not accept the credentials' }],
  [403, { code: 'KUBE_FORBIDDEN', sentence: 'the API server does not allow the request' }],
  [404, { code: 'KUBE_NOT_FOUND', sentence: 'the API server has no such object or resource' }],
  // A proxy that lost patience: the request may have gone through.
  [408, { code: 'KUBE_SERVER_ERROR', sentence: 'the API server did not answer in time' }],
  [409, { code: 'KUBE_CONFLICT', sentence: 'the object was changed meanwhile' }],
  [410, { code: 'KUBE_GONE', sentence: 'the version that was asked for is too old' }],
  [422, { code: 'KUBE_INVALID', sentence: 'the API server refuses the content' }],
  [429, { code: 'KUBE_THROTTLED', sentence: 'the API server asks for patience' }],
]);

const failed: Meaning = { code: 'KUBE_SERVER_ERROR', sentence: 'the API server failed' };
const refused: Meaning = { code: 'KUBE_REFUSED', sentence: 'the API server refused the request' };

function meaningOf(status: number): Meaning {
  return meanings.get(status) ?? (status >= 500 ? failed : refused);
}

export interface ServerAnswer {
  readonly status: number;
  /** The parsed body, or its text where it is no JSON. */
  readonly body: unknown;
  readonly method: string;
  readonly path: string;
  readonly retryAfterMs?: number | undefined;
}

/** The server's sentence is cut here; it can quote what a tenant wrote. */
const messageLengthMax = 512;
const causesMax = 4;

/**
 * The error of an answer. Facts: `status`, `method`, `path`, and where the server told them `reason`, `message`, `causes`
 * and `retryAfterMs`.
 */
export function serverError(answer: ServerAnswer): AgentError {
  const { code, sentence } = meaningOf(answer.status);
  const words = wordsOf(answer.body);
  return new AgentError(code, words === undefined ? sentence : `${sentence}: ${words}`, {
    facts: {
      status: answer.status,
      method: answer.method,
      path: safeText(answer.path, 512),
      reason: shortText(textMember(answer.body, 'reason')),
      message: words,
      causes: causesOf(answer.body),
      retryAfterMs: answer.retryAfterMs ?? secondsOf(answer.body),
    },
  });
}

/** The Status object of an ERROR event as the error that the same status would have been as an answer. */
export function watchError(status: unknown, path: string): AgentError {
  const code = member(status, 'code');
  const number = typeof code === 'number' && code >= 400 && code <= 599 ? code : 500;
  return serverError({ status: number, body: status, method: 'GET', path });
}

function shortText(text: string | undefined): string | undefined {
  return text === undefined ? undefined : safeText(text, 128);
}

function wordsOf(body: unknown): string | undefined {
  const text = typeof body === 'string' ? body.trim() : textMember(body, 'message');
  return text === undefined || text === '' ? undefined : safeText(text, messageLengthMax);
}

/** `details.causes`: machine-readable reasons, such as ResourceVersionTooLarge or FieldValueInvalid. */
function causesOf(body: unknown): string | undefined {
  const causes = member(member(body, 'details'), 'causes');
  if (!Array.isArray(causes) || causes.length === 0) return undefined;
  const shown = causes.slice(0, causesMax).map((cause: unknown) => {
    const parts = [textMember(cause, 'reason'), textMember(cause, 'field'), textMember(cause, 'message')];
    return parts.filter((part) => part !== undefined).join(' ');
  });
  return safeText(shown.join('; '), messageLengthMax);
}

/** `details.retryAfterSeconds`, which says the same as the header Retry-After. */
function secondsOf(body: unknown): number | undefined {
  const seconds = member(member(body, 'details'), 'retryAfterSeconds');
  return typeof seconds === 'number' && seconds > 0 && seconds < 1e9 ? seconds * 1000 : undefined;
}
