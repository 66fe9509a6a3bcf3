/**
 * Flows between the planner's few words and the OpenFlow client's many. What the planner has no word for is kept as the
 * text of ovs-ofctl, so that a foreign or damaged flow in the agent's cookie range is seen as different, never as right.
 */

import {
  formatActions,
  formatMatch,
  type Action,
  type FieldName,
  type FlowMod,
  type FlowUpdate,
  type Instructions,
  type LearnAction as WireLearn,
  type LearnSpec,
  type Match,
  type MatchField,
  type MatchInput,
  type Subfield,
  match,
} from '../openflow/index.js';
import { unreachable } from '../lib/assert.js';
import type { FlowChange } from '../chain/plan-flows.js';
import type {
  FieldPart,
  Flow,
  FlowAction,
  FlowMatch,
  LearnAction,
  LearnPart,
  Masked,
  ObservedFlow,
  VlanMatch,
} from '../model/flow.js';

/** The bit of vlan_vid that says that there is a tag (OpenFlow 1.5.1 section 7.2.3.8, OFPVID_PRESENT). */
const vidPresent = 0x1000;
const vidBits = 0x0fff;
const ethertypeVlan = 0x8100;

const macToNumber = (mac: string): bigint => BigInt(`0x${mac.replaceAll(':', '')}`);

function numberToMac(value: bigint): string {
  return value.toString(16).padStart(12, '0').match(/../g)?.join(':') ?? '';
}

function vlanInput(vlan: VlanMatch): MatchInput {
  switch (vlan.kind) {
    case 'untagged':
      return { value: 0, mask: vidPresent };
    case 'tag':
      return vidPresent | vlan.vid;
    case 'vidBits':
      return { value: vlan.vid, mask: vidBits };
    default:
      return unreachable(vlan);
  }
}

function macInput({ value, mask }: Masked<string>): MatchInput {
  return mask === undefined ? macToNumber(value) : { value: macToNumber(value), mask: macToNumber(mask) };
}

function toMatch(wanted: FlowMatch): Match {
  const inputs: Partial<Record<FieldName, MatchInput>> = {};
  if (wanted.inPort !== undefined) inputs.in_port = wanted.inPort;
  if (wanted.metadata !== undefined) inputs.metadata = wanted.metadata;
  if (wanted.reg0 !== undefined) inputs.reg0 = wanted.reg0;
  if (wanted.reg1 !== undefined) inputs.reg1 = wanted.reg1;
  if (wanted.vlan !== undefined) inputs.vlan_vid = vlanInput(wanted.vlan);
  if (wanted.ethSrc !== undefined) inputs.eth_src = macInput(wanted.ethSrc);
  if (wanted.ethDst !== undefined) inputs.eth_dst = macInput(wanted.ethDst);
  return match(inputs);
}

/** The fields of `learn`, by the planner's name. */
const learnFields: Readonly<Record<FieldPart['field'], FieldName>> = {
  // The one of 16 bits, as the text of the plan has it: OpenFlow's own is 32 bits wide.
  inPort: 'nxm_in_port',
  metadata: 'metadata',
  ethSrc: 'eth_src',
  ethDst: 'eth_dst',
  vlanTci: 'vlan_tci',
  reg0: 'reg0',
  reg1: 'reg1',
};
const partNames = new Map(Object.entries(learnFields).map(([part, field]) => [field, part as FieldPart['field']]));

const toSubfield = ({ field, offset, bits }: FieldPart): Subfield => ({ field: learnFields[field], offset, bits });

function fromSubfield(part: Subfield): FieldPart | undefined {
  const field = partNames.get(part.field);
  return field === undefined ? undefined : { field, offset: part.offset, bits: part.bits };
}

function toLearn(action: LearnAction): WireLearn {
  const specs = action.parts.map((part): LearnSpec => {
    const [src, dst] = [toSubfield(part.src), toSubfield(part.dst)];
    return { kind: part.kind, src, dst };
  });
  const { table, priority, cookie, hardTimeout, limit } = action;
  const unused = { idleTimeout: 0, finIdleTimeout: 0, finHardTimeout: 0, flags: 0 };
  return { kind: 'learn', ...unused, table, priority, cookie, hardTimeout, limit, specs };
}

