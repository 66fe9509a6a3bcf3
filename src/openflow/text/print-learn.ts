/**
 * The `learn` action as Open vSwitch prints it. Used by the printer of actions. After learn_format() of lib/learn.c.
 */

import type { LearnAction, LearnSpec } from '../actions.js';
import { fields } from '../fields.js';
import type { Subfield } from '../fields.js';
import { priorityDefault } from '../flow.js';
import { formatSubfield, formatValue } from './field-value.js';
import { altHex, hex } from './notation.js';

/** The whole action. */
export function formatLearn(action: LearnAction): string {
  const numbers: readonly (readonly [string, number])[] = [
    ['idle_timeout', action.idleTimeout],
    ['hard_timeout', action.hardTimeout],
    ['fin_idle_timeout', action.finIdleTimeout],
    ['fin_hard_timeout', action.finHardTimeout],
  ];
  const parts = [
    `table=${action.table}`,
    ...numbers.filter(([, value]) => value !== 0).map(([name, value]) => `${name}=${value}`),
    ...(action.priority === priorityDefault ? [] : [`priority=${action.priority}`]),
    ...((action.flags & 1) === 0 ? [] : ['send_flow_rem']),
    ...((action.flags & 2) === 0 ? [] : ['delete_learned']),
    ...(action.cookie === 0n ? [] : [`cookie=${hex(action.cookie)}`]),
    ...(action.limit === 0 ? [] : [`limit=${action.limit}`]),
    ...(action.resultDst === undefined ? [] : [`result_dst=${formatSubfield(action.resultDst)}`]),
    ...action.specs.map(formatSpec),
  ];
  return `learn(${parts.join(',')})`;
}

function formatSpec(spec: LearnSpec): string {
  switch (spec.kind) {
    case 'output':
      return `output:${formatSubfield(spec.src)}`;
    case 'load':
      return `load:${'value' in spec.src ? altHex(spec.src.value) : formatSubfield(spec.src)}->${formatSubfield(spec.dst)}`;
    case 'match':
      return 'value' in spec.src ? formatConstant(spec.dst, spec.src.value) : formatCopied(spec.dst, spec.src);
  }
}

function formatConstant(dst: Subfield, value: bigint): string {
  const field = fields[dst.field];
  if (dst.offset !== 0 || dst.bits !== field.bits) return `${formatSubfield(dst)}=${altHex(value)}`;
  return `${field.text}=${formatValue(field, field.isBig ? value : Number(value))}`;
}

function formatCopied(dst: Subfield, src: Subfield): string {
  const isSame = src.field === dst.field && src.offset === dst.offset;
  return isSame ? formatSubfield(dst) : `${formatSubfield(dst)}=${formatSubfield(src)}`;
}
