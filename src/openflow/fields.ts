/**
 * The header fields that flows match and actions write: width, notation, headers on the wire and what has to be matched
 * besides. Used by the codec, the text forms and the checks.
 */

import { fieldRows } from './field-table.js';
import type { FieldFormat, FieldRow, Prerequisite } from './field-table.js';

export type { FieldFormat, Prerequisite } from './field-table.js';

/** Names of the fields, those of ovs-fields(7) except for `nxm_in_port`, the 16-bit form of `in_port`. */
export type FieldName = keyof typeof fieldRows;

/** A name with the number of its class, or the experimenter form for versions that have no standard number yet. */
export interface FieldHeader {
  readonly name: string;
  /** `class << 16 | field << 9 | length`, without the mask bit. */
  readonly header: number;
}

export interface Field {
  readonly name: FieldName;
  /** Place in the order of a match. */
  readonly rank: number;
  /** Width in bits. */
  readonly bits: number;
  /** Bytes of the value on the wire. */
  readonly bytes: number;
  /** Whether values are bigints: those of more than 32 bits are. */
  readonly isBig: boolean;
  /** All bits of all bytes, which as a mask means an exact match. */
  readonly ones: number | bigint;
  readonly format: FieldFormat;
  readonly isMaskable: boolean;
  readonly needs: Prerequisite | undefined;
  readonly nxm: FieldHeader | undefined;
  readonly oxm: FieldHeader | undefined;
  /** The name in Open vSwitch's subfield notation, `NXM_NX_REG0`. */
  readonly subfieldName: string;
  /** The name that Open vSwitch writes after `->`. */
  readonly text: string;
  readonly textNames: readonly string[];
}

/** A value of a field: a bigint for fields of more than 32 bits, else a number. */
export type FieldValue = number | bigint;

/** Bits of a field, from `offset` (0 is the least significant). */
export interface Subfield {
  readonly field: FieldName;
  readonly offset: number;
  readonly bits: number;
}

const classOf = { NXM_OF: 0x0000, NXM_NX: 0x0001, OXM_OF: 0x8000, PACKET_REGS: 0x8001 } as const;

/** Every field by name. */
export const fields: Readonly<Record<FieldName, Field>> = buildFields();

/** The fields in the order of a match. */
export const fieldList: readonly Field[] = Object.values(fields);

const byHeader = new Map<number, Field>();
const byText = new Map<string, Field>();
for (const field of fieldList) {
  for (const form of [field.nxm, field.oxm]) {
    if (form === undefined) continue;
    byHeader.set(form.header >>> 9, field);
    byText.set(form.name, field);
  }
  for (const name of [field.name, ...field.textNames]) if (!byText.has(name)) byText.set(name, field);
}
// The 16-bit form is what Open vSwitch calls in_port in actions; a match never reads its name from here.
byText.set('in_port', fields.nxm_in_port);

/** The field of a TLV header, if it is in the table and the length is right. Both the NXM and the OXM form are known. */
export function fieldOfHeader(header: number): Field | undefined {
  const field = byHeader.get(header >>> 9);
  if (field === undefined) return undefined;
  const isMasked = (header & 0x100) !== 0;
  return (header & 0xff) === (isMasked ? field.bytes * 2 : field.bytes) ? field : undefined;
}

/** The field with a name as actions write it: `NXM_NX_REG0`, `OXM_OF_ETH_SRC`, `reg0`, `dl_src`. */
export function fieldOfText(name: string): Field | undefined {
  return byText.get(name);
}

/** The whole of a field. */
export function wholeField(name: FieldName): Subfield {
  return { field: name, offset: 0, bits: fields[name].bits };
}

function buildFields(): Readonly<Record<FieldName, Field>> {
  const entries = Object.entries(fieldRows).map(([name, row]: [string, FieldRow], rank) => [
    name,
    buildField(name as FieldName, row, rank),
  ]);
  return Object.fromEntries(entries) as Record<FieldName, Field>;
}

function buildField(name: FieldName, row: FieldRow, rank: number): Field {
  const bytes = row.bytes ?? bytesOf(row.bits);
  const nxm = row.nxm === undefined ? undefined : headerOf(row.nxm, bytes);
  const oxm = row.oxm === undefined ? undefined : headerOf(row.oxm, bytes);
  const isBig = row.bits > 32;
  return {
    name,
    rank,
    bits: row.bits,
    bytes,
    isBig,
    ones: isBig ? (1n << BigInt(bytes * 8)) - 1n : 2 ** (bytes * 8) - 1,
    format: row.format,
    isMaskable: row.isMaskable === true,
    needs: row.needs,
    nxm,
    oxm,
    subfieldName: (nxm ?? oxm)?.name ?? name,
    text: textOf(name),
    textNames: row.textNames ?? [],
  };
}

/** What Open vSwitch calls the two forms of in_port; every other field is called here as there. */
function textOf(name: FieldName): string {
  if (name === 'in_port') return 'in_port_oxm';
  return name === 'nxm_in_port' ? 'in_port' : name;
}

function headerOf([name, number]: readonly [string, number], bytes: number): FieldHeader {
  return { name, header: ((classNumber(name) << 16) | (number << 9) | bytes) >>> 0 };
}

function classNumber(name: string): number {
  if (name.startsWith('NXM_OF_')) return classOf.NXM_OF;
  if (name.startsWith('NXM_NX_')) return classOf.NXM_NX;
  return name.startsWith('OXM_OF_PKT_REG') ? classOf.PACKET_REGS : classOf.OXM_OF;
}

function bytesOf(bits: number): number {
  if (bits <= 16) return bits <= 8 ? 1 : 2;
  return bits <= 32 ? 4 : bits / 8;
}
