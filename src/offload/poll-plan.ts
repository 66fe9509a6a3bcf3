/**
 * When to ask ovs-vswitchd what, by what it costs it. Pure: a state, events, and the next action by now. Every command is
 * carried out in the main thread of ovs-vswitchd, the one that also does OpenFlow, OVSDB and LACP; so there is one at a time,
 * a dump of flows never takes more than its share of that thread's time, and all of it steps back when the thread stalls.
 *
 * - `cheap` (T1): version, upcall/show, offload-stats-show, coverage/show, metrics/show.
 * - `medium` (T2): pmd-rxq-show, dpif/offload/show, dpctl/show, counts of connections.
 * - `heavy` (T3): a dump of the datapath's flows. Asking for software flows alone makes the answer shorter and costs
 *   ovs-vswitchd nearly the same, as it visits every flow.
 */

import { assert, unreachable } from '../lib/assert.js';

export type PollTier = 'cheap' | 'medium' | 'heavy';

export interface PollLimits {
  readonly cheapMs: number;
  readonly mediumMs: number;
  /** Between two dumps while somebody watches, at least. */
  readonly watchedMs: number;
  /** Between two dumps while nobody does, at least. */
  readonly unwatchedMs: number;
  /** Whether a dump is made that nobody has asked for. */
  readonly dumpsUnasked: boolean;
  /** Nobody watches: no dump above this many flows … */
  readonly flowsSmall: number;
  /** … or this long a dump by the revalidators (upcall/show), ms. */
  readonly revalidateMsSmall: number;
  /** No dump at all, asked for or not, that is expected to take longer than this, ms. */
  readonly dumpMsMax: number;
  /** The share of the main thread's time that each tier may take, over 0 and below 1. */
  readonly dutyMax: number;
  /** A cheap command that takes longer than this met a stalled main thread, ms. */
  readonly roundTripMsMax: number;
  /** A run that has not ended after this is given up, ms; longer than any deadline of its commands. */
  readonly runMsMax: number;
  /** How much longer than usual everything waits at most when ovs-vswitchd is in trouble. */
  readonly slowdownMax: number;
}

export const pollLimits: PollLimits = {
  cheapMs: 10_000,
  mediumMs: 60_000,
  watchedMs: 10_000,
  unwatchedMs: 60_000,
  dumpsUnasked: true,
  flowsSmall: 20_000,
  revalidateMsSmall: 500,
  // Half of the three seconds after which a peer of LACP in its fast form gives up the link.
  dumpMsMax: 1500,
  dutyMax: 0.01,
  roundTripMsMax: 250,
  runMsMax: 120_000,
  slowdownMax: 32,
};

/** What a dump is expected to cost before one was made, ms for each flow: 100 000 flows a second, a slow Arm core. */
const perFlowMsGuess = 0.01;

/** What is learnt of ovs-vswitchd from a cheap command or by the way. What is left out stays as it was. */
export interface PollFacts {
  /** Flows of all datapaths (upcall/show). */
  readonly flows?: number | undefined;
  /** The last dump by the revalidators (upcall/show), ms. */
  readonly revalidateMs?: number | undefined;
  /** Total of the coverage counter long_poll_interval: stalls of the main thread. */
  readonly longPolls?: number | undefined;
  /** What a cheap command took until its first byte, ms. */
  readonly roundTripMs?: number | undefined;
}

export type PollEvent =
  /** The action of `nextPoll` is being carried out. */
  | { readonly kind: 'started'; readonly tier: PollTier }
  /** It ended well. @param tookMs of the main thread: round trip and transfer */
  | { readonly kind: 'finished'; readonly tookMs: number; readonly facts?: PollFacts | undefined }
  /** It did not. */
  | { readonly kind: 'failed'; readonly tookMs: number }
  /** How many watch the truth about flows now. */
  | { readonly kind: 'watched'; readonly watchers: number }
  /** Somebody wants a dump once, also where one would not be made by itself. */
  | { readonly kind: 'asked' }
  /** ovs-vswitchd is another one now: what was measured of the former one says nothing of it. */
  | { readonly kind: 'restarted' };

export interface PollState {
  readonly running: { readonly tier: PollTier; readonly sinceMs: number } | undefined;
  /** When each tier may be asked next. */
  readonly dueMs: Readonly<Record<PollTier, number>>;
  /** 1 to `slowdownMax`: how much longer everything waits. */
  readonly slowdown: number;
  readonly watchers: number;
  readonly isAsked: boolean;
  readonly facts: PollFacts;
  /** A dump's cost for each flow, ms; undefined: none was made. */
  readonly perFlowMs: number | undefined;
  readonly heavyTookMs: number | undefined;
  /** What the newest cheap and medium runs took that ended well, ms. */
  readonly lightTookMs: Readonly<Partial<Record<PollTier, number>>>;
}

