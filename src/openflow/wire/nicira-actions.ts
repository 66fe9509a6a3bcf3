/**
 * The actions that Open vSwitch adds to OpenFlow, but for `learn`, `ct` and `nat`. Used by the list codec of actions,
 * which passes itself in for nested lists, so that the two files do not import each other's work in a circle.
 *
 *   header => 0xffff(2) len(2) 0x2320(4) subtype(2) body                nicira-ext.h; layouts: ofp-actions.c, "nx_action_*"
 */

import type { Action, ControllerAction, SampleAction } from '../actions.js';
import type { Version } from '../version.js';
import { expectWire } from './byte-reader.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { decodeCt, decodeNat, encodeCt, encodeNat } from './conntrack-actions.js';
import { vendor } from './header.js';
import { decodeLearn, encodeLearn } from './learn-action.js';
import { decodeController2, encodeController, isPlainController } from './controller-action.js';
import { portFrom16, portTo16 } from './port-number.js';
import { decodeFieldRef, encodeFieldRef, packBits, subfield, unpackBits } from './subfield.js';

/** Subtypes, `enum ofp_raw_action_type`. */
const nx = {
  resubmit: 1,
  popQueue: 5,
  regMove: 6,
  regLoad: 7,
  note: 8,
  resubmitTable: 14,
  outputReg: 15,
  learn: 16,
  exit: 17,
  finTimeout: 19,
  controller: 20,
  decTtlIds: 21,
  stackPush: 27,
  stackPop: 28,
  sample: 29,
  outputReg2: 32,
  conjunction: 34,
  ct: 35,
  nat: 36,
  controller2: 37,
  sample2: 38,
  outputTrunc: 39,
  sample3: 41,
  clone: 42,
  ctClear: 43,
  resubmitTableCt: 44,
  learn2: 45,
  decNshTtl: 48,
  checkPktLarger: 49,
  deleteField: 50,
} as const;

/** The actions that this file writes. */
export type NiciraAction = Exclude<
  Action,
  {
    readonly kind:
      | 'output'
      | 'group'
      | 'set_queue'
      | 'push_vlan'
      | 'pop_vlan'
      | 'push_mpls'
      | 'pop_mpls'
      | 'set_mpls_ttl'
      | 'dec_mpls_ttl'
      | 'set_nw_ttl'
      | 'set_field'
      | 'meter'
      | 'raw';
  }
>;

type EncodeList = (writer: ByteWriter, version: Version, actions: readonly Action[]) => void;
type DecodeList = (reader: ByteReader, depth: number) => readonly Action[];

/** Writes one of Nicira's actions. @throws AgentError OPENFLOW_VALUE_INVALID */
export function encodeNicira(writer: ByteWriter, version: Version, action: NiciraAction, encodeList: EncodeList): void {
  const start = writer.size;
  writer.u16(0xffff).u16(0).u32(vendor.nicira).u16(subtypeOf(action));
  encodeBody(writer, version, action, encodeList);
  writer.padTo8(start);
  writer.setU16(start + 2, writer.size - start);
}

function subtypeOf(action: NiciraAction): number {
  switch (action.kind) {
    case 'load':
      return nx.regLoad;
    case 'move':
      return nx.regMove;
    case 'resubmit':
      return action.withCt === true ? nx.resubmitTableCt : nx.resubmitTable;
    case 'output_reg':
      return nx.outputReg;
    case 'learn':
      return action.limit !== 0 || (action.flags & 4) !== 0 ? nx.learn2 : nx.learn;
    case 'controller':
      return isPlainController(action) ? nx.controller : nx.controller2;
    case 'sample':
      if (action.direction !== undefined) return nx.sample3;
      return action.samplingPort === undefined ? nx.sample : nx.sample2;
    default:
      return fixedSubtype[action.kind];
  }
}

const fixedSubtype = {
  pop_queue: nx.popQueue,
  note: nx.note,
  exit: nx.exit,
  fin_timeout: nx.finTimeout,
  dec_ttl: nx.decTtlIds,
  push: nx.stackPush,
  pop: nx.stackPop,
  conjunction: nx.conjunction,
  ct: nx.ct,
  nat: nx.nat,
  output_trunc: nx.outputTrunc,
  clone: nx.clone,
  ct_clear: nx.ctClear,
  dec_nsh_ttl: nx.decNshTtl,
  check_pkt_larger: nx.checkPktLarger,
  delete_field: nx.deleteField,
} as const;

