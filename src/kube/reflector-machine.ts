/**
 * The life of one list-and-watch as a pure machine: list page by page, watch from there, resume, and whatever goes wrong,
 * wait and go on for ever. After client-go's Reflector, with three differences: a list is verified once after an outage
 * (the server may have come back from an older backup, and a watch from the future says nothing), silence ends a watch, and
 * a server that cannot send a page gets asked for a smaller one. It owns no timer, connection or object: the shell
 * (reflector.ts) feeds it events with the time, carries out its effects, and sleeps until `reflectorDeadlineMs`.
 */

import { unreachable } from '../lib/assert.js';
import { backoffMs } from '../lib/backoff.js';
import type { BackoffTiming } from '../lib/backoff.js';
import { AgentError } from '../lib/errors.js';
import type { ErrorCode } from '../lib/errors.js';
import { compareVersions } from './resource-version.js';

export interface ReflectorTiming {
  /** A watch that brings no byte for this long is dead, ms. An API server sends a bookmark about every minute. */
  readonly idleMsMax: number;
  /** A page, or the beginning of a watch, that takes longer is given up, ms. The client's own deadline is shorter. */
  readonly callMsMax: number;
  /** The server is asked to end each watch after a random time between these, ms, so that load spreads again. */
  readonly watchMsMin: number;
  readonly watchMsMax: number;
  /** How long a watch must last before the next failure starts the backoff from the beginning, ms. */
  readonly usefulMsMin: number;
  /** After an outage everything is listed once more within this time, at random, ms. */
  readonly auditMsMax: number;
  /** … but not sooner than this after the list before, ms. */
  readonly auditGapMs: number;
  /** The server's wish to wait (Retry-After) is honoured up to this, ms. */
  readonly retryAfterMsMax: number;
  /** Objects per page. */
  readonly pageSize: number;
  /** Pages of one list: a server that never ends is not believed. */
  readonly pagesMax: number;
  readonly backoff: BackoffTiming;
}

/** What every state knows. */
interface Memory {
  /** Failures in a row, without a watch in between that lasted. */
  readonly failures: number;
  /** What is held equals the server at this version; undefined before the first list. */
  readonly version: string | undefined;
  /** What is held may be out of date: something failed since it was known to be current. */
  readonly isStale: boolean;
  /** Whether the list has to be verified once a watch is up. */
  readonly needsAudit: boolean;
  /** When the last list was complete, ms. */
  readonly listedMs: number;
  readonly pageSize: number;
}

export type ReflectorState =
  /** Waits for `untilMs`, then lists or watches. */
  | (Memory & { readonly kind: 'waiting'; readonly untilMs: number; readonly next: 'list' | 'watch' })
  /** Waits for a page: another page, the watch, or waiting. `listVersion` is that of the first page. */
  | (Memory & {
      readonly kind: 'listing';
      readonly sinceMs: number;
      readonly pageCount: number;
      readonly listVersion: string | undefined;
    })
  /** Waits for the server to accept the watch: watching, or waiting. */
  | (Memory & { readonly kind: 'opening'; readonly sinceMs: number; readonly watchMs: number })
  /**
   * Events arrive. Its regular end and its time lead to opening; failure and silence to waiting; the audit to listing.
   * `isMute`: not a byte came yet.
   */
  | (Memory & {
      readonly kind: 'watching';
      readonly openedMs: number;
      readonly heardMs: number;
      readonly endsMs: number;
      readonly auditAtMs: number;
      readonly isMute: boolean;
    });

export type ReflectorEvent =
  /** Time has passed. */
  | { readonly kind: 'tick' }
  /** A page was taken in. */
  | { readonly kind: 'page'; readonly version: string; readonly continueToken: string | undefined }
  /** The server accepted the watch. */
  | { readonly kind: 'opened' }
  /** Bytes came, whatever they say. */
  | { readonly kind: 'heard' }
  /** An event or bookmark of this version came; it is to be taken in if the state is still watching afterwards. */
  | { readonly kind: 'advanced'; readonly version: string }
  /** The request, or the watch, failed. */
  | { readonly kind: 'failed'; readonly error: AgentError }
  /** The server ended the watch in good order. */
  | { readonly kind: 'ended' };