/** Why there is no dump. */
export type HeavyRefusal = 'sizeUnknown' | 'tooLarge' | 'notSmall' | 'notAsked';

export type PollAction =
  | { readonly kind: 'poll'; readonly tier: 'cheap' | 'medium' }
  /** @param scope all flows, or those in software alone: a shorter answer, which tells nothing of shares */
  | { readonly kind: 'poll'; readonly tier: 'heavy'; readonly scope: 'all' | 'software' }
  /** Nothing before `untilMs`, unless something happens. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** The run that is under way takes too long: report it as failed. */
  | { readonly kind: 'giveUp'; readonly tier: PollTier };

export function initialPoll(nowMs: number): PollState {
  return {
    running: undefined,
    dueMs: { cheap: nowMs, medium: nowMs, heavy: nowMs },
    slowdown: 1,
    watchers: 0,
    isAsked: false,
    facts: {},
    perFlowMs: undefined,
    heavyTookMs: undefined,
    lightTookMs: {},
  };
}

/** What a dump would take of the main thread, ms; undefined while the number of flows is not known. */
export function expectedDumpMs({ facts, perFlowMs }: PollState): number | undefined {
  return facts.flows === undefined ? undefined : facts.flows * (perFlowMs ?? perFlowMsGuess);
}

/** Why no dump is made, however long one waits; undefined: it is a question of time only. */
export function heavyRefusal(state: PollState, limits: PollLimits = pollLimits): HeavyRefusal | undefined {
  const expectedMs = expectedDumpMs(state);
  if (expectedMs === undefined) return 'sizeUnknown';
  if (expectedMs > limits.dumpMsMax) return 'tooLarge';
  if (state.isAsked || state.watchers > 0) return undefined;
  if (!limits.dumpsUnasked) return 'notAsked';
  return isSmall(state, limits) ? undefined : 'notSmall';
}

function isSmall({ facts }: PollState, limits: PollLimits): boolean {
  return (facts.flows ?? Infinity) <= limits.flowsSmall && (facts.revalidateMs ?? 0) <= limits.revalidateMsSmall;
}

/** What to do now. The answer changes only with time and events; asking costs nothing. */
export function nextPoll(state: PollState, nowMs: number, limits: PollLimits = pollLimits): PollAction {
  const { running, dueMs } = state;
  if (running !== undefined) {
    const endMs = running.sinceMs + limits.runMsMax;
    return nowMs >= endMs ? { kind: 'giveUp', tier: running.tier } : { kind: 'wait', untilMs: endMs };
  }
  // The cheapest first: what it tells decides about the others.
  if (nowMs >= dueMs.cheap) return { kind: 'poll', tier: 'cheap' };
  if (nowMs >= dueMs.medium) return { kind: 'poll', tier: 'medium' };
  const isRefused = heavyRefusal(state, limits) !== undefined;
  if (!isRefused && nowMs >= heavyDueMs(state, limits)) {
    return { kind: 'poll', tier: 'heavy', scope: isSmall(state, limits) ? 'all' : 'software' };
  }
  const heavyMs = isRefused ? Infinity : heavyDueMs(state, limits);
  return { kind: 'wait', untilMs: Math.min(dueMs.cheap, dueMs.medium, heavyMs) };
}

/** `dueMs.heavy` is the end of the rest after the last dump; who watches or has asked waits no longer than that. */
function heavyDueMs({ dueMs, watchers, isAsked, slowdown }: PollState, limits: PollLimits): number {
  if (watchers > 0 || isAsked) return dueMs.heavy;
  return dueMs.heavy + (limits.unwatchedMs - limits.watchedMs) * slowdown;
}

/** @throws AssertionError when a run begins while another is under way: a mistake of the caller */
export function stepPoll(
  state: PollState,
  event: PollEvent,
  nowMs: number,
  limits: PollLimits = pollLimits,
): PollState {
  switch (event.kind) {
    case 'started':
      assert(state.running === undefined, 'ovs-vswitchd is asked one thing at a time');
      return { ...state, running: { tier: event.tier, sinceMs: nowMs } };
    case 'finished':
      return finish(state, event.tookMs, event.facts ?? {}, nowMs, limits);
    case 'failed':
      // Unknown what it cost; it may have been at it all the time.
      return end({ ...state, slowdown: slower(state, limits) }, failedMs(state, event.tookMs), nowMs, limits);
    case 'watched':
      return { ...state, watchers: Math.max(0, event.watchers) };
    case 'asked':
      return { ...state, isAsked: true };
    case 'restarted':
      return { ...state, facts: {}, perFlowMs: undefined, heavyTookMs: undefined, lightTookMs: {} };
    default:
      return unreachable(event);
  }
}

/** What has failed says nothing of the cost of a light run, and how it goes on is to be seen soon. */
function failedMs({ running }: PollState, tookMs: number): number {
  return running?.tier === 'heavy' ? tookMs : 0;
}

