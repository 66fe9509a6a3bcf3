/**
 * A switch that understands the planner's own flow vocabulary, and nothing else: it takes changes as a bundle would, walks
 * frames through its tables and learns. It follows the OpenFlow rules that the pipeline relies on; the integration tests
 * show the same flows on a real Open vSwitch.
 */

import { flowKey, formatFlowActions } from '../../src/model/flow-text.js';
import type { FieldPart, Flow, FlowAction, FlowMatch, LearnAction, ObservedFlow } from '../../src/model/flow.js';
import type { FlowChange } from '../../src/chain/plan-flows.js';

export interface Frame {
  readonly inPort: number;
  readonly src: string;
  readonly dst: string;
  /** Outermost first. */
  readonly vlans: readonly number[];
}

export interface Sent {
  readonly port: number;
  readonly vlans: readonly number[];
}

interface Walk {
  readonly frame: Frame;
  vlans: number[];
  metadata: bigint;
  reg0: number;
  reg1: number;
  readonly sent: Sent[];
}

const bits = (mac: string): bigint => BigInt(`0x${mac.replaceAll(':', '')}`);
const macOf = (value: bigint): string => (value.toString(16).padStart(12, '0').match(/../g) ?? []).join(':');

function macMatches(field: FlowMatch['ethSrc'], mac: string): boolean {
  if (field === undefined) return true;
  const mask = field.mask === undefined ? 0xffff_ffff_ffffn : bits(field.mask);
  return (bits(mac) & mask) === (bits(field.value) & mask);
}

function vlanMatches(match: FlowMatch['vlan'], vlans: readonly number[]): boolean {
  if (match === undefined) return true;
  if (match.kind === 'untagged') return vlans.length === 0;
  return match.kind === 'tag' ? vlans[0] === match.vid : (vlans[0] ?? 0) === match.vid;
}

function matches({ match }: Flow, walk: Walk): boolean {
  const { frame } = walk;
  return (
    (match.inPort === undefined || match.inPort === frame.inPort) &&
    (match.metadata === undefined || match.metadata === walk.metadata) &&
    (match.reg0 === undefined || match.reg0 === walk.reg0) &&
    (match.reg1 === undefined || match.reg1 === walk.reg1) &&
    vlanMatches(match.vlan, walk.vlans) &&
    macMatches(match.ethSrc, frame.src) &&
    macMatches(match.ethDst, frame.dst)
  );
}

function fieldOf(part: FieldPart, walk: Walk): bigint {
  const { frame } = walk;
  const fields: Record<FieldPart['field'], bigint> = {
    inPort: BigInt(frame.inPort),
    metadata: walk.metadata,
    ethSrc: bits(frame.src),
    ethDst: bits(frame.dst),
    vlanTci: BigInt(walk.vlans[0] ?? 0) | (walk.vlans.length > 0 ? 0x1000n : 0n),
    reg0: BigInt(walk.reg0),
    reg1: BigInt(walk.reg1),
  };
  return (fields[part.field] >> BigInt(part.offset)) & ((1n << BigInt(part.bits)) - 1n);
}

function learnedMatch(action: LearnAction, walk: Walk): FlowMatch {
  let match: FlowMatch = {};
  for (const { kind, src, dst } of action.parts) {
    if (kind === 'load') continue;
    const value = fieldOf(src, walk);
    if (dst.field === 'metadata') match = { ...match, metadata: value };
    else if (dst.field === 'ethDst') match = { ...match, ethDst: { value: macOf(value) } };
    else if (dst.field === 'ethSrc') match = { ...match, ethSrc: { value: macOf(value) } };
    else if (dst.field === 'vlanTci') match = { ...match, vlan: { kind: 'vidBits', vid: Number(value) } };
    else throw new Error(`learn into ${dst.field}`);
  }
  return match;
}

function learnedActions(action: LearnAction, walk: Walk): readonly FlowAction[] {
  return action.parts.flatMap(({ kind, src, dst }): FlowAction[] => {
    if (kind === 'match') return [];
    if (dst.field !== 'reg0' && dst.field !== 'reg1') throw new Error(`load into ${dst.field}`);
    return [{ kind: 'loadRegister', register: dst.field, value: Number(fieldOf(src, walk)) }];
  });
}

