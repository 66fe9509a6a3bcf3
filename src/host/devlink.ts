/**
 * Reads the JSON of `devlink -j port show`, `dev show`, `dev eswitch show` and `dev info`. Used by the devlink reader. Pure: it
 * runs nothing. A document of another shape is refused whole; a single port that makes no sense is left out and named,
 * so that one odd row cannot blind the agent to the others; fields that it does not know are passed over.
 */
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { isFunctionId } from './function-id.js';
import { isNetdevName } from './netdev-name.js';

const flavours = ['physical', 'cpu', 'dsa', 'pcipf', 'pcivf', 'virtual', 'unused', 'pcisf'] as const;

/** Port flavours of linux/devlink.h, as iproute2 spells them; `unknown` is any other word. */
export type DevlinkFlavour = (typeof flavours)[number] | 'unknown';

/** One devlink port. Numbers are in the ranges of `functionIdMax`. */
export interface DevlinkPort {
  /** Such as `pci/0000:03:00.0/65535`. */
  readonly handle: string;
  readonly flavour: DevlinkFlavour;
  readonly netdev?: string | undefined;
  /** Number of the physical port. */
  readonly port?: number | undefined;
  readonly controller?: number | undefined;
  readonly pf?: number | undefined;
  readonly vf?: number | undefined;
  readonly sf?: number | undefined;
  /** Whether the function belongs to a host that this system does not run on. */
  readonly isExternal?: boolean | undefined;
  /** Lower case; absent when all zero, which is how devlink shows "unset". */
  readonly functionMac?: string | undefined;
  readonly functionState?: 'active' | 'inactive' | undefined;
  readonly functionOpstate?: 'attached' | 'detached' | undefined;
}

/** All ports that make sense, and the handles of those that do not with the reason. */
export interface DevlinkPorts {
  readonly ports: readonly DevlinkPort[];
  readonly rejected: ReadonlyMap<string, string>;
}

/** The eSwitch of one device. */
export interface DevlinkEswitch {
  readonly handle: string;
  readonly mode: 'legacy' | 'switchdev' | 'unknown';
  readonly inlineMode?: string | undefined;
  /** `none` means that no tunnel can be offloaded. */
  readonly encapMode?: string | undefined;
}

/** What a device says about itself. */
export interface DevlinkInfo {
  readonly handle: string;
  readonly driver?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly boardSerialNumber?: string | undefined;
  /** Versions by group (`fixed`, `running`, `stored`) and component (`fw.version`, `fw.psid` …). */
  readonly versions: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Most ports and characters that are taken: far above a card with all its functions, far below a memory problem. */
const portsMax = 20_000;
const textMax = 256;

const macPattern = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/;
const macUnset = '00:00:00:00:00:00';

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member `key` of a JSON document, which has to be an object of objects. */
function parseSection(json: string, key: string): readonly (readonly [string, JsonObject])[] {
  const document = parseJson(json);
  const section = isObject(document) ? document[key] : undefined;
  if (!isObject(section)) throw malformed(`no "${key}" object`);
  const entries = Object.entries(section);
  if (entries.length > portsMax) throw malformed(`more than ${portsMax} entries`);
  return entries.map(([handle, value]) => {
    if (!isObject(value)) throw malformed(`"${safeText(handle, 64)}" is not an object`);
    return [handle, value] as const;
  });
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw malformed('not JSON', error);
  }
}

function malformed(reason: string, cause?: unknown): AgentError {
  return new AgentError('PEER_PROTOCOL', 'devlink wrote something that cannot be read', { facts: { reason }, cause });
}

/** Thrown inside this file only: this one row makes no sense. */
class RowError extends Error {}

/** A member that is a number in its range, or absent. */
function optionalId(row: JsonObject, key: string, kind: Parameters<typeof isFunctionId>[0]): number | undefined {
  const value = row[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !isFunctionId(kind, value)) throw new RowError(`${key} is not a ${kind} number`);
  return value;
}

function optionalText(row: JsonObject, key: string): string | undefined {
  const value = row[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > textMax) throw new RowError(`${key} is not a short text`);
  return value;
}

function optionalBoolean(row: JsonObject, key: string): boolean | undefined {
  const value = row[key];
  if (value !== undefined && typeof value !== 'boolean') throw new RowError(`${key} is not true or false`);
  return value;
}

/** One of a set of words; any other word is absent, since newer tools have more. */
function optionalWord<W extends string>(row: JsonObject, key: string, words: readonly W[]): W | undefined {
  const text = optionalText(row, key);
  return words.find((word) => word === text);
}