function slower({ slowdown }: PollState, { slowdownMax }: PollLimits): number {
  return Math.min(slowdown * 2, slowdownMax);
}

/** Back to normal by a tenth at a time: from the longest wait in some thirty calm runs, not in one. */
function calmer({ slowdown }: PollState): number {
  return Math.max(1, slowdown * 0.9);
}

function finish(state: PollState, tookMs: number, facts: PollFacts, nowMs: number, limits: PollLimits): PollState {
  if (state.running === undefined) return state;
  const merged = mergeFacts(state.facts, facts);
  const isHeavy = state.running.tier === 'heavy';
  const isTroubled = isStalled(state.facts, facts, limits) || (isHeavy && hasGrown(state, tookMs));
  const { tier } = state.running;
  const next: PollState = {
    ...state,
    lightTookMs: isHeavy ? state.lightTookMs : { ...state.lightTookMs, [tier]: tookMs },
    facts: merged,
    slowdown: isTroubled ? slower(state, limits) : calmer(state),
    perFlowMs: isHeavy ? learnt(state.perFlowMs, tookMs, merged.flows) : doubted(state.perFlowMs, isTroubled),
    heavyTookMs: isHeavy ? tookMs : state.heavyTookMs,
  };
  // One long answer may have met a stall; two in a row are what it costs.
  const costMs = isHeavy ? tookMs : Math.min(tookMs, state.lightTookMs[tier] ?? tookMs);
  return end(next, costMs, nowMs, limits);
}

function mergeFacts(before: PollFacts, now: PollFacts): PollFacts {
  return {
    flows: now.flows ?? before.flows,
    revalidateMs: now.revalidateMs ?? before.revalidateMs,
    longPolls: now.longPolls ?? before.longPolls,
    roundTripMs: now.roundTripMs ?? before.roundTripMs,
  };
}

function isStalled(before: PollFacts, now: PollFacts, { roundTripMsMax }: PollLimits): boolean {
  const hasStalled = (now.longPolls ?? 0) > (before.longPolls ?? Infinity);
  return hasStalled || (now.roundTripMs ?? 0) > roundTripMsMax;
}

/** Half as long again as the last one, and long enough to matter, ms. */
function hasGrown({ heavyTookMs }: PollState, tookMs: number): boolean {
  return heavyTookMs !== undefined && tookMs > 100 && tookMs > heavyTookMs * 1.5;
}

/** Dearer at once, cheaper slowly: an underestimate is what hurts. A dump of few flows is mostly its fixed cost. */
function learnt(before: number | undefined, tookMs: number, flows: number | undefined): number | undefined {
  if (flows === undefined || flows < 1000) return before;
  const now = tookMs / flows;
  return before === undefined ? now : Math.max(now, before * 0.8 + now * 0.2);
}

/**
 * What was learnt long ago loses its weight while all is calm, half of it in about a quarter of an hour: else one dump that
 * met a stall would forbid all others for good.
 */
function doubted(perFlowMs: number | undefined, isTroubled: boolean): number | undefined {
  return perFlowMs === undefined || isTroubled ? perFlowMs : Math.max(perFlowMs * 0.993, perFlowMsGuess);
}

/** The run is over, well or not: when each tier may be asked next. */
function end(state: PollState, tookMs: number, nowMs: number, limits: PollLimits): PollState {
  const { running, slowdown, dueMs } = state;
  if (running === undefined) return state;
  const next = { ...state, running: undefined };
  switch (running.tier) {
    case 'cheap':
      return { ...next, dueMs: { ...dueMs, cheap: nowMs + lightRestMs(limits.cheapMs, tookMs, slowdown, limits) } };
    case 'medium':
      return { ...next, dueMs: { ...dueMs, medium: nowMs + lightRestMs(limits.mediumMs, tookMs, slowdown, limits) } };
    case 'heavy':
      return { ...next, isAsked: false, dueMs: { ...dueMs, heavy: nowMs + restMs(tookMs, slowdown, limits) } };
    default:
      return unreachable(running.tier);
  }
}

/** After a cheap or medium run. What is longer than this has stalled, and is no cost. */
const lightRestMsMax = 300_000;

function lightRestMs(periodMs: number, tookMs: number, slowdown: number, { dutyMax }: PollLimits): number {
  const dutyMs = Math.min(lightRestMsMax, Math.max(tookMs, 0) / dutyMax - Math.max(tookMs, 0));
  return Math.max(periodMs * Math.sqrt(slowdown), dutyMs);
}

/** After a dump: until it is no more than its share of the time, whoever asks. */
function restMs(tookMs: number, slowdown: number, { dutyMax, watchedMs, runMsMax }: PollLimits): number {
  const tookMsAtMost = Math.min(Math.max(tookMs, 0), runMsMax);
  return Math.max(watchedMs * slowdown, tookMsAtMost / dutyMax - tookMsAtMost);
}
