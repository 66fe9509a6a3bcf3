/**
 * Says of every wanted bridge and port whether it is as intended, on evidence only: a number that Open vSwitch gave, a
 * link that is up, a live answer of vswitchd. Columns of the database outlive a crash of vswitchd, so none of them counts
 * while its sockets are silent.
 */

import type { DesiredPort } from '../intent/resolve.js';
import { objectKey, type Condition, type ConditionState, type ObjectRef } from '../model/condition.js';
import type { BridgeIntent } from '../model/intent.js';
import type { Observed, ObservedBridge, ObservedInterface } from '../model/observed.js';
import type { Reason } from '../model/reasons.js';
import { safeText } from '../lib/text.js';
import type { PlanInput, Plan } from './plan-builder.js';
import { mainInterface } from './own-rows.js';
import { candidateKey } from './removal.js';

interface Verdict {
  readonly state: ConditionState;
  readonly reason: Reason;
  readonly message: string;
}

const ready: Verdict = { state: 'ready', reason: 'Ready', message: 'As intended.' };
const waiting = (reason: Reason, message: string): Verdict => ({ state: 'waiting', reason, message });
const failed = (reason: Reason, message: string): Verdict => ({ state: 'failed', reason, message });

/** What vswitchd itself says of the bridge, by its sockets. */
function judgeLiveness(bridge: string, observed: Observed): Verdict | undefined {
  const { answering, silent, denied } = observed.liveness;
  if (answering.has(bridge)) return undefined;
  if (denied.has(bridge)) {
    return failed('VswitchdDenied', `The agent may not open the management socket of ${bridge}: permission denied.`);
  }
  if (answering.size > 0) {
    const { curCfg, nextCfg } = observed.root;
    // It may be about to make the switch.
    if (curCfg < nextCfg) return lagging(observed);
    if (!silent.has(bridge)) return waiting('VswitchdUnasked', `Open vSwitch has yet to answer for ${bridge}.`);
    return failed('BridgeNotMade', `Open vSwitch answers for other bridges, and has made no switch for ${bridge}.`);
  }
  if (silent.size === 0) return waiting('VswitchdUnasked', 'ovs-vswitchd has yet to answer.');
  return failed('VswitchdSilent', 'ovs-vswitchd does not answer, so nothing in the database proves a working port.');
}

function lagging({ root }: Observed): Verdict {
  return waiting('VswitchdLagging', `ovs-vswitchd has applied configuration ${root.curCfg} of ${root.nextCfg}.`);
}

function judgeBridge(intent: BridgeIntent, present: ObservedBridge | undefined, input: PlanInput): Verdict {
  const { observed } = input;
  if (present === undefined) return waiting('NotApplied', 'The bridge is not in the database yet.');
  const silent = judgeLiveness(intent.name, observed);
  if (silent !== undefined) return silent;
  return observed.root.curCfg < observed.root.nextCfg ? lagging(observed) : ready;
}

function judgePatch(main: ObservedInterface): Verdict {
  if (main.error === undefined) return ready;
  return waiting('PatchPeerMissing', `Open vSwitch says: ${safeText(main.error)}`);
}

function judgeDevice(port: DesiredPort, main: ObservedInterface, recreated: ReadonlySet<string>): Verdict {
  const object: ObjectRef = { kind: 'port', name: port.name, bridge: port.bridge };
  if (recreated.has(candidateKey(object, 'deviceRecreated'))) {
    return waiting('DeviceRecreated', 'The device was created anew under Open vSwitch; the port is being re-attached.');
  }
  if (main.error !== undefined) return failed('InterfaceError', `Open vSwitch says: ${safeText(main.error)}`);
  if (main.linkState !== 'up') return failed('LinkDown', `The link is ${main.linkState ?? 'unknown'}.`);
  const { mtu } = port.intent;
  if (mtu !== undefined && main.mtu !== undefined && main.mtu !== mtu) {
    return failed('MtuRefused', `The interface has MTU ${main.mtu}, not the requested ${mtu}.`);
  }
  return ready;
}

function judgeOfport(port: DesiredPort, main: ObservedInterface): Verdict | undefined {
  if (main.ofport === undefined) return waiting('OfportPending', 'Open vSwitch has not given the port a number yet.');
  if (main.ofport <= 0) {
    return failed('InterfaceError', `Open vSwitch says: ${safeText(main.error ?? 'the port could not be opened')}`);
  }
  const requested = port.isLocal ? undefined : main.ofportRequest;
  if (requested !== undefined && requested !== main.ofport) {
    return failed('OfportDiffers', `The port has OpenFlow number ${main.ofport}, not the requested ${requested}.`);
  }
  return undefined;
}