function encodeBody(writer: ByteWriter, version: Version, action: NiciraAction, encodeList: EncodeList): void {
  switch (action.kind) {
    case 'load':
      writer.u16(packBits(action.dst));
      encodeFieldRef(writer, action.dst.field, 0);
      writer.u64(action.value);
      return;
    case 'move':
      writer.u16(action.dst.bits).u16(action.src.offset).u16(action.dst.offset);
      encodeFieldRef(writer, action.src.field, 0);
      encodeFieldRef(writer, action.dst.field, 0);
      return;
    case 'resubmit':
      writer
        .u16(action.port === undefined ? 0xfff8 : portTo16(action.port))
        .u8(action.table ?? 0xff)
        .zeros(3);
      return;
    case 'output_reg':
      writer.u16(packBits(action.src));
      encodeFieldRef(writer, action.src.field, 0);
      writer.u16(action.maxLength).zeros(6);
      return;
    case 'learn':
      encodeLearn(writer, action);
      return;
    case 'controller':
      encodeController(writer, action);
      return;
    case 'ct':
      encodeCt(writer, version, action, encodeList);
      return;
    case 'nat':
      encodeNat(writer, action);
      return;
    case 'clone':
      writer.zeros(6);
      encodeList(writer, version, action.actions);
      return;
    default:
      encodeSmall(writer, action);
  }
}

type SmallAction = Exclude<
  NiciraAction,
  {
    readonly kind: 'load' | 'move' | 'resubmit' | 'output_reg' | 'learn' | 'controller' | 'ct' | 'nat' | 'clone';
  }
>;

function encodeSmall(writer: ByteWriter, action: SmallAction): void {
  switch (action.kind) {
    case 'note':
      writer.bytes(action.bytes);
      return;
    case 'fin_timeout':
      writer.u16(action.idleTimeout).u16(action.hardTimeout).u16(0);
      return;
    case 'dec_ttl': {
      const ids = action.controllerIds ?? [0];
      writer.u16(ids.length).zeros(4);
      for (const id of ids) writer.u16(id);
      return;
    }
    case 'push':
      encodeStack(writer, action.src);
      return;
    case 'pop':
      encodeStack(writer, action.dst);
      return;
    case 'sample':
      encodeSample(writer, action);
      return;
    case 'conjunction':
      writer
        .u8(action.clause - 1)
        .u8(action.clauses)
        .u32(action.id);
      return;
    case 'output_trunc':
      writer.u16(portTo16(action.port)).u32(action.maxLength);
      return;
    case 'check_pkt_larger':
      writer.u16(action.length).u16(action.dst.offset);
      encodeFieldRef(writer, action.dst.field, 0);
      writer.zeros(6);
      return;
    case 'delete_field':
      encodeFieldRef(writer, action.field, 0);
      writer.zeros(10);
      return;
    case 'pop_queue':
    case 'exit':
    case 'ct_clear':
    case 'dec_nsh_ttl':
      writer.zeros(6);
  }
}

/** nx_action_stack => offset(2) oxm_header n_bits(2) pad to 24 */
function encodeStack(writer: ByteWriter, part: Parameters<typeof packBits>[0]): void {
  writer.u16(part.offset);
  encodeFieldRef(writer, part.field, 0);
  writer.u16(part.bits).zeros(6);
}

/** nx_action_sample => probability(2) collector(4) domain(4) point(4) [port(2) direction(1) pad5] */
function encodeSample(writer: ByteWriter, action: SampleAction): void {
  writer.u16(action.probability).u32(action.collectorSetId).u32(action.domainId).u32(action.pointId);
  if (action.samplingPort === undefined && action.direction === undefined) return;
  writer.u16(action.samplingPort === undefined ? 0xffff : portTo16(action.samplingPort));
  writer.u8(action.direction === undefined ? 0 : action.direction === 'ingress' ? 1 : 2).zeros(5);
}

/**
 * Reads one of Nicira's actions from its subtype on; undefined when the subtype is not known.
 * @throws UnknownField when the action names a field that is not in the table
 */
