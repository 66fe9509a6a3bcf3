/**
 * The text of actions into typed actions and instructions, in the notation of ovs-actions(7). Used by the parser of flows
 * and by whoever writes actions as text.
 */

import type { Action, ControllerAction, Instructions, ResubmitAction, SampleAction } from '../actions.js';
import { port } from '../actions.js';
import { fields } from '../fields.js';
import type { FieldName } from '../fields.js';
import { knownField, parseSubfield, parseValue } from './field-value.js';
import { parseBig, parseDotted, parseIpv4, parseMac, parseNumber, parsePort, textError } from './notation.js';
import { parseCt, parseNat } from './parse-conntrack.js';
import { parseLearn } from './parse-learn.js';
import { splitKey, splitKeys, splitList } from './split.js';
import type { KeyValue } from './split.js';

/** What the match says that an action depends on. */
export interface ActionContext {
  /** The flow matches on a VLAN tag. */
  readonly hasVlan: boolean;
  /** The transport protocol that the flow matches on, if any. */
  readonly protocol: number | undefined;
}

export const noContext: ActionContext = { hasVlan: false, protocol: undefined };

/** Reads what follows `actions=`. @throws AgentError OPENFLOW_TEXT_INVALID */
export function parseInstructions(text: string, context: ActionContext = noContext): Instructions {
  const draft: { -readonly [K in keyof Instructions]: Instructions[K] } = {};
  const applied: Action[] = [];
  for (const part of splitList(text)) {
    const { key, value = '' } = splitKey(part);
    switch (key) {
      case 'clear_actions':
        draft.clear = true;
        break;
      case 'write_actions':
        draft.write = parseActions(value, context);
        break;
      case 'write_metadata':
        draft.metadata = parseMetadata(value);
        break;
      case 'goto_table':
        draft.goto = parseNumber(value, 254);
        break;
      case 'meter':
        draft.meter = parseNumber(value, 0xffff_ffff);
        break;
      default:
        applied.push(...parseAction(part, context));
    }
  }
  return applied.length === 0 ? draft : { ...draft, apply: applied };
}

function parseMetadata(text: string): NonNullable<Instructions['metadata']> {
  const [value = '', mask] = text.split('/');
  const number = parseBig(value, 64);
  return mask === undefined ? { value: number } : { value: number, mask: parseBig(mask, 64) };
}

/** Reads a list of actions; `drop` is the empty list. @throws AgentError OPENFLOW_TEXT_INVALID */
export function parseActions(text: string, context: ActionContext = noContext): readonly Action[] {
  return splitList(text).flatMap((part) => parseAction(part, context));
}

/** One action of the text; some of the older ones are several actions today, and `drop` is none. */
function parseAction(part: string, context: ActionContext): readonly Action[] {
  const words = splitKey(part);
  const old = parseOld(words, context);
  if (old !== undefined) return old;
  const single = parseWord(words) ?? parseStructured(words, context);
  if (single !== undefined) return [single];
  if (words.value === undefined) return [outputTo(part)];
  throw textError('an action is not known', part);
}

function outputTo(text: string): Action {
  const number = parsePort(text);
  return number === port.controller
    ? { kind: 'output', port: number, maxLength: 0xffff }
    : { kind: 'output', port: number };
}

/** Actions without or with one simple argument. */
function parseWord({ key, value = '' }: KeyValue): Action | undefined {
  switch (key) {
    case 'strip_vlan':
    case 'pop_vlan':
      return { kind: 'pop_vlan' };
    case 'pop_queue':
    case 'dec_mpls_ttl':
    case 'dec_nsh_ttl':
    case 'ct_clear':
    case 'exit':
      return { kind: key };
    case 'group':
      return { kind: key, group: parseNumber(value, 0xffff_ffff) };
    case 'set_queue':
      return { kind: key, queue: parseNumber(value, 0xffff_ffff) };
    case 'push_vlan':
    case 'push_mpls':
    case 'pop_mpls':
      return { kind: key, ethertype: parseNumber(value, 0xffff) };
    case 'set_mpls_ttl':
      return { kind: key, ttl: parseNumber(value, 255) };
    case 'mod_nw_ttl':
      return { kind: 'set_nw_ttl', ttl: parseNumber(value, 255) };
    case 'note':
      return { kind: key, bytes: paddedNote(parseDotted(value)) };
    case 'push':
      return { kind: key, src: parseSubfield(value) };
    case 'pop':
      return { kind: key, dst: parseSubfield(value) };
    case 'delete_field':
      return { kind: key, field: knownField(value).name };
    default:
      return undefined;
  }
}

/** A note fills its action, which is a multiple of eight bytes, ten of them header. */
function paddedNote(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.max(6, Math.ceil((bytes.length + 10) / 8) * 8 - 10));
  padded.set(bytes);
  return padded;
}

