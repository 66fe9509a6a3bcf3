/**
 * Tells what differs between two looks at the devices. Pure; used by the inventory, which emits nothing when this is
 * empty.
 */
import type { Netdev, NetdevChange, NetdevMap } from '../model/netdev.js';

/** Every field that is compared; the name is the key. The `satisfies` makes a forgotten field a type error. */
const comparedFields = {
  ifindex: true,
  mac: true,
  mtu: true,
  isUp: true,
  hasCarrier: true,
  operstate: true,
  isPromiscuous: true,
  carrierChanges: true,
  alias: true,
  switchId: true,
  portName: true,
  driverNames: true,
  mtuMin: true,
  mtuMax: true,
  kind: true,
  evidence: true,
  controller: true,
  port: true,
  pf: true,
  vf: true,
  sf: true,
  isExternal: true,
  functionMac: true,
  functionState: true,
  functionOpstate: true,
} as const satisfies Record<Exclude<keyof Netdev, 'name'>, true>;

const fieldNames = Object.keys(comparedFields) as readonly (keyof typeof comparedFields)[];

/** The fields in which two devices differ. */
export function differingFields(a: Netdev, b: Netdev): readonly (keyof Netdev)[] {
  return fieldNames.filter((field) => !isEqual(a[field], b[field]));
}

function isEqual(a: Netdev[keyof Netdev], b: Netdev[keyof Netdev]): boolean {
  // driverNames is the one list; driver names have no comma.
  return a === b || (typeof a === 'object' && typeof b === 'object' && a.join() === b.join());
}

/**
 * The changes that lead from `before` to `after`, what vanished first, in the order of names. A device that was renamed
 * to a name which another device had is told as `recreated` under that name: its holder has lost what it held.
 */
export function diffNetdevs(before: NetdevMap, after: NetdevMap): readonly NetdevChange[] {
  const formerByIfindex = new Map([...before.values()].map((netdev) => [netdev.ifindex, netdev]));
  // A device under a new name is told as renamed only where that name is new too.
  const renamed = new Set([...after.values()].filter(({ name }) => !before.has(name)).map(({ ifindex }) => ifindex));
  const changes: NetdevChange[] = [];
  for (const former of before.values()) {
    if (!after.has(former.name) && !renamed.has(former.ifindex)) changes.push({ kind: 'vanished', before: former });
  }
  for (const netdev of after.values()) {
    const change = changeOf(netdev, before.get(netdev.name), formerByIfindex.get(netdev.ifindex));
    if (change !== undefined) changes.push(change);
  }
  return changes.sort((a, b) => order(a) - order(b) || compareNames(nameOf(a), nameOf(b)));
}

function changeOf(
  netdev: Netdev,
  underName: Netdev | undefined,
  underIfindex: Netdev | undefined,
): NetdevChange | undefined {
  if (underName === undefined) {
    return underIfindex === undefined
      ? { kind: 'appeared', netdev }
      : { kind: 'renamed', before: underIfindex, netdev };
  }
  if (underName.ifindex !== netdev.ifindex) return { kind: 'recreated', before: underName, netdev };
  const fields = differingFields(underName, netdev);
  return fields.length === 0 ? undefined : { kind: 'changed', before: underName, netdev, fields };
}

function order(change: NetdevChange): number {
  return change.kind === 'vanished' ? 0 : 1;
}

function nameOf(change: NetdevChange): string {
  return change.kind === 'vanished' ? change.before.name : change.netdev.name;
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