function judgePort(port: DesiredPort, observed: Observed, recreated: ReadonlySet<string>): Verdict {
  const present = observed.ports.get(port.name);
  const main = present === undefined ? undefined : mainInterface(present);
  if (main === undefined) return waiting('NotApplied', 'The port is not in the database yet.');
  const silent = judgeLiveness(port.bridge, observed);
  if (silent !== undefined) return silent;
  const numbered = judgeOfport(port, main);
  if (numbered !== undefined) return numbered;
  // The local port of a bridge is down until somebody gives it an address; its number alone proves the switch.
  if (port.isLocal) return ready;
  return port.type === 'patch' ? judgePatch(main) : judgeDevice(port, main, recreated);
}

function evidenceOf(port: DesiredPort, observed: Observed): Record<string, string> {
  const present = observed.ports.get(port.name);
  const main = present === undefined ? undefined : mainInterface(present);
  const evidence: Record<string, string> = {};
  if (main === undefined) return evidence;
  const add = (key: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== '') evidence[key] = safeText(String(value));
  };
  add('type', main.type);
  add('ofport', main.ofport);
  add('link_state', main.linkState);
  add('ifindex', main.ifindex);
  add('mtu', main.mtu);
  add('peer', main.options.get('peer'));
  add('error', main.error);
  return evidence;
}

/** Objects that the plan would still change. */
function changing(plan: Plan): ReadonlySet<string> {
  return new Set(plan.actions.map((action) => objectKey(action.object)));
}

/** A bridge whose ports are not all ready says so: the bridge is what people look at first. */
function withPorts(condition: Condition, ports: readonly Condition[]): Condition {
  if (condition.state !== 'ready') return condition;
  const unready = ports.filter((port) => port.object.bridge === condition.object.name && port.state !== 'ready');
  if (unready.length === 0) return condition;
  const names = unready.map((port) => port.object.name);
  const shown = names.slice(0, 5).join(', ') + (names.length > 5 ? ' …' : '');
  const state = unready.some((port) => port.state === 'failed') ? 'failed' : 'waiting';
  return { ...condition, state, reason: 'PortsNotReady', message: `Not ready: ${shown}.` };
}

/** A condition for every wanted bridge and port, sorted by kind and name. */
export function judge(input: PlanInput, plan: Plan): readonly Condition[] {
  const { desired, observed } = input;
  const conditions = new Map<string, Condition>(plan.blocked.map((entry) => [objectKey(entry.object), entry]));
  const pending = changing(plan);
  const recreated = new Set(plan.candidates.map(({ key }) => key));
  const put = (object: ObjectRef, verdict: Verdict, evidence: Record<string, string>): void => {
    const key = objectKey(object);
    if (conditions.has(key)) return;
    const shown =
      verdict.state === 'ready' && pending.has(key)
        ? waiting('NotApplied', 'A difference is being repaired.')
        : verdict;
    conditions.set(key, { object, ...shown, evidence });
  };
  for (const port of desired.ports.values()) {
    const object: ObjectRef = { kind: 'port', name: port.name, bridge: port.bridge };
    put(object, judgePort(port, observed, recreated), evidenceOf(port, observed));
  }
  for (const intent of desired.bridges.values()) {
    const present = observed.bridges.get(intent.name);
    const evidence: Record<string, string> = {};
    if (present?.datapathId !== undefined) evidence['datapath_id'] = present.datapathId;
    put({ kind: 'bridge', name: intent.name }, judgeBridge(intent, present, input), evidence);
  }
  const ports = [...conditions.values()].filter((entry) => entry.object.kind === 'port');
  const bridges = [...conditions.values()].filter((entry) => entry.object.kind === 'bridge');
  return [...bridges.map((entry) => withPorts(entry, ports)), ...ports].sort(compareConditions);
}

function compareConditions(a: Condition, b: Condition): number {
  const bridgeOf = (entry: Condition): string => entry.object.bridge ?? entry.object.name;
  const keyOf = (entry: Condition): string => `${bridgeOf(entry)}\u0000${entry.object.kind}\u0000${entry.object.name}`;
  return keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0;
}
