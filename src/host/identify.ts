/**
 * Decides which function each device stands for, from phys_switch_id, phys_port_name and devlink. Pure; used by the
 * switchdev finder. Device names play no part: udev rules rename representors as they like.
 *
 * devlink decides where it has the device. A name without a controller number is ambiguous on its own: the kernel adds
 * `c<n>` to functions of an external controller, but firmware and kernels that know a single host leave it out, and the
 * same name then means the host's function. If any port of the same eSwitch carries a `c<n>`, names without one are the
 * DPU's own; otherwise PFs and VFs are taken for the host's, with `legacyName` as evidence, and SFs for the DPU's own
 * (the DPU look-up of sriovnet knows no host SF without `c1`).
 */
import type { DeviceIdentity, DeviceKind, FunctionFacts, LinkFacts, Netdev } from '../model/netdev.js';
import type { DevlinkFlavour, DevlinkPort } from './devlink.js';
import { parsePhysPortName } from './phys-port-name.js';
import type { PhysPortName } from './phys-port-name.js';

const other: DeviceIdentity = { kind: 'other', evidence: 'none' };
const conflict: DeviceIdentity = { kind: 'other', evidence: 'conflict' };

const hostKinds = { pf: 'hostPf', vf: 'hostVf', sf: 'hostSf' } as const satisfies Record<string, DeviceKind>;
const localKinds = { pf: 'localPf', vf: 'localVf', sf: 'localSf' } as const satisfies Record<string, DeviceKind>;

type FunctionName = Exclude<PhysPortName, { kind: 'uplink' }>;

/** Devices with what they stand for. `portOf` gives the devlink port of a device, if devlink has it. */
export function identifyNetdevs(
  links: Iterable<LinkFacts>,
  portOf: (link: LinkFacts) => DevlinkPort | undefined,
): ReadonlyMap<string, Netdev> {
  const all = [...links];
  const numbered = numberedSwitches(all);
  const netdevs = new Map<string, Netdev>();
  for (const link of all) {
    const port = portOf(link);
    const hasNumbers = link.switchId !== undefined && numbered.has(link.switchId);
    netdevs.set(link.name, { ...link, ...identify(link, port, hasNumbers), ...functionFacts(port) });
  }
  return netdevs;
}

/** The eSwitches of which at least one port name has a controller number. */
function numberedSwitches(links: readonly LinkFacts[]): ReadonlySet<string> {
  const numbered = new Set<string>();
  for (const { switchId, portName } of links) {
    if (switchId === undefined || portName === undefined) continue;
    const parsed = parsePhysPortName(portName);
    if (parsed !== undefined && parsed.kind !== 'uplink' && parsed.controller !== undefined) numbered.add(switchId);
  }
  return numbered;
}

function functionFacts(port: DevlinkPort | undefined): FunctionFacts {
  if (port === undefined) return {};
  const { functionMac, functionState, functionOpstate } = port;
  return { functionMac, functionState, functionOpstate };
}

/**
 * What one device stands for.
 * @param hasNumbers whether any port name of its eSwitch has a controller number
 */
function identify(link: LinkFacts, port: DevlinkPort | undefined, hasNumbers: boolean): DeviceIdentity {
  // Network cards that are no switch have ports called p0 too.
  if (link.switchId === undefined) return other;
  const name = link.portName === undefined ? undefined : parsePhysPortName(link.portName);
  const fromName = name === undefined ? other : identifyByName(name, hasNumbers);
  const told = port === undefined ? undefined : nameFromPort(port);
  if (port === undefined || told === 'silent') return fromName;
  if (told === 'noFunction') return name === undefined ? other : conflict;
  if (told === undefined || (name !== undefined && !agree(told, name))) return conflict;
  return identifyByPort(told, port, fromName);
}

