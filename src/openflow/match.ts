/**
 * What a flow matches, as a list of fields with values and masks in one normal form: two matches are the same exactly
 * when their normal forms are equal. Used by the codec, the text forms and by callers who build or compare flows.
 */

import { AgentError } from '../lib/errors.js';
import { fields } from './fields.js';
import type { Field, FieldName, FieldValue } from './fields.js';

/** A field of the table. Bits outside the mask are zero in the value; no mask means all bits. */
export interface KnownMatchField {
  readonly field: FieldName;
  readonly value: FieldValue;
  readonly mask?: FieldValue | undefined;
}

/** A field that the table does not know: the whole TLV, as the switch sent it. */
export interface RawMatchField {
  readonly field: 'raw';
  readonly bytes: Uint8Array;
}

export type MatchField = KnownMatchField | RawMatchField;

/** An empty match matches every packet. */
export type Match = readonly MatchField[];

/** A value alone, or with a mask. */
export type MatchInput = FieldValue | { readonly value: FieldValue; readonly mask: FieldValue };

/**
 * Builds a match: `match({ in_port: 1, eth_type: 0x0800, ip_dst: { value: 0x0a000000, mask: 0xff000000 } })`. A number is
 * accepted for any field. The result is in normal form; prerequisites are not added, see `prerequisiteMissing`.
 * @throws AgentError OPENFLOW_VALUE_INVALID for a value or mask that the field cannot hold, or a mask that it cannot have
 */
export function match(inputs: Readonly<Partial<Record<FieldName, MatchInput>>>): Match {
  const list: MatchField[] = [];
  for (const [name, input] of Object.entries(inputs)) {
    const field = fields[name as FieldName];
    const pair = typeof input === 'object' ? input : { value: input, mask: undefined };
    list.push({ field: field.name, value: checked(field, pair.value), mask: checkedMask(field, pair.mask) });
  }
  return normalMatch(list);
}

/** The value in the field's own type. @throws AgentError OPENFLOW_VALUE_INVALID when it does not fit the field */
export function checked(field: Field, value: FieldValue): FieldValue {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!isWhole || value < 0 || value > field.ones) throw invalid(field.name, 'the value does not fit the field');
  if (field.isBig) return BigInt(value);
  return Number(value);
}

function checkedMask(field: Field, mask: FieldValue | undefined): FieldValue | undefined {
  if (mask === undefined) return undefined;
  const known = checked(field, mask);
  if (!field.isMaskable && known !== field.ones) throw invalid(field.name, 'the field cannot be masked');
  return known;
}

/**
 * The normal form: the order of Open vSwitch, no field without a masked bit, no mask that covers everything, no value bit
 * outside its mask, registers as reg0 to reg15 only, VLAN as vlan_vid and vlan_pcp only.
 */
export function normalMatch(list: Match): Match {
  const known: KnownMatchField[] = [];
  const raw: RawMatchField[] = [];
  for (const entry of list) {
    if (entry.field === 'raw') raw.push(entry);
    else known.push(...split(entry));
  }
  const normal = known.flatMap(normalEntry);
  return [...normal.sort((a, b) => fields[a.field].rank - fields[b.field].rank), ...raw];
}

/** Whether decoding or building left nothing for `normalMatch` to do with this entry. */
function normalEntry(entry: KnownMatchField): readonly KnownMatchField[] {
  const mask = normalMask(entry.field, entry.mask);
  if (mask === undefined) return [{ field: entry.field, value: entry.value }];
  if (mask === 0 || mask === 0n) return [];
  return [{ field: entry.field, value: masked(entry.value, mask), mask }];
}

/** The mask, or undefined when all bits that the switch looks at are covered. */
export function normalMask(name: FieldName, mask: FieldValue | undefined): FieldValue | undefined {
  switch (name) {
    case 'ct_state':
      // The switch keeps eight bits of state and always writes their mask (lib/flow.h, ct_state).
      return Number(mask ?? 0xff) & 0xff;
    case 'vlan_vid':
      return mask === 0x1fff || mask === 0xffff ? undefined : mask;
    case 'ip_frag':
      return mask === 3 || mask === 0xff ? undefined : mask;
    default:
      return mask === fields[name].ones ? undefined : mask;
  }
}

function masked(value: FieldValue, mask: FieldValue): FieldValue {
  if (typeof value === 'bigint' || typeof mask === 'bigint') return BigInt(value) & BigInt(mask);
  return (value & mask) >>> 0;
}

/** Fields that are other names for parts of the normal form, taken apart. */
function split(entry: KnownMatchField): readonly KnownMatchField[] {
  const { field, value, mask } = entry;
  if (field.startsWith('xxreg')) return splitRegister(Number(field.slice(5)) * 4, 4, BigInt(value), mask);
  if (field.startsWith('xreg')) return splitRegister(Number(field.slice(4)) * 2, 2, BigInt(value), mask);
  if (field === 'vlan_tci') return splitTci(Number(value), Number(mask ?? 0xffff));
  return [entry];
}

/** The parts of an extended register as 32-bit registers, the most significant first. */
function splitRegister(
  first: number,
  count: number,
  value: bigint,
  mask: FieldValue | undefined,
): readonly KnownMatchField[] {
  const parts: KnownMatchField[] = [];
  for (let index = 0; index < count; index += 1) {
    const shift = BigInt(32 * (count - 1 - index));
    const part = { field: registerName(first + index), value: Number((value >> shift) & 0xffff_ffffn) };
    const partMask = mask === undefined ? undefined : Number((BigInt(mask) >> shift) & 0xffff_ffffn);
    parts.push({ ...part, mask: partMask });
  }
  return parts;
}

function registerName(index: number): FieldName {
  return `reg${index}` as FieldName;
}

/** NXM's vlan_tci as the two fields of OXM, whose `present` bit is the CFI bit of the tag. */
function splitTci(value: number, mask: number): readonly KnownMatchField[] {
  const vid: KnownMatchField = { field: 'vlan_vid', value: value & 0x1fff, mask: mask & 0x1fff };
  const pcpMask = mask >>> 13;
  // OXM has no masked priority, and none at all without a tag; the switch itself drops them in the same way.
  if (pcpMask === 0 || (value & 0x1fff) === 0) return [vid];
  return [vid, { field: 'vlan_pcp', value: value >>> 13 }];
}

/** A text that is equal exactly for matches with the same normal form, given matches in normal form. */
export function matchKey(list: Match): string {
  return list.map(entryKey).join(',');
}

function entryKey(entry: MatchField): string {
  if (entry.field === 'raw') return `raw=${Buffer.from(entry.bytes).toString('hex')}`;
  const value = entry.value.toString(16);
  return entry.mask === undefined ? `${entry.field}=${value}` : `${entry.field}=${value}/${entry.mask.toString(16)}`;
}

/** The entry of a field in a match, if there is one. */
export function matchEntry(list: Match, name: FieldName): KnownMatchField | undefined {
  for (const entry of list) if (entry.field === name) return entry;
  return undefined;
}

/** The error of a value that OpenFlow cannot carry. */
export function invalid(where: string, reason: string): AgentError {
  return new AgentError('OPENFLOW_VALUE_INVALID', 'a value cannot be written in OpenFlow', {
    facts: { where, reason },
  });
}
