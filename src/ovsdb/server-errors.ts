/**
 * What the server's error strings mean: one typed error per string of RFC 7047 (sections 3.1, 4.1 and 5.2) and of
 * ovsdb-server. Used for JSON-RPC errors and for the errors of single operations alike. Sends and retries nothing.
 */
import { AgentError, type ErrorCode, type ErrorFacts } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { Json, JsonObject } from './types.js';

interface Meaning {
  readonly code: ErrorCode;
  /** Constant per string, so that logs can be counted by message. */
  readonly message: string;
  readonly remedy?: string;
}

const syntax: Meaning = { code: 'OVSDB_SYNTAX', message: 'the server could not read the request' };
const cluster: Meaning = { code: 'OVSDB_IO', message: 'the cluster lost the transaction before it was settled' };

/** Server string to meaning. The strings are the wire's, byte for byte; they never change with a release. */
const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  // RFC 7047 section 4.1.3: errors of a whole transaction, found at commit.
  [
    'referential integrity violation',
    { code: 'OVSDB_REFERENTIAL', message: 'a row refers to a row that does not exist' },
  ],
  ['constraint violation', { code: 'OVSDB_CONSTRAINT', message: 'the change breaks a constraint of the schema' }],
  ['resources exhausted', { code: 'OVSDB_RESOURCES', message: 'the server is out of resources' }],
  // The commit record may have reached the disk before the error did.
  ['I/O error', { code: 'OVSDB_IO', message: 'the server failed to write its database' }],
  // Section 5.2: errors of one operation.
  ['duplicate uuid-name', { code: 'OVSDB_SYNTAX', message: 'two inserts of the transaction have the same uuid-name' }],
  ['domain error', { code: 'OVSDB_CONSTRAINT', message: 'a mutation has no defined result' }],
  ['range error', { code: 'OVSDB_CONSTRAINT', message: 'the result of a mutation is out of range' }],
  ['timed out', { code: 'OVSDB_WAIT_FAILED', message: 'a condition of the transaction did not hold' }],
  ['not supported', { code: 'OVSDB_REFUSED', message: 'the server does not support the operation' }],
  ['aborted', { code: 'OVSDB_OPERATION_ABORTED', message: 'the transaction aborted itself' }],
  ['not owner', { code: 'OVSDB_NOT_OWNER', message: 'the lock of the transaction is held by another client' }],
  // Section 4.1: errors of a request.
  ['canceled', { code: 'OVSDB_CANCELED', message: 'the transaction was canceled' }],
  ['unknown database', { code: 'OVSDB_UNKNOWN_DATABASE', message: 'the server has no such database' }],
  ['unknown method', { code: 'OVSDB_UNKNOWN_METHOD', message: 'the server does not know the method' }],
  // ovsdb-server beyond the RFC.
  ['syntax error', syntax],
  ['unknown column', { code: 'OVSDB_SCHEMA_MISMATCH', message: 'the schema of the server lacks the column' }],
  ['unknown table', { code: 'OVSDB_SCHEMA_MISMATCH', message: 'the schema of the server lacks the table' }],
  ['duplicate uuid', { code: 'OVSDB_DUPLICATE_UUID', message: 'a row with the chosen uuid exists already' }],
  ['duplicate row', { code: 'OVSDB_CONSTRAINT', message: 'the row exists already' }],
  [
    'permission error',
    {
      code: 'OVSDB_PERMISSION',
      message: 'the server does not allow this client the change',
      remedy: 'Check the RBAC role of the remote and the client certificate (ovsdb-server(7), "RBAC").',
    },
  ],
  [
    'not allowed',
    {
      code: 'OVSDB_PERMISSION',
      message: 'the server is read-only',
      remedy: 'Use the active server, or make this one active (ovsdb-server(1), "Active-Backup Replication").',
    },
  ],
  ['cluster error', cluster],
  ['not leader', cluster],
]);

const refused: Meaning = { code: 'OVSDB_REFUSED', message: 'the server refused the request' };

/**
 * The typed error for the server's `error` string.
 * @param text the `error` member, for example `constraint violation`
 * @param details the `details` member: a sentence of the server for people
 * @param facts what the caller knows: operation index, table, method
 */
export function errorFromServer(text: string, details?: string, facts: ErrorFacts = {}): AgentError {
  const meaning = meanings.get(text) ?? refused;
  return new AgentError(meaning.code, meaning.message, {
    facts: {
      ...facts,
      serverError: safeText(text),
      ...(details === undefined ? {} : { serverDetails: safeText(details, 1024) }),
    },
    ...(meaning.remedy === undefined ? {} : { remedy: meaning.remedy }),
  });
}

/**
 * The typed error for the `error` member of a JSON-RPC reply or of one result of a transaction. ovsdb-server sends a bare
 * string there (`"unknown method"`) or an object `{error, details, syntax}`; anything else is shown as it came.
 */
export function errorFromReply(error: Json, facts: ErrorFacts = {}): AgentError {
  if (typeof error === 'string') return errorFromServer(error, undefined, facts);
  const text = textMember(error, 'error');
  if (text === undefined) {
    return new AgentError(refused.code, refused.message, { facts: { ...facts, serverError: shown(error) } });
  }
  const syntaxText = textMember(error, 'syntax');
  const place = syntaxText === undefined ? {} : { serverSyntax: safeText(syntaxText) };
  return errorFromServer(text, textMember(error, 'details'), { ...facts, ...place });
}

function textMember(json: Json, name: string): string | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const value = (json as JsonObject)[name];
  return typeof value === 'string' ? value : undefined;
}

function shown(error: Json): string {
  return safeText(JSON.stringify(error, (_key, value: Json) => (typeof value === 'bigint' ? String(value) : value)));
}