function parseStructured(words: KeyValue, context: ActionContext): Action | undefined {
  const { key, value = '', tail, isGrouped } = words;
  switch (key) {
    case 'output':
      return isGrouped ? parseTruncated(value) : parseOutput(value);
    case 'CONTROLLER':
    case 'controller':
      return parseController(words);
    case 'set_field':
      return parseSetField(value);
    case 'load':
      return parseLoad(value);
    case 'move': {
      const [src, dst] = arrow(value);
      return { kind: 'move', src: parseSubfield(src), dst: parseSubfield(dst) };
    }
    case 'resubmit':
      return isGrouped ? parseResubmit(value) : { kind: 'resubmit', port: parsePort(value) };
    case 'dec_ttl':
      if (!isGrouped) return { kind: 'dec_ttl' };
      return { kind: 'dec_ttl', controllerIds: splitList(value).map((id) => parseNumber(id, 0xffff)) };
    case 'learn':
      return parseLearn(value);
    case 'ct':
      return parseCt(value, (text) => parseActions(text, context));
    case 'nat':
      return parseNat(words.value);
    case 'clone':
      return { kind: 'clone', actions: parseActions(value, context) };
    case 'conjunction':
      return parseConjunction(value);
    case 'check_pkt_larger':
      return { kind: key, length: parseNumber(value, 0xffff), dst: parseSubfield(tail.replace(/^->/, '')) };
    case 'fin_timeout':
      return parseFinTimeout(value);
    case 'sample':
      return parseSample(value);
    case 'meter':
      return { kind: 'meter', meter: parseNumber(value, 0xffff_ffff) };
    case 'raw':
      return { kind: 'raw', bytes: parseDotted(value) };
    default:
      return undefined;
  }
}

function parseOutput(text: string): Action {
  if (!text.includes('[')) return outputTo(text);
  return { kind: 'output_reg', src: parseSubfield(text), maxLength: 0xffff };
}

function parseTruncated(text: string): Action {
  const keys = new Map(splitKeys(text).map(({ key, value = '' }) => [key, value]));
  const number = parsePort(keys.get('port') ?? '');
  return { kind: 'output_trunc', port: number, maxLength: parseNumber(keys.get('max_len') ?? '', 0xffff_ffff) };
}

const reasons = ['no_match', 'action', 'invalid_ttl', 'action_set', 'group', 'packet_out'];

/** `CONTROLLER:128` is an output to the port of that name, `controller(...)` Nicira's action. */
function parseController({ key, value, isGrouped }: KeyValue): Action {
  if (!isGrouped) {
    const maxLength = value === undefined || value === '' ? 0xffff : parseNumber(value, 0xffff);
    return { kind: 'output', port: port.controller, maxLength };
  }
  let action: ControllerAction = { kind: 'controller', maxLength: 0xffff, controllerId: 0, reason: 1 };
  for (const option of splitKeys(value ?? '')) action = { ...action, ...parseControllerOption(key, option) };
  const isPlain = action.controllerId === 0 && action.reason === 1 && action.userdata === undefined;
  if (!isPlain || action.pause === true || action.meter !== undefined) return action;
  return { kind: 'output', port: port.controller, maxLength: action.maxLength };
}

function parseControllerOption(action: string, { key, value = '' }: KeyValue): Partial<ControllerAction> {
  switch (key) {
    case 'max_len':
      return { maxLength: parseNumber(value, 0xffff) };
    case 'id':
      return { controllerId: parseNumber(value, 0xffff) };
    case 'reason': {
      const reason = reasons.indexOf(value);
      return { reason: reason < 0 ? parseNumber(value, 255) : reason };
    }
    case 'userdata':
      return { userdata: parseDotted(value) };
    case 'pause':
      return { pause: true };
    case 'meter_id':
      return { meter: parseNumber(value, 0xffff_ffff) };
    default:
      throw textError(`an option of ${action} is not known`, key);
  }
}

/** `source->destination` */
function arrow(text: string): readonly [string, string] {
  const at = text.lastIndexOf('->');
  if (at < 0) throw textError('an arrow -> is expected', text);
  return [text.slice(0, at).trim(), text.slice(at + 2).trim()];
}

function parseSetField(text: string): Action {
  const [value, name] = arrow(text);
  const field = knownField(name);
  const pair = parseValue(field, value);
  return setField(field.name, pair.value, pair.mask);
}

function setField(name: FieldName, value: number | bigint, mask?: number | bigint): Action {
  return mask === undefined || mask === fields[name].ones
    ? { kind: 'set_field', field: name, value }
    : { kind: 'set_field', field: name, value, mask };
}

function parseLoad(text: string): Action {
  const [value, name] = arrow(text);
  const dst = parseSubfield(name);
  return { kind: 'load', value: parseBig(value, dst.bits), dst };
}