export class FlowSwitch {
  readonly #flows: Map<string, ObservedFlow>;

  constructor(flows: Iterable<ObservedFlow> = []) {
    this.#flows = new Map([...flows].map((flow) => [flowKey(flow), flow]));
  }

  clone(): FlowSwitch {
    return new FlowSwitch(this.#flows.values());
  }

  dump(): readonly ObservedFlow[] {
    return [...this.#flows.values()];
  }

  /** As OpenFlow takes it: ADD keeps the counters of what it replaces, MODIFY also its cookie and timeouts. */
  apply(change: FlowChange): void {
    if (change.kind === 'deleteCookie') {
      for (const [key, flow] of this.#flows) {
        if ((flow.cookie & change.mask) === (change.cookie & change.mask)) this.#flows.delete(key);
      }
      return;
    }
    const key = flowKey(change.flow);
    const before = this.#flows.get(key);
    if (change.kind === 'delete') {
      this.#flows.delete(key);
    } else if (change.kind === 'modify') {
      if (before !== undefined) this.#flows.set(key, { ...before, actions: change.flow.actions });
    } else {
      const counters = { packets: before?.packets ?? 0n, bytes: before?.bytes ?? 0n };
      this.#flows.set(key, { ...change.flow, ...counters });
    }
  }

  /** Where the frame leaves. Learns on the way. */
  receive(frame: Frame): readonly Sent[] {
    const walk: Walk = { frame, vlans: [...frame.vlans], metadata: 0n, reg0: 0, reg1: 0, sent: [] };
    this.#table(0, walk, 0);
    return walk.sent;
  }

  #table(table: number, walk: Walk, depth: number): void {
    if (depth > 64) throw new Error('too many resubmits');
    const hits = [...this.#flows.values()].filter((flow) => flow.table === table && matches(flow, walk));
    const priority = Math.max(...hits.map((flow) => flow.priority));
    const best = hits.filter((flow) => flow.priority === priority);
    const [flow] = best;
    if (flow === undefined) return;
    if (best.some((other) => formatFlowActions(other.actions) !== formatFlowActions(flow.actions))) {
      throw new Error(`two flows of one priority answer: ${best.map(flowKey).join(' and ')}`);
    }
    const counted = { ...flow, packets: (flow.packets ?? 0n) + 1n };
    this.#flows.set(flowKey(flow), counted);
    for (const action of flow.actions) this.#act(action, walk, depth);
  }

  #act(action: FlowAction, walk: Walk, depth: number): void {
    switch (action.kind) {
      case 'output':
        // OpenFlow 1.5.1 section 4.5: never back to the ingress port unless it is named as IN_PORT.
        if (action.port !== walk.frame.inPort) walk.sent.push({ port: action.port, vlans: [...walk.vlans] });
        return;
      case 'pushVlan':
        walk.vlans = [walk.vlans[0] ?? 0, ...walk.vlans];
        return;
      case 'popVlan':
        walk.vlans = walk.vlans.slice(1);
        return;
      case 'setVlan':
        walk.vlans = [action.vid, ...walk.vlans.slice(1)];
        return;
      case 'loadRegister':
        walk[action.register] = action.value;
        return;
      case 'writeMetadata':
        walk.metadata = action.value;
        return;
      case 'resubmit':
      case 'goto':
        this.#table(action.table, walk, depth + 1);
        return;
      case 'learn':
        this.#learn(action, walk);
        return;
      case 'other':
        throw new Error(`the planner used ${action.text}`);
    }
  }

  #learn(action: LearnAction, walk: Walk): void {
    const { table, priority, cookie, hardTimeout } = action;
    const flow: Flow = {
      table,
      priority,
      match: learnedMatch(action, walk),
      actions: learnedActions(action, walk),
      cookie,
      idleTimeout: 0,
      hardTimeout,
    };
    const before = this.#flows.get(flowKey(flow));
    const sameCount = this.dump().filter((other) => other.table === table && other.cookie === cookie).length;
    if (action.limit > 0 && before === undefined && sameCount >= action.limit) return;
    this.#flows.set(flowKey(flow), { ...flow, packets: before?.packets ?? 0n, bytes: before?.bytes ?? 0n });
  }
}