export type ReflectorEffect =
  /** Ask for a page; without a token it is the first, and what was gathered before is void. */
  | { readonly kind: 'list'; readonly limit: number; readonly continueToken: string | undefined }
  /** What was gathered is complete: it replaces what is held. */
  | { readonly kind: 'commit' }
  | { readonly kind: 'watch'; readonly version: string; readonly timeoutMs: number }
  /** Give up the request or watch that is under way, if there is one. */
  | { readonly kind: 'hangUp' }
  /** Tell that something failed. */
  | { readonly kind: 'report'; readonly error: AgentError };

export type ReflectorStep = readonly [ReflectorState, readonly ReflectorEffect[]];

/** The server is given this long to end a watch by itself, ms. */
const endGraceMs = 15_000;

/** So many failures in a row over one event, and it is passed over by a list. */
const badEventsMax = 3;

/** The state before the first list, which is due at once. */
export function initialReflector(nowMs: number, timing: ReflectorTiming): ReflectorState {
  const memory: Memory = {
    failures: 0,
    version: undefined,
    isStale: true,
    needsAudit: false,
    listedMs: nowMs,
    pageSize: timing.pageSize,
  };
  return { ...memory, kind: 'waiting', untilMs: nowMs, next: 'list' };
}

/** When the caller must call `stepReflector` with a tick, even if nothing else happens. Always finite. */
export function reflectorDeadlineMs(state: ReflectorState, timing: ReflectorTiming): number {
  switch (state.kind) {
    case 'waiting':
      return state.untilMs;
    case 'listing':
    case 'opening':
      return state.sinceMs + timing.callMsMax;
    case 'watching':
      return Math.min(state.heardMs + timing.idleMsMax, state.endsMs, state.auditAtMs);
    default:
      return unreachable(state);
  }
}

/**
 * Advances the machine.
 * @param random a number in [0, 1): the jitter of waits, and the length of a watch
 */
export function stepReflector(
  state: ReflectorState,
  event: ReflectorEvent,
  nowMs: number,
  timing: ReflectorTiming,
  random: number,
): ReflectorStep {
  const context: Context = { nowMs, timing, random };
  switch (event.kind) {
    case 'tick':
      return nowMs < reflectorDeadlineMs(state, timing) ? [state, []] : expire(state, context);
    case 'page':
      return state.kind === 'listing' ? takePage(state, event, context) : [state, []];
    case 'opened':
      return state.kind === 'opening' ? open(state, context) : [state, []];
    case 'heard':
      return state.kind === 'watching' ? [{ ...state, heardMs: nowMs, isMute: false }, []] : [state, []];
    case 'advanced':
      return state.kind === 'watching' ? advance(state, event.version, context) : [state, []];
    case 'failed':
      return state.kind === 'waiting' ? [state, []] : fail(state, event.error, context);
    case 'ended':
      return state.kind === 'watching' ? end(state, context) : [state, []];
    default:
      return unreachable(event);
  }
}

interface Context {
  readonly nowMs: number;
  readonly timing: ReflectorTiming;
  readonly random: number;
}

type Busy = Exclude<ReflectorState, { readonly kind: 'waiting' }>;
type Watching = Extract<ReflectorState, { readonly kind: 'watching' }>;

function memoryOf(state: ReflectorState): Memory {
  const { failures, version, isStale, needsAudit, listedMs, pageSize } = state;
  return { failures, version, isStale, needsAudit, listedMs, pageSize };
}

function list(memory: Memory, { nowMs }: Context): ReflectorStep {
  const state: ReflectorState = { ...memory, kind: 'listing', sinceMs: nowMs, pageCount: 0, listVersion: undefined };
  return [state, [{ kind: 'list', limit: memory.pageSize, continueToken: undefined }]];
}