function parseResubmit(text: string): ResubmitAction {
  const [inPort = '', table = '', ct, ...more] = text.split(',').map((part) => part.trim());
  if (more.length > 0 || (ct !== undefined && ct !== 'ct')) throw textError('resubmit(port,table[,ct])', text);
  const number = inPort === '' ? port.inPort : parsePort(inPort);
  return {
    kind: 'resubmit',
    ...(number === port.inPort ? {} : { port: number }),
    ...(table === '' ? {} : { table: parseNumber(table, 255) }),
    ...(ct === undefined ? {} : { withCt: true }),
  };
}

function parseConjunction(text: string): Action {
  const parts = /^\s*(\w+)\s*,\s*(\d+)\/(\d+)\s*$/.exec(text);
  if (parts === null) throw textError('conjunction(id,k/n)', text);
  const [, id = '', clause = '', clauses = ''] = parts;
  return {
    kind: 'conjunction',
    id: parseNumber(id, 0xffff_ffff),
    clause: parseNumber(clause, 64),
    clauses: parseNumber(clauses, 64),
  };
}

function parseFinTimeout(text: string): Action {
  const keys = new Map(splitKeys(text).map(({ key, value = '' }) => [key, value]));
  const idleTimeout = parseNumber(keys.get('idle_timeout') ?? '0', 0xffff);
  return { kind: 'fin_timeout', idleTimeout, hardTimeout: parseNumber(keys.get('hard_timeout') ?? '0', 0xffff) };
}

function parseSample(text: string): SampleAction {
  const keys = new Map(splitKeys(text).map(({ key, value = '' }) => [key, value]));
  const number = (key: string, max: number): number => parseNumber(keys.get(key) ?? '0', max);
  const samplingPort = keys.get('sampling_port');
  const direction = keys.has('ingress') ? 'ingress' : keys.has('egress') ? 'egress' : undefined;
  return {
    kind: 'sample',
    probability: number('probability', 0xffff),
    collectorSetId: number('collector_set_id', 0xffff_ffff),
    domainId: number('obs_domain_id', 0xffff_ffff),
    pointId: number('obs_point_id', 0xffff_ffff),
    ...(samplingPort === undefined ? {} : { samplingPort: parsePort(samplingPort) }),
    ...(direction === undefined ? {} : { direction }),
  };
}

/** Actions of OpenFlow 1.0 that later versions say with others. */
function parseOld({ key, value = '' }: KeyValue, context: ActionContext): readonly Action[] | undefined {
  switch (key) {
    case 'drop':
      return [];
    case 'mod_vlan_vid':
    case 'set_vlan_vid':
      return tagged(key, context, setField('vlan_vid', parseNumber(value, 0xfff) | 0x1000));
    case 'mod_vlan_pcp':
    case 'set_vlan_pcp':
      return tagged(key, context, setField('vlan_pcp', parseNumber(value, 7)));
    case 'mod_dl_src':
      return [setField('eth_src', parseMac(value))];
    case 'mod_dl_dst':
      return [setField('eth_dst', parseMac(value))];
    case 'mod_nw_src':
      return [setField('ip_src', parseIpv4(value))];
    case 'mod_nw_dst':
      return [setField('ip_dst', parseIpv4(value))];
    case 'mod_nw_tos':
      return [setField('ip_dscp', parseNumber(value, 255) >>> 2)];
    case 'mod_nw_ecn':
      return [setField('nw_ecn', parseNumber(value, 3))];
    case 'mod_tp_src':
      return [setField(transportField('src', context, key), parseNumber(value, 0xffff))];
    case 'mod_tp_dst':
      return [setField(transportField('dst', context, key), parseNumber(value, 0xffff))];
    case 'set_mpls_label':
      return [setField('mpls_label', parseNumber(value, 0xf_ffff))];
    case 'set_mpls_tc':
      return [setField('mpls_tc', parseNumber(value, 7))];
    case 'set_tunnel':
    case 'set_tunnel64':
      return [setField('tun_id', parseBig(value, 64))];
    case 'enqueue':
      return enqueue(value);
    default:
      return undefined;
  }
}

/** The `mod_` forms add a tag when the packet has none; the flow's match says whether it has. */
function tagged(key: string, context: ActionContext, action: Action): readonly Action[] {
  if (key.startsWith('set_') || context.hasVlan) return [action];
  return [{ kind: 'push_vlan', ethertype: 0x8100 }, action];
}

function transportField(end: 'src' | 'dst', context: ActionContext, key: string): FieldName {
  switch (context.protocol) {
    case 6:
      return `tcp_${end}`;
    case 17:
      return `udp_${end}`;
    case 132:
      return `sctp_${end}`;
    default:
      throw textError('the action needs a match on a transport protocol', key);
  }
}

function enqueue(text: string): readonly Action[] {
  const [number = '', queue = ''] = text.split(/[:,]/);
  return [
    { kind: 'set_queue', queue: parseNumber(queue, 0xffff_ffff) },
    // Open vSwitch writes this length for the old action.
    { kind: 'output', port: parsePort(number), maxLength: 0xffff },
    { kind: 'pop_queue' },
  ];
}