function parseNetdevName(row: JsonObject): string | undefined {
  const name = optionalText(row, 'netdev');
  if (name === undefined || name === '') return undefined;
  if (!isNetdevName(name)) throw new RowError('netdev is not a device name');
  return name;
}

function parseFunctionMac(row: JsonObject): string | undefined {
  const mac = optionalText(row, 'hw_addr')?.toLowerCase();
  if (mac === undefined || mac === '' || mac === macUnset) return undefined;
  if (!macPattern.test(mac)) throw new RowError('hw_addr is not a hardware address');
  return mac;
}

function parsePort(handle: string, row: JsonObject): DevlinkPort {
  const owner = row['function'];
  if (owner !== undefined && !isObject(owner)) throw new RowError('function is not an object');
  const functionRow = owner ?? {};
  return {
    handle,
    flavour: optionalWord(row, 'flavour', flavours) ?? 'unknown',
    netdev: parseNetdevName(row),
    port: optionalId(row, 'port', 'port'),
    controller: optionalId(row, 'controller', 'controller'),
    pf: optionalId(row, 'pfnum', 'pf'),
    vf: optionalId(row, 'vfnum', 'vf'),
    sf: optionalId(row, 'sfnum', 'sf'),
    isExternal: optionalBoolean(row, 'external'),
    functionMac: parseFunctionMac(functionRow),
    functionState: optionalWord(functionRow, 'state', ['active', 'inactive']),
    functionOpstate: optionalWord(functionRow, 'opstate', ['attached', 'detached']),
  };
}

/**
 * Reads `devlink -j port show`.
 * @throws AgentError PEER_PROTOCOL when the document as a whole has another shape
 */
export function parseDevlinkPorts(json: string): DevlinkPorts {
  const ports: DevlinkPort[] = [];
  const rejected = new Map<string, string>();
  for (const [handle, row] of parseSection(json, 'port')) {
    try {
      ports.push(parsePort(handle, row));
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      rejected.set(safeText(handle, 64), error.message);
    }
  }
  return rejectSharedNames(ports, rejected);
}

/** Two ports of one device name cannot both be right, and nothing tells which is: neither is believed. */
function rejectSharedNames(ports: readonly DevlinkPort[], rejected: Map<string, string>): DevlinkPorts {
  const owners = new Map<string, number>();
  for (const { netdev } of ports) if (netdev !== undefined) owners.set(netdev, (owners.get(netdev) ?? 0) + 1);
  const isShared = (port: DevlinkPort): boolean => port.netdev !== undefined && (owners.get(port.netdev) ?? 0) > 1;
  for (const port of ports.filter(isShared))
    rejected.set(safeText(port.handle, 64), 'another port has the same netdev');
  return { ports: ports.filter((port) => !isShared(port)), rejected };
}

/**
 * The handles of `devlink -j dev show`, in its order.
 * @throws AgentError PEER_PROTOCOL
 */
export function parseDevlinkDevices(json: string): readonly string[] {
  return parseSection(json, 'dev').map(([handle]) => handle);
}

/**
 * Reads `devlink -j dev eswitch show DEV`.
 * @throws AgentError PEER_PROTOCOL
 */
export function parseDevlinkEswitches(json: string): readonly DevlinkEswitch[] {
  return parseSection(json, 'dev').map(([handle, row]) =>
    orMalformed(() => ({
      handle,
      mode: optionalWord(row, 'mode', ['legacy', 'switchdev']) ?? 'unknown',
      inlineMode: optionalText(row, 'inline-mode'),
      encapMode: optionalText(row, 'encap-mode'),
    })),
  );
}

/**
 * Reads `devlink -j dev info`.
 * @throws AgentError PEER_PROTOCOL
 */
export function parseDevlinkInfo(json: string): readonly DevlinkInfo[] {
  return parseSection(json, 'info').map(([handle, row]) =>
    orMalformed(() => ({
      handle,
      driver: optionalText(row, 'driver'),
      serialNumber: optionalText(row, 'serial_number'),
      boardSerialNumber: optionalText(row, 'board.serial_number'),
      versions: parseVersions(row['versions']),
    })),
  );
}

function parseVersions(value: unknown): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const versions = new Map<string, ReadonlyMap<string, string>>();
  if (value === undefined) return versions;
  if (!isObject(value)) throw new RowError('versions is not an object');
  for (const [group, row] of Object.entries(value)) {
    if (!isObject(row)) throw new RowError('a group of versions is not an object');
    const texts = Object.keys(row).map((key) => [key, optionalText(row, key) ?? ''] as const);
    versions.set(group, new Map(texts));
  }
  return versions;
}

function orMalformed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof RowError ? malformed(error.message, error) : error;
  }
}
