/**
 * What is said on a fresh connection, in which order, as a pure machine: learn about the server from its `_Server`
 * database, judge it, read the schema, monitor the data by the best method the server knows, be in sync. After
 * ovsdb-server(7), "Database Change Aware" and `ovsdb-cs`. The shell (session-driver) sends and receives; an answer that
 * does not fit the state ends the connection.
 */

import { unreachable } from '../lib/assert.js';
import { AgentError } from '../lib/errors.js';

/** From best to plainest; each is tried when the one before it is an "unknown method". */
export const monitorMethods = ['monitor_cond_since', 'monitor_cond', 'monitor'] as const;
export type MonitorMethod = (typeof monitorMethods)[number];

export type SessionState =
  /** Waits for the schema of `_Server`. A server without one (before 2.9) is taken as it is: on to dataSchema. */
  | { readonly kind: 'serverSchema' }
  /** Waits for the first contents of `_Server`, then on to dataSchema, or away. */
  | { readonly kind: 'serverMonitor' }
  /** Waits for the schema of the database. */
  | { readonly kind: 'dataSchema' }
  /** Waits for the contents of the database, asked for by `method`. */
  | { readonly kind: 'dataMonitor'; readonly method: MonitorMethod }
  /** The replica equals the server. Ends by a verdict, a canceled monitor, or the connection's end. */
  | { readonly kind: 'synced'; readonly method: MonitorMethod }
  /** Nothing more is wanted from this connection. */
  | { readonly kind: 'left' };

export type SessionEvent =
  /** The answer to what the state waits for, taken in by the shell. */
  | { readonly kind: 'replied' }
  /** The answer is an error. */
  | { readonly kind: 'refused'; readonly error: AgentError }
  /** What the row of `_Server` means: an error when this server is not the one we want. */
  | { readonly kind: 'verdict'; readonly error: AgentError | undefined }
  /** The server gave up a monitor because the database behind it changed its schema, or went. */
  | { readonly kind: 'canceled'; readonly monitor: 'server' | 'data' };

export type SessionEffect =
  | { readonly kind: 'getServerSchema' | 'monitorServer' | 'beChangeAware' | 'getDataSchema' | 'announceSync' }
  | { readonly kind: 'monitorData'; readonly method: MonitorMethod }
  | { readonly kind: 'leave'; readonly error: AgentError };

export type SessionStep = readonly [SessionState, readonly SessionEffect[]];

/** The first step on a fresh connection. */
export function beginSession(): SessionStep {
  return [{ kind: 'serverSchema' }, [{ kind: 'getServerSchema' }]];
}

/** Advances the machine. */
export function stepSession(state: SessionState, event: SessionEvent): SessionStep {
  if (state.kind === 'left') return [state, []];
  switch (event.kind) {
    case 'verdict':
      return judge(state, event.error);
    case 'canceled':
      return restart(state, event.monitor);
    case 'refused':
      return refuse(state, event.error);
    case 'replied':
      return advance(state);
    default:
      return unreachable(event);
  }
}

function leave(error: AgentError): SessionStep {
  return [{ kind: 'left' }, [{ kind: 'leave', error }]];
}

/** From what the server is to what it holds. */
function toData(): SessionStep {
  // Change awareness before the first monitor: otherwise a schema change closes the connection, and a canceled
  // transaction gets no reply (ovsdb-server(7), 4.1.16).
  return [{ kind: 'dataSchema' }, [{ kind: 'beChangeAware' }, { kind: 'getDataSchema' }]];
}

function toMonitor(method: MonitorMethod): SessionStep {
  return [{ kind: 'dataMonitor', method }, [{ kind: 'monitorData', method }]];
}

function judge(state: SessionState, error: AgentError | undefined): SessionStep {
  if (error !== undefined) return leave(error);
  return state.kind === 'serverMonitor' ? toData() : [state, []];
}

function restart(state: SessionState, monitor: 'server' | 'data'): SessionStep {
  if (monitor === 'server') {
    return leave(new AgentError('OVSDB_SCHEMA_MISMATCH', 'the server changed what it tells about itself'));
  }
  if (state.kind === 'synced') {
    return [{ kind: 'dataSchema' }, [{ kind: 'getDataSchema' }]];
  }
  return leave(new AgentError('PEER_PROTOCOL', 'the server canceled a monitor that does not exist'));
}

function refuse(state: SessionState, error: AgentError): SessionStep {
  switch (state.kind) {
    case 'serverSchema':
      return error.code === 'OVSDB_UNKNOWN_DATABASE' ? toData() : leave(error);
    case 'serverMonitor':
      return error.code === 'OVSDB_UNKNOWN_METHOD' ? toData() : leave(error);
    case 'dataMonitor': {
      const next = monitorMethods[monitorMethods.indexOf(state.method) + 1];
      return error.code === 'OVSDB_UNKNOWN_METHOD' && next !== undefined ? toMonitor(next) : leave(error);
    }
    case 'dataSchema':
    case 'synced':
    case 'left':
      return leave(error);
    default:
      return unreachable(state);
  }
}

function advance(state: SessionState): SessionStep {
  switch (state.kind) {
    case 'serverSchema':
      return [{ kind: 'serverMonitor' }, [{ kind: 'monitorServer' }]];
    case 'dataSchema':
      return toMonitor('monitor_cond_since');
    case 'dataMonitor':
      return [{ kind: 'synced', method: state.method }, [{ kind: 'announceSync' }]];
    case 'serverMonitor': // Goes on by its verdict, not by the reply alone.
    case 'synced':
    case 'left':
      return [state, []];
    default:
      return unreachable(state);
  }
}
