/**
 * What has to outlive the agent so that a restart changes nothing: the versions of chains in force, and the numbers given
 * out. To text and back; where it is kept is the caller's business. A damaged text is no state, and never an exception:
 * the agent then takes chains as new, with the same numbers, for those come from names.
 */

import type { ChainIntent, ChainPort, ChainPortSelector } from '../model/chain.js';
import type { ChainIdentity, ChainIds } from './chain-id.js';

export interface ChainState {
  readonly ids: ChainIds;
  readonly accepted: ReadonlyMap<string, ChainIntent>;
}

/** Grows when a field changes its meaning; a text of another version is no state. */
const formatVersion = 1;

type Entries = readonly (readonly [string, unknown])[];
type Fields = Readonly<Record<string, unknown>>;

/** The state as JSON; equal states give equal text. */
export function formatChainState({ ids, accepted }: ChainState): string {
  const sorted = <K extends string | number, V>(map: ReadonlyMap<K, V>): readonly (readonly [K, V])[] =>
    [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const value = {
    version: formatVersion,
    chains: sorted(ids.chains),
    // Not sorted: the oldest are forgotten first.
    retired: [...ids.retired],
    accepted: sorted(accepted),
  };
  return JSON.stringify(value, (_key, field: unknown) =>
    field instanceof Map ? { pairs: [...(field as Map<string, string>)] } : field,
  );
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isOptional = (value: unknown, is: (value: unknown) => boolean): boolean => value === undefined || is(value);
const isListOf = (value: unknown, is: (value: unknown) => boolean): boolean => Array.isArray(value) && value.every(is);

function isEntries(value: unknown, isValue: (value: unknown) => boolean): value is Entries {
  return isListOf(
    value,
    (entry) => Array.isArray(entry) && entry.length === 2 && isText(entry[0]) && isValue(entry[1]),
  );
}

const isIdentity = (value: unknown): value is ChainIdentity =>
  isFields(value) &&
  isCount(value['id']) &&
  isCount(value['generation']) &&
  value['id'] > 0 &&
  value['id'] <= 0xff_ffff &&
  value['generation'] <= 0xffff;

const isRetired = (value: unknown): value is readonly [number, number] =>
  isListOf(value, isCount) && (value as readonly unknown[]).length === 2;

function isSelector(value: unknown): value is ChainPortSelector {
  if (!isFields(value)) return false;
  const { kind, pf, vf, sf, controller } = value;
  if (!isOptional(controller, isCount)) return false;
  switch (kind) {
    case 'uplink':
      return isCount(value['port']);
    case 'hostPf':
      return isCount(pf);
    case 'hostVf':
      return isCount(pf) && isCount(vf);
    case 'sf':
      return isCount(pf) && isCount(sf) && typeof value['isExternal'] === 'boolean';
    case 'service':
      return isText(value['dpfId']);
    case 'labels':
      return value['labels'] instanceof Map;
    case 'patch':
      return isText(value['bridge']) && isOptional(value['name'], isText);
    default:
      return false;
  }
}

function isVlan(value: unknown): boolean {
  return isFields(value) && (value['kind'] === 'access' || value['kind'] === 'tagged') && isCount(value['tag']);
}

function isPort(value: unknown): value is ChainPort {
  if (!isFields(value)) return false;
  const { name, selector, vlan, tenant, pinnedMacs } = value;
  const isNamed = isOptional(name, isText) && isOptional(tenant, isText);
  return isNamed && isSelector(selector) && isOptional(vlan, isVlan) && isListOf(pinnedMacs, isText);
}

function isChain(value: unknown): value is ChainIntent {
  if (!isFields(value)) return false;
  const { switches, source, macMove, onControllerLoss } = value;
  const isSwitch = (entry: unknown): boolean =>
    isFields(entry) && isOptional(entry['name'], isText) && isListOf(entry['ports'], isPort);
  return (
    [value['name'], value['bridge']].every(isText) &&
    isListOf(switches, isSwitch) &&
    isOptional(value['mtu'], isCount) &&
    isOptional(value['tenant'], isText) &&
    isListOf(value['joinsTenants'], isText) &&
    (macMove === 'allow' || macMove === 'refuse') &&
    (onControllerLoss === 'keep' || onControllerLoss === 'close') &&
    [value['ageingSeconds'], value['stationCountMax']].every(isCount) &&
    isFields(source) &&
    isCount(source['rank']) &&
    isText(source['name'])
  );
}

/** JSON without optional fields that are absent: TypeScript's `undefined` and a missing key are the same to its readers. */
function parse(text: string): unknown {
  const revive = (_key: string, value: unknown): unknown =>
    isFields(value) && isEntries(value['pairs'], isText) ? new Map(value['pairs']) : value;
  try {
    return JSON.parse(text, revive);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/** The state that was written; undefined when the text is none. */
export function parseChainState(text: string): ChainState | undefined {
  const value = parse(text);
  if (!isFields(value) || value['version'] !== formatVersion) return undefined;
  const { chains, retired, accepted } = value;
  if (!isEntries(chains, isIdentity) || !isEntries(accepted, isChain)) return undefined;
  if (!Array.isArray(retired) || !retired.every(isRetired)) return undefined;
  const given = new Map(chains as readonly (readonly [string, ChainIdentity])[]);
  const isShared = new Set([...given.values()].map(({ id }) => id)).size !== given.size;
  if (isShared) return undefined;
  return {
    ids: { chains: given, retired: new Map(retired) },
    accepted: new Map(accepted as readonly (readonly [string, ChainIntent])[]),
  };
}