/** Without devlink. */
function identifyByName(name: PhysPortName, hasNumbers: boolean): DeviceIdentity {
  if (name.kind === 'uplink') return { kind: 'uplink', evidence: 'portName', port: name.port };
  if (name.controller !== undefined) {
    const isExternal = name.controller >= 1;
    return { ...functionIdentity(name, isExternal), evidence: 'portName', controller: name.controller };
  }
  if (hasNumbers || name.kind === 'sf') return { ...functionIdentity(name, false), evidence: 'portName' };
  return { ...functionIdentity(name, true), evidence: 'legacyName' };
}

function functionIdentity(name: FunctionName, isExternal: boolean): DeviceIdentity {
  const kind = (isExternal ? hostKinds : localKinds)[name.kind];
  const numbers = name.kind === 'pf' ? {} : name.kind === 'vf' ? { vf: name.vf } : { sf: name.sf };
  return { kind, evidence: 'portName', isExternal, pf: name.pf, ...numbers };
}

/** With devlink, which has agreed with the name. */
function identifyByPort(told: PhysPortName, port: DevlinkPort, fromName: DeviceIdentity): DeviceIdentity {
  if (told.kind === 'uplink') return { kind: 'uplink', evidence: 'devlink', port: told.port };
  const isExternal = isPortExternal(port);
  // Kernels before 5.11 show neither controller nor external: devlink then says which function, not whose.
  if (isExternal === undefined) return fromName.kind === 'other' ? conflict : fromName;
  if (!isExternal && (fromName.controller ?? 0) >= 1) return conflict;
  const controller = isExternal ? (positive(port.controller) ?? fromName.controller) : port.controller;
  return { ...functionIdentity(told, isExternal), evidence: 'devlink', controller };
}

/** A host's controller is numbered from 1; 0 beside `external` is what single-host firmware shows. */
function positive(controller: number | undefined): number | undefined {
  return controller !== undefined && controller >= 1 ? controller : undefined;
}

function isPortExternal(port: DevlinkPort): boolean | undefined {
  if (port.controller !== undefined && port.controller >= 1) return true;
  return port.isExternal ?? (port.controller === undefined ? undefined : false);
}

/** Flavours that tell what a switch port stands for; the others are no functions. */
const portKinds = { physical: 'uplink', pcipf: 'pf', pcivf: 'vf', pcisf: 'sf' } as const satisfies Partial<
  Record<DevlinkFlavour, PhysPortName['kind']>
>;

/**
 * The devlink port in the words of a port name. `silent` when its flavour says nothing, `noFunction` when it is
 * something else, undefined when a number is missing that its flavour must have.
 */
function nameFromPort(port: DevlinkPort): PhysPortName | 'silent' | 'noFunction' | undefined {
  if (port.flavour === 'unknown') return 'silent';
  if (!(port.flavour in portKinds)) return 'noFunction';
  const kind = portKinds[port.flavour as keyof typeof portKinds];
  const { controller, pf, vf, sf } = port;
  if (kind === 'uplink') return port.port === undefined ? 'silent' : { kind, port: port.port };
  if (pf === undefined) return undefined;
  if (kind === 'pf') return { kind, controller, pf };
  if (kind === 'vf') return vf === undefined ? undefined : { kind, controller, pf, vf };
  return sf === undefined ? undefined : { kind, controller, pf, sf };
}

/** Whether two namings mean the same function; a controller that only one of them has is no contradiction. */
function agree(a: PhysPortName, b: PhysPortName): boolean {
  if (a.kind === 'uplink' || b.kind === 'uplink')
    return a.kind === b.kind && 'port' in a && 'port' in b && a.port === b.port;
  if (a.pf !== b.pf || !agreeOnFunction(a, b)) return false;
  const [first, second] = [a.controller ?? 0, b.controller ?? 0];
  return first === 0 || second === 0 || first === second;
}

function agreeOnFunction(a: FunctionName, b: FunctionName): boolean {
  if (a.kind === 'vf') return b.kind === 'vf' && a.vf === b.vf;
  if (a.kind === 'sf') return b.kind === 'sf' && a.sf === b.sf;
  return b.kind === 'pf';
}