function watch(memory: Memory, version: string, { nowMs, timing, random }: Context): ReflectorStep {
  const watchMs = timing.watchMsMin + random * (timing.watchMsMax - timing.watchMsMin);
  return [{ ...memory, kind: 'opening', sinceMs: nowMs, watchMs }, [{ kind: 'watch', version, timeoutMs: watchMs }]];
}

/** Goes on from where the memory is. */
function resume(memory: Memory, context: Context): ReflectorStep {
  return memory.version === undefined ? list(memory, context) : watch(memory, memory.version, context);
}

function hangUpFirst([state, effects]: ReflectorStep): ReflectorStep {
  return [state, [{ kind: 'hangUp' }, ...effects]];
}

function takePage(
  state: Extract<ReflectorState, { readonly kind: 'listing' }>,
  page: Extract<ReflectorEvent, { readonly kind: 'page' }>,
  context: Context,
): ReflectorStep {
  // All pages of one list are of one version; where a server differs, the older is the safe one to watch from.
  const listVersion = state.listVersion ?? page.version;
  const pageCount = state.pageCount + 1;
  const { continueToken } = page;
  if (continueToken !== undefined) {
    if (pageCount >= context.timing.pagesMax) {
      const facts = { pagesMax: context.timing.pagesMax };
      return fail(state, new AgentError('PEER_PROTOCOL', 'a list of the server does not end', { facts }), context);
    }
    const next: ReflectorState = { ...state, sinceMs: context.nowMs, pageCount, listVersion };
    return [next, [{ kind: 'list', limit: state.pageSize, continueToken }]];
  }
  const memory: Memory = {
    ...memoryOf(state),
    version: listVersion,
    isStale: false,
    needsAudit: false,
    listedMs: context.nowMs,
  };
  const [next, effects] = watch(memory, listVersion, context);
  return [next, [{ kind: 'commit' }, ...effects]];
}

function open(state: Extract<ReflectorState, { readonly kind: 'opening' }>, context: Context): ReflectorStep {
  const { nowMs, timing, random } = context;
  const auditMs = Math.max(nowMs + random * timing.auditMsMax, state.listedMs + timing.auditGapMs);
  const watching: Watching = {
    ...memoryOf(state),
    isStale: false,
    kind: 'watching',
    openedMs: nowMs,
    heardMs: nowMs,
    endsMs: nowMs + state.watchMs + endGraceMs,
    auditAtMs: state.needsAudit ? auditMs : Infinity,
    isMute: true,
  };
  return [watching, []];
}

function advance(state: Watching, version: string, context: Context): ReflectorStep {
  const order = state.version === undefined ? undefined : compareVersions(version, state.version);
  if (order !== undefined && order < 0) {
    const facts = { version, versionBefore: state.version };
    return fail(state, new AgentError('KUBE_GONE', 'the server went back to an older state', { facts }), context);
  }
  return [{ ...state, version }, []];
}

function end(state: Watching, context: Context): ReflectorStep {
  if (isUseful(state, context)) return resume({ ...memoryOf(state), failures: 0 }, context);
  return fail(state, new AgentError('CONNECTION_LOST', 'the server ended a watch at once'), context);
}

function expire(state: ReflectorState, context: Context): ReflectorStep {
  switch (state.kind) {
    case 'waiting':
      return state.next === 'list' ? list(memoryOf(state), context) : resume(memoryOf(state), context);
    case 'listing':
    case 'opening':
      return fail(state, new AgentError('DEADLINE_EXCEEDED', 'the API server did not answer in time'), context);
    case 'watching':
      return expireWatch(state, context);
    default:
      return unreachable(state);
  }
}