function fromLearnSpec(spec: LearnSpec): LearnPart | undefined {
  if (spec.kind === 'output' || !('field' in spec.src)) return undefined;
  const [src, dst] = [fromSubfield(spec.src), fromSubfield(spec.dst)];
  return src === undefined || dst === undefined ? undefined : { kind: spec.kind, src, dst };
}

function fromLearn(action: WireLearn): LearnAction | undefined {
  const parts = action.specs.map(fromLearnSpec);
  const known = parts.filter((part) => part !== undefined);
  const { table, priority, cookie, hardTimeout, limit } = action;
  const isOurs =
    known.length === parts.length &&
    action.idleTimeout === 0 &&
    action.finIdleTimeout === 0 &&
    action.finHardTimeout === 0 &&
    action.flags === 0;
  return isOurs ? { kind: 'learn', table, priority, cookie, hardTimeout, limit, parts: known } : undefined;
}

/** The lowest 16 bits, which is as much as a learned flow loads. */
const registerBits = 16;

function toAction(action: FlowAction): Action | undefined {
  switch (action.kind) {
    case 'output':
      return { kind: 'output', port: action.port };
    case 'pushVlan':
      return { kind: 'push_vlan', ethertype: ethertypeVlan };
    case 'popVlan':
      return { kind: 'pop_vlan' };
    case 'setVlan':
      return { kind: 'set_field', field: 'vlan_vid', value: vidPresent | action.vid };
    case 'resubmit':
      return { kind: 'resubmit', table: action.table };
    case 'loadRegister': {
      const dst = { field: action.register, offset: 0, bits: registerBits };
      return { kind: 'load', value: BigInt(action.value), dst };
    }
    case 'learn':
      return toLearn(action);
    // These two are instructions, and what was only observed is never wanted.
    case 'writeMetadata':
    case 'goto':
    case 'other':
      return undefined;
    default:
      return unreachable(action);
  }
}

function toInstructions(actions: readonly FlowAction[]): Instructions {
  const apply = actions.map(toAction).filter((action) => action !== undefined);
  const metadata = actions.find((action) => action.kind === 'writeMetadata');
  const next = actions.find((action) => action.kind === 'goto');
  return {
    ...(apply.length === 0 ? {} : { apply }),
    ...(metadata === undefined ? {} : { metadata: { value: metadata.value } }),
    ...(next === undefined ? {} : { goto: next.table }),
  };
}

/** The flow as an ADD. */
function toAdd(flow: Flow): FlowMod {
  const { table, priority, cookie, idleTimeout, hardTimeout } = flow;
  const instructions = toInstructions(flow.actions);
  return {
    command: 'add',
    table,
    priority,
    cookie,
    idleTimeout,
    hardTimeout,
    match: toMatch(flow.match),
    instructions,
  };
}

const cookieAll = 2n ** 64n - 1n;

/** The message that carries out a change. Deletions select by cookie too, so they can hit nobody else's flow. */
export function toFlowMod(change: FlowChange): FlowMod {
  switch (change.kind) {
    case 'add':
    case 'replace':
      return toAdd(change.flow);
    case 'modify':
      return { ...toAdd(change.flow), command: 'modify_strict', cookieMask: cookieAll };
    case 'delete': {
      const { table, priority, cookie } = change.flow;
      const selected = { table, priority, cookie, cookieMask: cookieAll, match: toMatch(change.flow.match) };
      return { command: 'delete_strict', ...selected };
    }
    case 'deleteCookie':
      return { command: 'delete', cookie: change.cookie, cookieMask: change.mask };
    default:
      return unreachable(change);
  }
}

type MutableMatch = { -readonly [Key in keyof FlowMatch]: FlowMatch[Key] };

function fromVlan(value: number, mask: number | undefined): VlanMatch | undefined {
  if (mask === undefined && (value & vidPresent) !== 0) return { kind: 'tag', vid: value & vidBits };
  if (value === 0 && (mask === undefined || mask === vidPresent)) return { kind: 'untagged' };
  return mask === vidBits ? { kind: 'vidBits', vid: value } : undefined;
}

function fromMac(value: bigint, mask: bigint | undefined): Masked<string> {
  return { value: numberToMac(value), mask: mask === undefined ? undefined : numberToMac(mask) };
}

