/**
 * The text of `learn`. Used by the parser of actions.
 */

import type { LearnAction, LearnSpec } from '../actions.js';
import { fields } from '../fields.js';
import { priorityDefault } from '../flow.js';
import { knownField, parseSubfield, parseValue } from './field-value.js';
import { parseBig, parseNumber, textError } from './notation.js';
import { splitList } from './split.js';

type Draft = { -readonly [K in keyof LearnAction]: LearnAction[K] };

/** Reads what stands in the parentheses. @throws AgentError OPENFLOW_TEXT_INVALID */
export function parseLearn(text: string): LearnAction {
  const specs: LearnSpec[] = [];
  const draft: Draft = {
    kind: 'learn',
    table: 1,
    idleTimeout: 0,
    hardTimeout: 0,
    finIdleTimeout: 0,
    finHardTimeout: 0,
    priority: priorityDefault,
    cookie: 0n,
    flags: 0,
    limit: 0,
    specs,
  };
  for (const part of splitList(text)) {
    if (!parseOption(draft, part)) specs.push(parseSpec(part));
  }
  return draft;
}

const numberOptions = {
  table: 'table',
  idle_timeout: 'idleTimeout',
  hard_timeout: 'hardTimeout',
  fin_idle_timeout: 'finIdleTimeout',
  fin_hard_timeout: 'finHardTimeout',
  priority: 'priority',
  limit: 'limit',
} as const;

const numberMax = { table: 254, limit: 0xffff_ffff } as const;

/** @returns whether the part is an option and no spec */
function parseOption(draft: Draft, part: string): boolean {
  const [key = '', value = ''] = part.split('=');
  if (Object.hasOwn(numberOptions, key)) {
    const name = numberOptions[key as keyof typeof numberOptions];
    draft[name] = parseNumber(value, name in numberMax ? numberMax[name as keyof typeof numberMax] : 0xffff);
    return true;
  }
  switch (key) {
    case 'cookie':
      draft.cookie = parseBig(value, 64);
      return true;
    case 'send_flow_rem':
      draft.flags |= 1;
      return true;
    case 'delete_learned':
      draft.flags |= 2;
      return true;
    case 'result_dst':
      draft.flags |= 4;
      draft.resultDst = parseSubfield(value);
      return true;
    default:
      return false;
  }
}

function parseSpec(part: string): LearnSpec {
  if (part.startsWith('output:')) return { kind: 'output', src: parseSubfield(part.slice(7)) };
  if (part.startsWith('load:')) return parseLoad(part.slice(5));
  const [name = '', source] = part.split('=');
  const dst = parseSubfield(name);
  if (source === undefined) return { kind: 'match', src: dst, dst };
  if (!isConstant(source)) return { kind: 'match', src: sameWidth(source, dst.bits), dst };
  // Without brackets the constant is written like a value of the field, an address for example.
  const isWhole = !name.includes('[') || dst.bits === fields[dst.field].bits;
  const field = isWhole && !name.includes('[') ? knownField(name) : undefined;
  const value = field === undefined ? parseBig(source, dst.bits) : BigInt(parseValue(field, source).value);
  return { kind: 'match', src: { value }, dst };
}

function parseLoad(text: string): LearnSpec {
  const [source = '', name] = text.split('->');
  if (name === undefined) throw textError('an arrow -> is expected', text);
  const dst = parseSubfield(name);
  const src = isConstant(source) ? { value: parseBig(source, dst.bits) } : sameWidth(source, dst.bits);
  return { kind: 'load', src, dst };
}

/** Numbers and addresses, which begin with a digit or hold a colon or point; names of fields do not. */
function isConstant(text: string): boolean {
  return /^\d/.test(text) || (!text.includes('[') && /[:.]/.test(text));
}

function sameWidth(text: string, bits: number): ReturnType<typeof parseSubfield> {
  const src = parseSubfield(text);
  if (src.bits !== bits) throw textError('source and destination differ in width', text);
  return src;
}