function expireWatch(state: Watching, context: Context): ReflectorStep {
  const { nowMs, timing } = context;
  if (nowMs >= state.heardMs + timing.idleMsMax) {
    const facts = { idleMsMax: timing.idleMsMax };
    return fail(state, new AgentError('CONNECTION_LOST', 'the watch is silent', { facts }), context);
  }
  if (nowMs >= state.auditAtMs) return hangUpFirst(list(memoryOf(state), context));
  return hangUpFirst(resume({ ...memoryOf(state), failures: 0 }, context));
}

function isUseful(state: ReflectorState, { nowMs, timing }: Context): boolean {
  return state.kind === 'watching' && nowMs - state.openedMs >= timing.usefulMsMin;
}

function fail(state: Busy, error: AgentError, context: Context): ReflectorStep {
  const { nowMs, timing, random } = context;
  const failures = (isUseful(state, context) ? 0 : state.failures) + 1;
  const next = nextAfter(state, error, failures);
  const memory: Memory = {
    ...memoryOf(state),
    failures,
    isStale: true,
    needsAudit: state.needsAudit || isOutage(error),
    pageSize: pageSizeAfter(state, error),
  };
  // An expired version is daily business: the first time there is nothing to wait for.
  const isFree = error.code === 'KUBE_GONE' && failures === 1;
  const waitMs = isFree ? 0 : Math.max(backoffMs(failures - 1, timing.backoff, random), retryAfterOf(error, context));
  return [
    { ...memory, kind: 'waiting', untilMs: nowMs + waitMs, next },
    [{ kind: 'hangUp' }, { kind: 'report', error }],
  ];
}

/** The server's wish, spread a little: it tells all its clients the same. */
function retryAfterOf(error: AgentError, { timing, random }: Context): number {
  const wish = error.facts['retryAfterMs'];
  return typeof wish === 'number' ? Math.min(wish, timing.retryAfterMsMax) * (1 + 0.1 * random) : 0;
}

function nextAfter(state: Busy, error: AgentError, failures: number): 'list' | 'watch' {
  if (state.kind === 'listing' || state.version === undefined || isVersionUseless(error)) return 'list';
  // A server that holds older data than this version accepts the watch and says nothing until it has caught up.
  if (state.kind === 'watching' && state.isMute && isSilence(error)) return 'list';
  // The same event would come again, and end the watch again.
  const isBadEvent = error.code === 'PEER_PROTOCOL' || error.code === 'LIMIT_EXCEEDED';
  return isBadEvent && failures >= badEventsMax ? 'list' : 'watch';
}

function isSilence(error: AgentError): boolean {
  return error.code === 'CONNECTION_LOST' && error.facts['idleMsMax'] !== undefined;
}

/**
 * Whether watching from the same version cannot succeed: it is too old, unknown, no version at all, or of a kind of object
 * that went; or the server is behind it (504, reason Timeout, cause ResourceVersionTooLarge).
 */
function isVersionUseless(error: AgentError): boolean {
  const isBehind = String(error.facts['causes'] ?? '').includes('ResourceVersionTooLarge');
  return isBehind || uselessCodes.has(error.code);
}

const uselessCodes: ReadonlySet<ErrorCode> = new Set(['KUBE_GONE', 'KUBE_REFUSED', 'KUBE_INVALID', 'KUBE_NOT_FOUND']);

/** Whether the server may have been another one, or an older state of itself, when it comes back. */
function isOutage(error: AgentError): boolean {
  return outageCodes.has(error.code);
}

const outageCodes: ReadonlySet<ErrorCode> = new Set([
  'CONNECT_FAILED',
  'CONNECTION_LOST',
  'DEADLINE_EXCEEDED',
  'TLS_INVALID',
  'KUBE_SERVER_ERROR',
]);

function pageSizeAfter(state: Busy, error: AgentError): number {
  const isPageTooLarge = error.code === 'LIMIT_EXCEEDED' && error.facts['sizeMax'] !== undefined;
  if (state.kind !== 'listing' || !isPageTooLarge) return state.pageSize;
  return Math.max(1, Math.floor(state.pageSize / 4));
}
