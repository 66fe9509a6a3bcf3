/**
 * The text of `ct` and `nat`. Used by the parser of actions, which passes itself in for what stands in `exec`.
 */

import type { Action, CtAction, NatAction } from '../actions.js';
import { parseSubfield } from './field-value.js';
import { parseIpv4, parseIpv6, parseNumber, textError } from './notation.js';
import { splitKeys } from './split.js';
import type { KeyValue } from './split.js';

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** Reads what stands in the parentheses of ct(). @throws AgentError OPENFLOW_TEXT_INVALID */
export function parseCt(text: string, parseNested: (text: string) => readonly Action[]): CtAction {
  const draft: Draft<CtAction> = { kind: 'ct', actions: [] };
  const nested: Action[] = [];
  for (const option of splitKeys(text)) {
    const { key, value = '' } = option;
    if (key === 'exec') nested.push(...parseNested(value));
    // Open vSwitch moves nat to the front, where a switch expects it.
    else if (key === 'nat') nested.unshift(parseNat(option.value));
    else parseCtOption(draft, option);
  }
  return { ...draft, actions: nested };
}

function parseCtOption(draft: Draft<CtAction>, { key, value = '' }: KeyValue): void {
  switch (key) {
    case 'commit':
      draft.commit = true;
      return;
    case 'force':
      draft.force = true;
      return;
    case 'table':
      draft.table = parseNumber(value, 254);
      return;
    case 'zone': {
      const zone = /^\d/.test(value) ? parseNumber(value, 0xffff) : parseSubfield(value);
      if (zone !== 0) draft.zone = zone;
      return;
    }
    case 'alg':
      draft.alg = parseHelper(value);
      return;
    default:
      throw textError('an option of ct is not known', key);
  }
}

function parseHelper(text: string): number {
  if (text === 'ftp') return 21;
  if (text === 'tftp') return 69;
  throw textError('the helper is neither ftp nor tftp', text);
}

/** Reads what stands in the parentheses of nat(); undefined when there are none. */
export function parseNat(text: string | undefined): NatAction {
  const draft: Draft<NatAction> = { kind: 'nat' };
  for (const option of splitKeys(text ?? '')) {
    switch (option.key) {
      case 'src':
      case 'dst':
        draft.type = option.key;
        if (option.value !== undefined) Object.assign(draft, parseRange(option.value));
        break;
      case 'persistent':
      case 'hash':
      case 'random':
        draft[option.key] = true;
        break;
      default:
        throw textError('an option of nat is not known', option.key);
    }
  }
  return draft;
}

/** `10.0.0.1-10.0.0.9:80-90`, `[2001:db8::1]-[2001:db8::9]:80`, `2001:db8::1` */
function parseRange(text: string): Pick<NatAction, 'ipv4' | 'ipv6' | 'ports'> {
  const parts =
    /^([\d.]+)(?:-([\d.]+))?(?::(\d+)(?:-(\d+))?)?$/.exec(text) ??
    /^\[([^\]]+)\](?:-\[([^\]]+)\])?(?::(\d+)(?:-(\d+))?)?$/.exec(text) ??
    /^([0-9a-fA-F:.]+)(?:-([0-9a-fA-F:.]+))?$/.exec(text);
  if (parts === null) throw textError('a range of addresses and ports is expected', text);
  const [, first = '', last, portFirst, portLast] = parts;
  const address = first.includes(':')
    ? { ipv6: range(first, last, parseIpv6) }
    : { ipv4: range(first, last, parseIpv4) };
  if (portFirst === undefined) return address;
  return { ...address, ports: range(portFirst, portLast, (part) => parseNumber(part, 0xffff)) };
}

function range<T>(first: string, last: string | undefined, parse: (text: string) => T): { min: T; max?: T } {
  const min = parse(first);
  return last === undefined ? { min } : { min, max: parse(last) };
}
