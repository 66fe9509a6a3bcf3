/**
 * Says of every chain and each of its ports whether it is as intended, on evidence only: the flows were read back from the
 * switch and are as planned, every port has its number, its link and its MTU. Pure; the loop calls it after each round.
 */

import { safeText } from '../lib/text.js';
import type { Condition, ConditionState, ObjectRef } from '../model/condition.js';
import { formatCookie } from '../model/flow-text.js';
import type { Reason } from '../model/reasons.js';
import { encodeCookie, type ChainIds } from './chain-id.js';
import { checkMtu } from './check-chain.js';
import type { FlowPlan, ObservedFlows } from './plan-flows.js';
import { portsOf, type ResolvedChain, type ResolvedPort } from './resolved.js';
import type { ChainsVerdict, Refusal } from './validate-chain.js';

export interface JudgeInput {
  readonly verdict: ChainsVerdict;
  /** Made of `observed`, so that an empty plan says that all is as it should be. */
  readonly plan: FlowPlan;
  readonly observed: ObservedFlows;
  readonly ids: ChainIds;
  readonly tag: number;
  readonly closed: ReadonlySet<string>;
}

interface Verdict {
  readonly state: ConditionState;
  readonly reason: Reason;
  readonly message: string;
}

/** Reasons that pass by themselves when something comes; the others wait for a person. */
const passing: ReadonlySet<Reason> = new Set<Reason>([
  'ChainPortMissing',
  'ChainPortPending',
  'ChainPatchPending',
  'ChainFlowsUnread',
  'ChainFlowsPending',
  'ChainClosed',
]);

function verdict(reason: Reason, message: string): Verdict {
  const state = reason === 'Ready' ? 'ready' : passing.has(reason) ? 'waiting' : 'failed';
  return { state, reason, message };
}

function judgePort(chain: ResolvedChain, port: ResolvedPort, observed: ObservedFlows): Verdict {
  if (port.problem !== undefined) return verdict(port.problem.reason, port.problem.message);
  const name = safeText(port.interface ?? port.words);
  if (port.ofport === undefined) return verdict('ChainPortPending', `Interface ${name} has no usable OpenFlow number.`);
  const { leg } = port;
  if (leg !== undefined && (leg.targetOfport === undefined || leg.patchOfport === undefined)) {
    return verdict('ChainPatchPending', `The far end of the patch pair on ${leg.bridge} has no OpenFlow number yet.`);
  }
  if (port.linkState === 'down') {
    return verdict('LinkDown', `The link of ${safeText(port.target?.interface ?? name)} is down.`);
  }
  const unfit = checkMtu(chain.intent, port);
  if (unfit !== undefined) return verdict(unfit.reason, unfit.message);
  // Columns of the database outlive the switch: number and link are worth what the switch itself says of the bridge.
  const silent = [chain.intent.bridge, ...(leg === undefined ? [] : [leg.bridge])].find((name) => !observed.has(name));
  if (silent === undefined) return verdict('Ready', 'As intended.');
  return verdict(
    'ChainFlowsUnread',
    `Bridge ${safeText(silent)} has not answered, so nothing proves that the port works.`,
  );
}

function portCondition(chain: ResolvedChain, port: ResolvedPort, observed: ObservedFlows): Condition {
  const object: ObjectRef = { kind: 'chainPort', name: port.key, bridge: chain.intent.bridge };
  const evidence: Record<string, string> = { selector: port.words };
  const add = (key: string, value: string | number | undefined): void => {
    if (value !== undefined) evidence[key] = safeText(String(value));
  };
  add('interface', port.interface);
  add('ofport', port.ofport);
  add('target', port.target === undefined ? undefined : `${port.target.interface} on ${port.target.bridge}`);
  add('link_state', port.linkState);
  add('mtu', port.mtu);
  return { object, ...judgePort(chain, port, observed), evidence };
}

/** Bridges on which the chain has flows. */
function bridgesOf(chain: ResolvedChain): ReadonlySet<string> {
  return new Set([chain.intent.bridge, ...portsOf(chain).flatMap(({ leg }) => leg?.bridge ?? [])]);
}

