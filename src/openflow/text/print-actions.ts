/**
 * Actions and instructions as Open vSwitch prints them. Used by the printer of flows. After the format_*() functions of
 * lib/ofp-actions.c.
 */

import type {
  Action,
  ControllerAction,
  CtAction,
  Instructions,
  NatAction,
  ResubmitAction,
  SampleAction,
} from '../actions.js';
import { port } from '../actions.js';
import { fields } from '../fields.js';
import { formatMasked, formatSubfield, formatValue } from './field-value.js';
import { altHex, formatDotted, formatIpv4, formatIpv6, formatPort, paddedHex } from './notation.js';
import { formatLearn } from './print-learn.js';

/** Everything that a flow does, `drop` when that is nothing. */
export function formatInstructions(list: Instructions): string {
  const parts = [
    ...(list.meter === undefined ? [] : [`meter:${list.meter}`]),
    ...(list.apply ?? []).map(formatAction),
    ...(list.clear === true ? ['clear_actions'] : []),
    ...(list.write === undefined ? [] : [`write_actions(${formatActions(list.write)})`]),
    ...(list.metadata === undefined ? [] : [formatMetadata(list.metadata)]),
    ...(list.goto === undefined ? [] : [`goto_table:${list.goto}`]),
    ...(list.raw ?? []).map((bytes) => `raw_instruction(${formatDotted(bytes)})`),
  ];
  return parts.length === 0 ? 'drop' : parts.join(',');
}

function formatMetadata({ value, mask }: NonNullable<Instructions['metadata']>): string {
  return `write_metadata:${formatMasked(altHex(value), mask === undefined ? undefined : altHex(mask))}`;
}

/** A list of actions, `drop` when it is empty. */
export function formatActions(actions: readonly Action[]): string {
  return actions.length === 0 ? 'drop' : actions.map(formatAction).join(',');
}

/** One action. */
export function formatAction(action: Action): string {
  switch (action.kind) {
    case 'output':
      return formatOutput(action.port, action.maxLength);
    case 'controller':
      return formatController(action);
    case 'set_field': {
      const field = fields[action.field];
      return `set_field:${formatValue(field, action.value, action.mask)}->${field.text}`;
    }
    case 'load':
      return `load:${altHex(action.value)}->${formatSubfield(action.dst)}`;
    case 'move':
      return `move:${formatSubfield(action.src)}->${formatSubfield(action.dst)}`;
    case 'resubmit':
      return formatResubmit(action);
    case 'output_reg':
      return `output:${formatSubfield(action.src)}`;
    case 'learn':
      return formatLearn(action);
    case 'ct':
      return formatCt(action);
    case 'nat':
      return formatNat(action);
    case 'clone':
      return `clone(${formatActions(action.actions)})`;
    case 'sample':
      return formatSample(action);
    default:
      return formatSmall(action);
  }
}

type SmallAction = Exclude<
  Action,
  {
    readonly kind:
      | 'output'
      | 'controller'
      | 'set_field'
      | 'load'
      | 'move'
      | 'resubmit'
      | 'output_reg'
      | 'learn'
      | 'ct'
      | 'nat'
      | 'clone'
      | 'sample';
  }
>;

function formatSmall(action: SmallAction): string {
  switch (action.kind) {
    case 'group':
      return `group:${action.group}`;
    case 'set_queue':
      return `set_queue:${action.queue}`;
    case 'push_vlan':
      return `push_vlan:${altHex(action.ethertype)}`;
    case 'push_mpls':
    case 'pop_mpls':
      return `${action.kind}:${paddedHex(action.ethertype, 4)}`;
    case 'set_mpls_ttl':
      return `set_mpls_ttl(${action.ttl})`;
    case 'set_nw_ttl':
      return `mod_nw_ttl:${action.ttl}`;
    case 'dec_ttl':
      return action.controllerIds === undefined ? 'dec_ttl' : `dec_ttl(${action.controllerIds.join(',')})`;
    case 'meter':
      return `meter:${action.meter}`;
    case 'conjunction':
      return `conjunction(${action.id},${action.clause}/${action.clauses})`;
    case 'note':
      return `note:${formatDotted(action.bytes)}`;
    case 'push':
      return `push:${formatSubfield(action.src)}`;
    case 'pop':
      return `pop:${formatSubfield(action.dst)}`;
    case 'check_pkt_larger':
      return `check_pkt_larger(${action.length})->${formatSubfield(action.dst)}`;
    case 'fin_timeout':
      return `fin_timeout(${timeouts(action)})`;
    case 'output_trunc':
      return `output(port=${formatPort(action.port)},max_len=${action.maxLength})`;
    case 'delete_field':
      return `delete_field:${fields[action.field].text}`;
    case 'raw':
      return `raw(${formatDotted(action.bytes)})`;
    case 'pop_vlan':
    case 'pop_queue':
    case 'dec_mpls_ttl':
    case 'dec_nsh_ttl':
    case 'ct_clear':
    case 'exit':
      return action.kind;
  }
}

