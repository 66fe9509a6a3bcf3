/**
 * The difference between the flows that the chains want and those in the switches, as one ordered list for one bundle per
 * bridge. Pure and deterministic. What carries another tag in its cookie is never named; what is right is not touched, so
 * its counters go on; what takes frames on comes before what sends frames there, and what carries frames goes last.
 */

import type { Finding } from '../model/condition.js';
import type { Flow, FlowKey, ObservedFlow } from '../model/flow.js';
import { doTheSame, flowKey, formatCookie, formatFlowSelector } from '../model/flow-text.js';
import { decodeCookie, isOwnCookie } from './chain-id.js';
import type { DesiredFlow, DesiredFlows, LearningScope } from './desired-flows.js';
import { priorities, tables } from './tables.js';

/** Why a flow of the agent goes. */
export type StaleCause =
  /** No chain wants it. */
  | 'unwanted'
  /** It was learned, and its port is no longer part of the switch, or its switch does not learn like that any more. */
  | 'learned';

/** One flow-mod. `replace` is an ADD in the place of a flow with another cookie; the switch keeps its counters. */
export type FlowChange =
  | { readonly kind: 'add'; readonly bridge: string; readonly chain: string | undefined; readonly flow: Flow }
  | {
      readonly kind: 'modify' | 'replace';
      readonly bridge: string;
      readonly chain: string | undefined;
      readonly flow: Flow;
      readonly before: ObservedFlow;
    }
  /** Strict: this flow alone. */
  | { readonly kind: 'delete'; readonly bridge: string; readonly flow: ObservedFlow; readonly cause: StaleCause }
  /** Everything under one cookie that nothing wants any more, also what is learned until then. */
  | {
      readonly kind: 'deleteCookie';
      readonly bridge: string;
      readonly cookie: bigint;
      readonly mask: bigint;
      readonly flows: readonly ObservedFlow[];
    };

/** A wanted flow that cannot be installed: somebody else's is in its place. */
export interface BlockedFlow {
  readonly bridge: string;
  readonly chain: string | undefined;
  readonly flow: Flow;
  readonly holder: ObservedFlow;
}

export interface FlowPlan {
  /** In the order in which they belong in the bundle of their bridge; bridges one after the other, by name. */
  readonly changes: readonly FlowChange[];
  readonly blocked: readonly BlockedFlow[];
  readonly findings: readonly Finding[];
  /** Bridges whose flows have not been read: nothing is planned for them. */
  readonly unread: readonly string[];
}

/** Complete dumps, by bridge. A bridge whose dump failed or is partial is left out, never given as empty. */
export type ObservedFlows = ReadonlyMap<string, readonly ObservedFlow[]>;

/** A cookie that selects exactly itself. */
const wholeCookie = 0xffff_ffff_ffff_ffffn;

/** Whether the flow is one that a switch of a living chain has learned, and may keep. */
export function isLearned(flow: Flow, scope: LearningScope | undefined): boolean {
  if (scope === undefined || flow.cookie !== scope.cookie || flow.priority !== priorities.learned) return false;
  const isHome = flow.table === tables.home && scope.learnsHomes;
  if (!isHome && flow.table !== tables.station) return false;
  if ((flow.match.vlan !== undefined) !== scope.carriesVlans || flow.match.other !== undefined) return false;
  const [load, ...rest] = flow.actions;
  const register = isHome ? 'reg1' : 'reg0';
  if (load?.kind !== 'loadRegister' || rest.length > 0 || load.register !== register) return false;
  return scope.ofports.has(load.value) && flow.hardTimeout > 0;
}

/** Keys of flows, which never change: of tens of thousands that were learned, few are new in a round. */
const keys = new WeakMap<Flow, FlowKey>();