/** Puts one field into the planner's match; false when it has no word for it. */
function takeField(result: MutableMatch, entry: MatchField): boolean {
  if (entry.field === 'raw') return false;
  const { field, value, mask } = entry;
  if (field === 'vlan_vid') {
    const vlan = fromVlan(Number(value), mask === undefined ? undefined : Number(mask));
    if (vlan !== undefined) result.vlan = vlan;
    return vlan !== undefined;
  }
  if (field === 'eth_src' || field === 'eth_dst') {
    const mac = fromMac(BigInt(value), mask === undefined ? undefined : BigInt(mask));
    result[field === 'eth_src' ? 'ethSrc' : 'ethDst'] = mac;
    return true;
  }
  if (mask !== undefined) return false;
  if (field === 'metadata') result.metadata = BigInt(value);
  else if (field === 'in_port') result.inPort = Number(value);
  else if (field === 'reg0') result.reg0 = Number(value);
  else if (field === 'reg1') result.reg1 = Number(value);
  else return false;
  return true;
}

function fromMatch(observed: Match): FlowMatch {
  const result: MutableMatch = {};
  const strangers = observed.filter((entry) => !takeField(result, entry));
  return strangers.length === 0 ? result : { ...result, other: formatMatch(strangers) };
}

function fromKnownAction(action: Action): FlowAction | undefined {
  switch (action.kind) {
    case 'output':
      return { kind: 'output', port: action.port };
    case 'push_vlan':
      return action.ethertype === ethertypeVlan ? { kind: 'pushVlan' } : undefined;
    case 'pop_vlan':
      return { kind: 'popVlan' };
    case 'resubmit': {
      const isPlain = action.table !== undefined && action.port === undefined && action.withCt !== true;
      return isPlain ? { kind: 'resubmit', table: action.table } : undefined;
    }
    case 'set_field':
      return fromSetField(Number(action.value), action.field, action.mask);
    case 'load': {
      const { field, offset, bits } = action.dst;
      return offset === 0 && bits === registerBits ? fromSetField(Number(action.value), field, 0xffff) : undefined;
    }
    case 'learn':
      return fromLearn(action);
    default:
      return undefined;
  }
}

function fromSetField(value: number, field: FieldName, mask: number | bigint | undefined): FlowAction | undefined {
  const isWholeVid = field === 'vlan_vid' && (mask === undefined || Number(mask) === (vidPresent | vidBits));
  if (isWholeVid && (value & vidPresent) !== 0) return { kind: 'setVlan', vid: value & vidBits };
  const isRegister = field === 'reg0' || field === 'reg1';
  return isRegister && Number(mask) === 0xffff ? { kind: 'loadRegister', register: field, value } : undefined;
}

function fromInstructions(instructions: Instructions): readonly FlowAction[] {
  const actions: FlowAction[] = (instructions.apply ?? []).map(
    (action) => fromKnownAction(action) ?? { kind: 'other', text: formatActions([action]) },
  );
  const { metadata, goto: next, meter, clear, write, raw } = instructions;
  if (meter !== undefined || clear === true || write !== undefined || (raw ?? []).length > 0) {
    actions.push({ kind: 'other', text: 'instructions that no chain uses' });
  }
  if (metadata !== undefined) {
    const isWhole = metadata.mask === undefined || metadata.mask === cookieAll;
    actions.push(
      isWhole ? { kind: 'writeMetadata', value: metadata.value } : { kind: 'other', text: 'masked metadata' },
    );
  }
  if (next !== undefined) actions.push({ kind: 'goto', table: next });
  return actions;
}

/** What a dump and a flow monitor tell of a flow. */
export type SeenFlow = Pick<
  Extract<FlowUpdate, { readonly table: number }>,
  'table' | 'priority' | 'cookie' | 'idleTimeout' | 'hardTimeout' | 'match' | 'instructions'
> & { readonly packets?: bigint | undefined; readonly bytes?: bigint | undefined };

/** A flow of the switch in the planner's words. */
export function fromSeenFlow(seen: SeenFlow): ObservedFlow {
  const { table, priority, cookie, idleTimeout, hardTimeout, packets, bytes } = seen;
  return {
    table,
    priority,
    cookie,
    idleTimeout,
    hardTimeout,
    match: fromMatch(seen.match),
    actions: fromInstructions(seen.instructions),
    packets,
    bytes,
  };
}