/** What the flows say of the chain; undefined: all were read back as planned. */
function judgeFlows(
  chain: ResolvedChain,
  { plan, observed, ids, closed }: JudgeInput,
  tally: Tally,
): Verdict | undefined {
  const { name } = chain.intent;
  const unread = [...bridgesOf(chain)].filter((bridge) => !observed.has(bridge)).sort();
  if (unread.length > 0 || !ids.chains.has(name)) {
    return verdict('ChainFlowsUnread', `The flows of ${unread.join(', ') || 'the chain'} have not been read back.`);
  }
  const blocked = plan.blocked.find((entry) => entry.chain === name);
  if (blocked !== undefined) {
    const holder = formatCookie(blocked.holder.cookie);
    return verdict(
      'ChainFlowBlocked',
      `A flow with cookie ${holder} on ${blocked.bridge} is in the place of one of the chain.`,
    );
  }
  const pending = tally.pending.get(name) ?? 0;
  if (pending > 0) return verdict('ChainFlowsPending', `${pending} flow(s) are not in the switch as they should be.`);
  if (closed.has(name)) return verdict('ChainClosed', 'The traffic is stopped until the controller is back.');
  return undefined;
}

function judgeChain(
  chain: ResolvedChain,
  ports: readonly Condition[],
  refusal: Refusal | undefined,
  input: JudgeInput,
  tally: Tally,
): Verdict {
  if (refusal !== undefined) return refusedVerdict(refusal);
  const flows = judgeFlows(chain, input, tally);
  if (flows !== undefined) return flows;
  const unready = ports.filter((port) => port.state !== 'ready');
  const [first] = unready;
  if (first === undefined) return verdict('Ready', 'All flows were read back, and every port is ready.');
  const more = unready.length > 1 ? ` (and ${unready.length - 1} more)` : '';
  const state = unready.some((port) => port.state === 'failed') ? 'failed' : 'waiting';
  return { state, reason: 'ChainPortsNotReady', message: `${first.object.name}: ${first.message}${more}` };
}

/** A refused version is not what is wanted, even where an earlier one works. */
function refusedVerdict({ problems, keeps }: Refusal): Verdict {
  const message = problems.map((problem) => problem.message).join(' ');
  const [first] = problems;
  if (keeps === undefined) return verdict(first?.reason ?? 'ChainRefused', message);
  return verdict('ChainRefused', `The newest version is refused, and the earlier one stays. ${message}`);
}

function chainEvidence(chain: ResolvedChain, { ids, tag }: JudgeInput, tally: Tally): Record<string, string> {
  const identity = ids.chains.get(chain.intent.name);
  if (identity === undefined) return {};
  const cookie = encodeCookie(tag, identity);
  let count = 0;
  for (const bridge of bridgesOf(chain)) count += tally.read.get(bridge)?.get(cookie) ?? 0;
  return { cookie: formatCookie(cookie), generation: String(identity.generation), flows_read: String(count) };
}

/** What is counted once for all chains: a switch can have learned tens of thousands of flows. */
interface Tally {
  /** Flows read, by bridge and cookie. */
  readonly read: ReadonlyMap<string, ReadonlyMap<bigint, number>>;
  /** Changes that are planned, by chain. */
  readonly pending: ReadonlyMap<string, number>;
}

function addOne<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function tallyOf({ observed, plan }: JudgeInput): Tally {
  const read = new Map<string, ReadonlyMap<bigint, number>>();
  for (const [bridge, flows] of observed) {
    const counts = new Map<bigint, number>();
    for (const { cookie } of flows) addOne(counts, cookie);
    read.set(bridge, counts);
  }
  const pending = new Map<string, number>();
  for (const change of plan.changes) if ('chain' in change && change.chain !== undefined) addOne(pending, change.chain);
  return { read, pending };
}

/** The conditions in the order of their objects. */
function sorted(conditions: readonly Condition[]): readonly Condition[] {
  const keyed = conditions.map((condition) => ({
    condition,
    key: `${condition.object.kind} ${condition.object.name}`,
  }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ condition }) => condition);
}

/** A condition for every chain that is wanted or in force, and every port of those in force, sorted. */
export function judgeChains(input: JudgeInput): readonly Condition[] {
  const { chains, refusals } = input.verdict;
  const conditions: Condition[] = [];
  const tally = tallyOf(input);
  const byName = new Map(refusals.map((refusal) => [refusal.intent.name, refusal]));
  for (const chain of chains) {
    const ports = portsOf(chain).map((port) => portCondition(chain, port, input.observed));
    const refusal = byName.get(chain.intent.name);
    const object: ObjectRef = { kind: 'chain', name: chain.intent.name, bridge: chain.intent.bridge };
    const evidence = chainEvidence(chain, input, tally);
    conditions.push({ object, ...judgeChain(chain, ports, refusal, input, tally), evidence }, ...ports);
  }
  for (const refusal of refusals.filter(({ keeps }) => keeps === undefined)) {
    const object: ObjectRef = { kind: 'chain', name: refusal.intent.name, bridge: refusal.intent.bridge };
    conditions.push({ object, ...refusedVerdict(refusal), evidence: {} });
  }
  return sorted(conditions);
}