export function decodeNicira(body: ByteReader, depth: number, decodeList: DecodeList): Action | undefined {
  const subtype = body.u16();
  switch (subtype) {
    case nx.regLoad: {
      const packed = body.u16();
      const dst = unpackBits(decodeFieldRef(body), packed);
      return { kind: 'load', dst, value: body.u64() };
    }
    case nx.regMove:
      return decodeMove(body);
    case nx.resubmitTable:
    case nx.resubmitTableCt:
      return decodeResubmit(body, subtype === nx.resubmitTableCt);
    case nx.outputReg: {
      const packed = body.u16();
      const src = unpackBits(decodeFieldRef(body), packed);
      return { kind: 'output_reg', src, maxLength: body.u16() };
    }
    case nx.learn:
    case nx.learn2:
      return decodeLearn(body, subtype === nx.learn2);
    case nx.ct:
      return decodeCt(body, depth, decodeList);
    case nx.nat:
      return decodeNat(body);
    case nx.clone:
      body.skip(6);
      return { kind: 'clone', actions: decodeList(body, depth) };
    default:
      return decodeSmall(subtype, body);
  }
}

function decodeSmall(subtype: number, body: ByteReader): Action | undefined {
  switch (subtype) {
    case nx.popQueue:
      return { kind: 'pop_queue' };
    case nx.note:
      return { kind: 'note', bytes: body.bytes(body.remaining) };
    case nx.exit:
      return { kind: 'exit' };
    case nx.finTimeout:
      return { kind: 'fin_timeout', idleTimeout: body.u16(), hardTimeout: body.u16() };
    case nx.controller:
      return decodeController(body);
    case nx.controller2:
      return decodeController2(body);
    case nx.decTtlIds:
      return decodeTtlIds(body);
    case nx.stackPush:
      return { kind: 'push', src: decodeStack(body) };
    case nx.stackPop:
      return { kind: 'pop', dst: decodeStack(body) };
    case nx.sample:
    case nx.sample2:
    case nx.sample3:
      return decodeSample(subtype, body);
    case nx.conjunction:
      return { kind: 'conjunction', clause: body.u8() + 1, clauses: body.u8(), id: body.u32() };
    case nx.outputTrunc:
      return { kind: 'output_trunc', port: portFrom16(body.u16()), maxLength: body.u32() };
    case nx.ctClear:
      return { kind: 'ct_clear' };
    case nx.decNshTtl:
      return { kind: 'dec_nsh_ttl' };
    case nx.checkPktLarger: {
      const length = body.u16();
      const offset = body.u16();
      return { kind: 'check_pkt_larger', length, dst: subfield(decodeFieldRef(body), offset, 1) };
    }
    case nx.deleteField:
      return { kind: 'delete_field', field: decodeFieldRef(body).name };
    default:
      return undefined;
  }
}

function decodeMove(body: ByteReader): Action {
  const bits = body.u16();
  const srcOffset = body.u16();
  const dstOffset = body.u16();
  const src = subfield(decodeFieldRef(body), srcOffset, bits);
  return { kind: 'move', src, dst: subfield(decodeFieldRef(body), dstOffset, bits) };
}

function decodeResubmit(body: ByteReader, withCt: boolean): Action {
  const number = body.u16();
  const table = body.u8();
  return {
    kind: 'resubmit',
    ...(number === 0xfff8 ? {} : { port: portFrom16(number) }),
    ...(table === 0xff ? {} : { table }),
    ...(withCt ? { withCt } : {}),
  };
}

function decodeController(body: ByteReader): ControllerAction {
  return { kind: 'controller', maxLength: body.u16(), controllerId: body.u16(), reason: body.u8() };
}

function decodeTtlIds(body: ByteReader): Action {
  const count = body.u16();
  body.skip(4);
  expectWire(count > 0 && count * 2 <= body.remaining, 'dec_ttl names more controllers than it holds');
  const controllerIds = Array.from({ length: count }, () => body.u16());
  return { kind: 'dec_ttl', controllerIds };
}

function decodeStack(body: ByteReader): ReturnType<typeof subfield> {
  const offset = body.u16();
  const field = decodeFieldRef(body);
  return subfield(field, offset, body.u16());
}

function decodeSample(subtype: number, body: ByteReader): SampleAction {
  const sample: SampleAction = {
    kind: 'sample',
    probability: body.u16(),
    collectorSetId: body.u32(),
    domainId: body.u32(),
    pointId: body.u32(),
  };
  if (subtype === nx.sample) return sample;
  const number = body.u16();
  const direction = body.u8();
  const samplingPort = portFrom16(number);
  if (subtype === nx.sample2) return { ...sample, samplingPort };
  return {
    ...sample,
    ...(number === 0xffff ? {} : { samplingPort }),
    ...(direction === 1 ? { direction: 'ingress' as const } : {}),
    ...(direction === 2 ? { direction: 'egress' as const } : {}),
  };
}