function keyOf(flow: Flow): FlowKey {
  const known = keys.get(flow) ?? flowKey(flow);
  keys.set(flow, known);
  return known;
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Where frames go comes before where they come from; within a table what lets pass comes before what drops. */
function compareAdded(a: Flow, b: Flow): number {
  return b.table - a.table || b.priority - a.priority || compareText(keyOf(a), keyOf(b));
}

/** The other way round: frames stop coming before what takes them on is gone. */
function compareRemoved(a: Flow, b: Flow): number {
  return a.table - b.table || a.priority - b.priority || compareText(keyOf(a), keyOf(b));
}

interface BridgeDiff {
  readonly added: (FlowChange & { readonly kind: 'add' })[];
  readonly changed: (FlowChange & { readonly kind: 'modify' | 'replace' })[];
  readonly blocked: BlockedFlow[];
}

function diffFlow(
  diff: BridgeDiff,
  bridge: string,
  wanted: DesiredFlow,
  present: ObservedFlow | undefined,
  tag: number,
): void {
  const { chain, flow } = wanted;
  if (present === undefined) {
    diff.added.push({ kind: 'add', bridge, chain, flow });
  } else if (!isOwnCookie(present.cookie, tag)) {
    diff.blocked.push({ bridge, chain, flow, holder: present });
  } else if (present.cookie !== flow.cookie || hasOtherTimes(present, flow)) {
    // A MODIFY changes neither cookie nor timeouts (OpenFlow 1.5.1 section 6.4).
    diff.changed.push({ kind: 'replace', bridge, chain, flow, before: present });
  } else if (!doTheSame(present, flow)) {
    diff.changed.push({ kind: 'modify', bridge, chain, flow, before: present });
  }
}

function hasOtherTimes(a: Flow, b: Flow): boolean {
  return a.idleTimeout !== b.idleTimeout || a.hardTimeout !== b.hardTimeout;
}

/** Whether a switch has made the flow by itself, rightly or not. */
function isLearnedKind(flow: Flow): boolean {
  return flow.priority === priorities.learned && (flow.table === tables.home || flow.table === tables.station);
}

/**
 * Whether no frame loses its way when the flow is gone: what was learned is learned again, and until then frames flood; what
 * drops frames beyond table 0 only keeps them from the flows below. In table 0 it keeps them from the flows of others.
 */
function isHarmlessToRemove(flow: Flow): boolean {
  return isLearnedKind(flow) || (flow.actions.length === 0 && flow.table !== tables.classify);
}

interface Removals {
  /** Stale knowledge and stale obstacles: before frames are sent to where these would stop them. */
  readonly first: readonly FlowChange[];
  /** What carries frames, until something else does. */
  readonly last: readonly FlowChange[];
}

/** Removals: one by one where the cookie lives on, at one stroke where it does not. */
function planRemovals(bridge: string, stale: readonly ObservedFlow[], living: ReadonlySet<bigint>): Removals {
  const single = stale.filter((flow) => living.has(flow.cookie)).sort(compareRemoved);
  const byCookie = new Map<bigint, ObservedFlow[]>();
  for (const flow of stale) {
    if (living.has(flow.cookie)) continue;
    byCookie.set(flow.cookie, [...(byCookie.get(flow.cookie) ?? []), flow]);
  }
  const remove = (flow: ObservedFlow): FlowChange => {
    return { kind: 'delete', bridge, flow, cause: isLearnedKind(flow) ? 'learned' : 'unwanted' };
  };
  const whole = [...byCookie].sort(([a], [b]) => (a < b ? -1 : 1));
  const strokes = whole.map(([cookie, flows]): FlowChange => {
    return { kind: 'deleteCookie', bridge, cookie, mask: wholeCookie, flows: flows.sort(compareRemoved) };
  });
  return {
    first: single.filter(isHarmlessToRemove).map(remove),
    last: [...single.filter((flow) => !isHarmlessToRemove(flow)).map(remove), ...strokes],
  };
}

const noFlows: ReadonlyMap<FlowKey, DesiredFlow> = new Map();
const noScopes: ReadonlyMap<bigint, LearningScope> = new Map();

function planBridge(
  bridge: string,
  desired: DesiredFlows,
  observed: readonly ObservedFlow[],
): BridgeDiff & { readonly removed: Removals } {
  const wanted = desired.flows.get(bridge) ?? noFlows;
  const scopes = desired.scopes.get(bridge) ?? noScopes;
  const present = new Map(observed.map((flow) => [keyOf(flow), flow]));
  const diff: BridgeDiff = { added: [], changed: [], blocked: [] };
  for (const [key, entry] of wanted) diffFlow(diff, bridge, entry, present.get(key), desired.tag);
  const living = new Set([...wanted.values()].map(({ flow }) => flow.cookie));
  const stale = observed.filter((flow) => {
    if (!isOwnCookie(flow.cookie, desired.tag) || wanted.has(keyOf(flow))) return false;
    return !isLearned(flow, scopes.get(flow.match.metadata ?? -1n));
  });
  diff.added.sort((a, b) => compareAdded(a.flow, b.flow));
  diff.changed.sort((a, b) => compareAdded(a.flow, b.flow));
  diff.blocked.sort((a, b) => compareText(keyOf(a.flow), keyOf(b.flow)));
  return { ...diff, removed: planRemovals(bridge, stale, living) };
}

/**
 * The order of one bundle. An obstacle comes only when the frames that it is not meant for have left its switch, which they
 * do when table 0 has changed; and it goes before others come.
 */
function inOrder({ added, changed, removed }: BridgeDiff & { readonly removed: Removals }): readonly FlowChange[] {
  const isObstacle = ({ flow }: { readonly flow: Flow }): boolean => isHarmlessToRemove(flow);
  const isEntry = (change: FlowChange): boolean => change.kind === 'delete' && change.flow.table === tables.classify;
  return [
    ...removed.first,
    ...added.filter((change) => !isObstacle(change)),
    ...changed,
    ...removed.last.filter(isEntry),
    ...added.filter(isObstacle),
    ...removed.last.filter((change) => !isEntry(change)),
  ];
}

function blockedFinding({ bridge, chain, flow, holder }: BlockedFlow): Finding {
  const selector = formatFlowSelector(flow);
  const whose = `the flow with cookie ${formatCookie(holder.cookie)}`;
  return {
    reason: 'ChainFlowBlocked',
    object: chain === undefined ? { kind: 'bridge', name: bridge } : { kind: 'chain', name: chain, bridge },
    message: `On ${bridge} ${whose} is in the place of ${selector}, and is not the agent's.`,
    claimants: [chain === undefined ? 'the chains of the bridge' : `chain ${chain}`, whose],
    remedy: `Remove it (ovs-ofctl -O OpenFlow15 --strict del-flows ${bridge} '${selector}'), or take the port out of the chain.`,
  };
}

/** The changes that make the switches hold what the chains want. */
export function planFlows(desired: DesiredFlows, observed: ObservedFlows): FlowPlan {
  const changes: FlowChange[] = [];
  const blocked: BlockedFlow[] = [];
  for (const bridge of [...observed.keys()].sort()) {
    const diff = planBridge(bridge, desired, observed.get(bridge) ?? []);
    changes.push(...inOrder(diff));
    blocked.push(...diff.blocked);
  }
  const unread = [...desired.flows.keys()].filter((bridge) => !observed.has(bridge)).sort();
  return { changes, blocked, findings: blocked.map(blockedFinding), unread };
}

/** The chains whose flows a change concerns, by number. */
export function chainIdOf(change: FlowChange): number {
  return decodeCookie(change.kind === 'deleteCookie' ? change.cookie : change.flow.cookie).id;
}