function timeouts({
  idleTimeout,
  hardTimeout,
}: {
  readonly idleTimeout: number;
  readonly hardTimeout: number;
}): string {
  const parts = [
    ...(idleTimeout === 0 ? [] : [`idle_timeout=${idleTimeout}`]),
    ...(hardTimeout === 0 ? [] : [`hard_timeout=${hardTimeout}`]),
  ];
  return parts.join(',');
}

function formatOutput(number: number, maxLength: number | undefined): string {
  if (number === port.controller) return `CONTROLLER:${maxLength ?? 0}`;
  return number < port.max ? `output:${number}` : formatPort(number);
}

const reasonNames: readonly string[] = ['no_match', 'action', 'invalid_ttl', 'action_set', 'group', 'packet_out'];

function formatController(action: ControllerAction): string {
  const { maxLength = 0xffff, controllerId = 0, reason = 1, userdata, pause, meter } = action;
  const parts = [
    ...(reason === 1 ? [] : [`reason=${reasonNames[reason] ?? reason}`]),
    ...(maxLength === 0xffff ? [] : [`max_len=${maxLength}`]),
    ...(controllerId === 0 ? [] : [`id=${controllerId}`]),
    ...(userdata === undefined || userdata.length === 0 ? [] : [`userdata=${formatDotted(userdata)}`]),
    ...(pause === true ? ['pause'] : []),
    ...(meter === undefined ? [] : [`meter_id=${meter}`]),
  ];
  const isPlain = parts.length === 0 || (parts.length === 1 && maxLength !== 0xffff);
  return isPlain ? `CONTROLLER:${maxLength}` : `controller(${parts.join(',')})`;
}

function formatResubmit(action: ResubmitAction): string {
  const inPort = action.port === undefined || action.port === port.inPort ? '' : formatPort(action.port);
  if (inPort !== '' && action.table === undefined && action.withCt !== true) return `resubmit:${inPort}`;
  return `resubmit(${inPort},${action.table ?? ''}${action.withCt === true ? ',ct' : ''})`;
}

function formatSample(action: SampleAction): string {
  const parts = [
    `probability=${action.probability}`,
    `collector_set_id=${action.collectorSetId}`,
    `obs_domain_id=${action.domainId}`,
    `obs_point_id=${action.pointId}`,
    ...(action.samplingPort === undefined ? [] : [`sampling_port=${formatPort(action.samplingPort)}`]),
    ...(action.direction === undefined ? [] : [action.direction]),
  ];
  return `sample(${parts.join(',')})`;
}

const helperNames: ReadonlyMap<number, string> = new Map([
  [21, 'ftp'],
  [69, 'tftp'],
]);

function formatCt(action: CtAction): string {
  const [first, ...others] = action.actions;
  const nested = first?.kind === 'nat' ? others : action.actions;
  const parts = [
    ...(action.commit === true ? ['commit'] : []),
    ...(action.force === true ? ['force'] : []),
    ...(action.table === undefined ? [] : [`table=${action.table}`]),
    ...(action.zone === undefined ? [] : [`zone=${formatZone(action.zone)}`]),
    ...(first?.kind === 'nat' ? [formatNat(first)] : []),
    ...(nested.length === 0 ? [] : [`exec(${formatActions(nested)})`]),
    ...(action.alg === undefined ? [] : [`alg=${helperNames.get(action.alg) ?? action.alg}`]),
  ];
  return `ct(${parts.join(',')})`;
}

function formatZone(zone: NonNullable<CtAction['zone']>): string {
  return typeof zone === 'number' ? String(zone) : formatSubfield(zone);
}

function formatNat(action: NatAction): string {
  if (action.type === undefined) return 'nat';
  const range = formatNatRange(action);
  const parts = [
    range === '' ? action.type : `${action.type}=${range}`,
    ...(action.persistent === true && range !== '' ? ['persistent'] : []),
    ...(action.hash === true && range !== '' ? ['hash'] : []),
    ...(action.random === true && range !== '' ? ['random'] : []),
  ];
  return `nat(${parts.join(',')})`;
}

function formatNatRange({ ipv4, ipv6, ports }: NatAction): string {
  const address6 = (value: bigint): string => (ports === undefined ? formatIpv6(value) : `[${formatIpv6(value)}]`);
  const address =
    ipv4 !== undefined ? rangeOf(ipv4, formatIpv4) : ipv6 !== undefined ? rangeOf(ipv6, address6) : undefined;
  const portRange = ports === undefined ? '' : `:${rangeOf(ports, String)}`;
  return address === undefined ? '' : `${address}${portRange}`;
}

function rangeOf<T>(range: { readonly min: T; readonly max?: T | undefined }, format: (value: T) => string): string {
  const { min, max } = range;
  return max === undefined || max === min ? format(min) : `${format(min)}-${format(max)}`;
}
