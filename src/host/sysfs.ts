/**
 * Reads network devices from `/sys/class/net` under an injected root. Used by the inventory. It tells what the kernel
 * shows and nothing else: what a device stands for is decided in `identify.ts`.
 *
 * Devices come and go while they are read. A device that vanishes is left out, one whose name passes to another device
 * in mid-read is read again, and one that cannot be read for another reason is named, so that nobody takes it for gone.
 */
import { systemErrorCode } from '../lib/errors.js';
import type { LinkFacts } from '../model/netdev.js';
import type { FileSource } from './file-source.js';
import { isNetdevName } from './netdev-name.js';

/** Where to read, and with what. */
export interface SysfsOptions {
  /** The directory under which `sys` lies: `/`, or where the host's file system is mounted. */
  readonly root: string;
  readonly files: FileSource;
}

/** One reading of one device. */
export type NetdevReading =
  | { readonly kind: 'read'; readonly netdev: LinkFacts }
  | { readonly kind: 'vanished' }
  /** It exists but an attribute could not be read; `reason` has the attribute and the system's error code. */
  | { readonly kind: 'unreadable'; readonly reason: string };

/** One reading of all devices. */
export interface NetdevsReading {
  readonly netdevs: ReadonlyMap<string, LinkFacts>;
  /** Devices that are there and could not be read, with the reason. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** IFF_UP and IFF_PROMISC of linux/if.h. */
const flagUp = 0x1;
const flagPromiscuous = 0x100;

/** No attribute that is read here is longer than a hardware address, a 255 byte alias or 32 bytes in hexadecimal. */
const attributeBytesMax = 512;

/** Devices read at once. Each holds at most one thread of libuv's four, so files of others are never starved. */
const concurrencyMax = 3;

/** How often a device is read again when its name passed to another device meanwhile. */
const rereadsMax = 2;

/** `dev_isalive` fails: the device is being unregistered (EINVAL, ENODEV in newer kernels) or its directory is gone. */
const vanishedCodes = new Set(['ENOENT', 'ENODEV', 'ENOTDIR', 'EINVAL']);

/** The driver has no such attribute. EOPNOTSUPP is spelled ENOTSUP by Node on Linux. */
const absentCodes = new Set(['ENOENT', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENODEV', 'ENOTDIR', 'ENODATA']);

/** Thrown inside this file only, to leave the reading of one device. */
class Vanished extends Error {}
class Unreadable extends Error {}

/** Reads the attributes of one device's directory. */
class DeviceReader {
  readonly #files: FileSource;
  readonly #directory: string;

  constructor(files: FileSource, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  /** An attribute that every living device has. */
  async required(attribute: string): Promise<string> {
    try {
      return withoutNewline(await this.#files.read(`${this.#directory}/${attribute}`, attributeBytesMax));
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== undefined && vanishedCodes.has(code)) throw new Vanished('vanished', { cause: error });
      throw new Unreadable(`${attribute}: ${code ?? 'error'}`, { cause: error });
    }
  }

  /** An attribute that many devices have not; empty counts as absent. */
  async optional(attribute: string): Promise<string | undefined> {
    try {
      const text = withoutNewline(await this.#files.read(`${this.#directory}/${attribute}`, attributeBytesMax));
      return text === '' ? undefined : text;
    } catch (error) {
      throwUnlessAbsent(error, attribute);
      return undefined;
    }
  }

  /** The last part of a link's target. `path` is not normalised: the kernel resolves `device/..` beyond the link. */
  async linkName(path: string): Promise<string | undefined> {
    try {
      return (await this.#files.link(`${this.#directory}/${path}`)).split('/').at(-1);
    } catch (error) {
      throwUnlessAbsent(error, path);
      return undefined;
    }
  }

  /** A whole number written in decimal, or with 0x in hexadecimal. */
  async requiredNumber(attribute: string): Promise<number> {
    const value = parseNumber(await this.required(attribute));
    if (value === undefined) throw new Unreadable(`${attribute}: not a number`);
    return value;
  }
}

function throwUnlessAbsent(error: unknown, attribute: string): void {
  const code = systemErrorCode(error);
  if (code !== undefined && absentCodes.has(code)) return;
  throw new Unreadable(`${attribute}: ${code ?? 'error'}`, { cause: error });
}

function withoutNewline(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

function parseNumber(text: string): number | undefined {
  return /^(?:[0-9]{1,15}|0x[0-9a-fA-F]{1,12})$/.test(text) ? Number(text) : undefined;
}

async function readDriverNames(device: DeviceReader): Promise<readonly string[] | undefined> {
  const driver = await device.linkName('device/driver');
  if (driver === undefined) return undefined;
  // A sub-function sits on the auxiliary bus under the PCI device that it was cut from; that one's driver tells more.
  if ((await device.linkName('device/subsystem')) !== 'auxiliary') return [driver];
  const parent = await device.linkName('device/../driver');
  return parent === undefined ? [driver] : [driver, parent];
}

async function readCarrierChanges(device: DeviceReader): Promise<number | undefined> {
  const text = await device.optional('carrier_changes');
  return text === undefined ? undefined : parseNumber(text);
}

async function readAttributes(device: DeviceReader, name: string): Promise<LinkFacts> {
  const ifindex = await device.requiredNumber('ifindex');
  const flags = await device.requiredNumber('flags');
  return {
    name,
    ifindex,
    mac: (await device.required('address')).toLowerCase(),
    mtu: await device.requiredNumber('mtu'),
    isUp: (flags & flagUp) !== 0,
    // Reading the carrier of a device that is down gives EINVAL.
    hasCarrier: (flags & flagUp) !== 0 && (await device.optional('carrier')) === '1',
    operstate: (await device.optional('operstate')) ?? 'unknown',
    isPromiscuous: (flags & flagPromiscuous) !== 0,
    carrierChanges: await readCarrierChanges(device),
    alias: await device.optional('ifalias'),
    switchId: (await device.optional('phys_switch_id'))?.toLowerCase(),
    portName: await device.optional('phys_port_name'),
    driverNames: await readDriverNames(device),
  };
}

/**
 * Reads one device. Never throws for what happens to the device: see `NetdevReading`.
 * @param name must satisfy `isNetdevName`
 */
export async function observeNetdev(options: SysfsOptions, name: string): Promise<NetdevReading> {
  const device = new DeviceReader(options.files, `${classDirectory(options.root)}/${name}`);
  try {
    for (let reread = 0; reread <= rereadsMax; reread += 1) {
      const netdev = await readAttributes(device, name);
      // The same number at both ends: all that lies between was read from one device.
      if ((await device.requiredNumber('ifindex')) === netdev.ifindex) return { kind: 'read', netdev };
    }
    return { kind: 'unreadable', reason: 'ifindex: changes with each reading' };
  } catch (error) {
    if (error instanceof Vanished) return { kind: 'vanished' };
    if (error instanceof Unreadable) return { kind: 'unreadable', reason: error.message };
    throw error;
  }
}

/** What is behind a device for as long as it lives. */
export interface NetdevBacking {
  readonly ifindex: number;
  readonly driverNames: readonly string[] | undefined;
}

/** Undefined: this reading cannot tell; whether the device is gone or cannot be read, `observeNetdev` tells. */
export function observeBacking(options: SysfsOptions, name: string): Promise<NetdevBacking | undefined> {
  return readOrUndefined(options, name, async (device) => {
    const driverNames = await readDriverNames(device);
    // Read last: a device that took the name meanwhile has another number, and numbers do not come back.
    return { ifindex: await device.requiredNumber('ifindex'), driverNames };
  });
}

/** Undefined as for `observeBacking`. */
export function observeCarrierChanges(options: SysfsOptions, name: string): Promise<number | undefined> {
  return readOrUndefined(options, name, readCarrierChanges);
}

async function readOrUndefined<T>(
  { root, files }: SysfsOptions,
  name: string,
  readFrom: (device: DeviceReader) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await readFrom(new DeviceReader(files, `${classDirectory(root)}/${name}`));
  } catch (error) {
    if (error instanceof Vanished || error instanceof Unreadable) return undefined;
    throw error;
  }
}

function classDirectory(root: string): string {
  return `${root.endsWith('/') ? root.slice(0, -1) : root}/sys/class/net`;
}

/**
 * Reads all devices, a few at a time. Rejects when the list of devices cannot be read: no list is not an empty list.
 * Rejects with the signal's reason when it is aborted. Entries whose names `isNetdevName` refuses are passed over.
 */
export async function observeNetdevs(options: SysfsOptions, signal?: AbortSignal): Promise<NetdevsReading> {
  return observeNamed(options, await listNetdevs(options), signal);
}

/** Names of all devices, in order. Rejects as `observeNetdevs` does. */
export async function listNetdevs({ root, files }: SysfsOptions): Promise<readonly string[]> {
  return (await files.list(classDirectory(root))).filter(isNetdevName).sort();
}

/** Reads these devices, a few at a time. Names must satisfy `isNetdevName`. */
export async function observeNamed(
  options: SysfsOptions,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<NetdevsReading> {
  const readings = new Map<string, NetdevReading>();
  const queue = names.values();
  const work = async (): Promise<void> => {
    for (const name of queue) {
      signal?.throwIfAborted();
      readings.set(name, await observeNetdev(options, name));
    }
  };
  await Promise.all(Array.from({ length: concurrencyMax }, work));
  return sortReadings(names, readings);
}

function sortReadings(names: readonly string[], readings: ReadonlyMap<string, NetdevReading>): NetdevsReading {
  const netdevs = new Map<string, LinkFacts>();
  const unreadable = new Map<string, string>();
  for (const name of names) {
    const reading = readings.get(name);
    if (reading?.kind === 'read') netdevs.set(name, reading.netdev);
    else if (reading?.kind === 'unreadable') unreadable.set(name, reading.reason);
  }
  return { netdevs, unreadable };
}
