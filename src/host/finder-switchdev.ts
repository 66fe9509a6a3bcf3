/**
 * Finds representors on a BlueField whose eSwitch is in switchdev mode. Used by the inventory on real hardware. It
 * reads nothing itself. A device is only ever found by what the kernel says it stands for, on the eSwitch asked for; in
 * every doubtful case the answer is no, with a code, since plugging a wrong function joins two tenants.
 */
import type { FindResult, Netdev, NetdevMap, RepresentorSelector } from '../model/netdev.js';
import { ambiguous, isSelectorValid, missing, selectorText, standsFor } from './finder.js';
import type { RepresentorFinder } from './finder.js';
import { identifyNetdevs } from './identify.js';
import { parsePhysPortName } from './phys-port-name.js';

export interface SwitchdevFinderOptions {
  /**
   * Whether a port name without controller number, of which devlink says nothing, may be taken for the host's function.
   * Needed for BlueField-2 with old kernels; wrong where the DPU has virtual functions of its own.
   */
  readonly acceptsLegacyNames: boolean;
  /** The host that is meant when a selector names none. Without it any host is. */
  readonly hostController?: number | undefined;
  /** Search only the eSwitches of these uplinks (device names). Without it all are searched. */
  readonly uplinkNames?: readonly string[] | undefined;
}

/** A finder by phys_switch_id, phys_port_name and devlink. */
export function createSwitchdevFinder(options: SwitchdevFinderOptions): RepresentorFinder {
  return {
    mode: 'switchdev',
    identify: identifyNetdevs,
    find: (selector, netdevs) => find(withHost(selector, options.hostController), netdevs, options),
  };
}

function withHost(selector: RepresentorSelector, hostController: number | undefined): RepresentorSelector {
  const isOfHost = selector.kind !== 'uplink' && (selector.kind !== 'sf' || selector.isExternal);
  if (!isOfHost || selector.controller !== undefined) return selector;
  return { ...selector, controller: hostController };
}

function find(selector: RepresentorSelector, netdevs: NetdevMap, options: SwitchdevFinderOptions): FindResult {
  if (!isSelectorValid(selector))
    return missing('SELECTOR_INVALID', 'The number of a port or function is out of range.');
  const ports = [...netdevs.values()].filter((netdev) => netdev.switchId !== undefined);
  if (ports.length === 0) {
    return missing('NO_SWITCHDEV', 'No device belongs to an embedded switch: it is in legacy or NIC mode, or absent.');
  }
  const switchIds = searchedSwitches(netdevs, options.uplinkNames);
  if (typeof switchIds === 'string') return missing('ESWITCH_UNKNOWN', switchIds);
  const named = ports.filter((netdev) => standsFor(netdev, selector));
  const ofHost = named.filter((netdev) => isOfController(netdev, selector));
  const inside = ofHost.filter((netdev) => switchIds?.has(netdev.switchId ?? '') ?? true);
  const trusted = inside.filter((netdev) => options.acceptsLegacyNames || netdev.evidence !== 'legacyName');
  if (trusted.length > 1) return ambiguous(trusted, `More than one device stands for ${selectorText(selector)}.`);
  const [netdev] = trusted;
  return netdev === undefined ? explain(selector, ports, { named, ofHost, inside }) : { kind: 'found', netdev };
}

/** The identities of the eSwitches to search, undefined for all of them, or a sentence on why they are not known. */
function searchedSwitches(
  netdevs: NetdevMap,
  uplinkNames: readonly string[] | undefined,
): ReadonlySet<string> | undefined | string {
  if (uplinkNames === undefined) return undefined;
  const ids = new Set<string>();
  for (const name of uplinkNames) {
    const uplink = netdevs.get(name);
    if (uplink?.kind === 'uplink' && uplink.switchId !== undefined) ids.add(uplink.switchId);
  }
  return ids.size > 0
    ? ids
    : `None of the configured uplinks (${uplinkNames.join(', ')}) is a port of an embedded switch.`;
}

/** Firmware that knows one host numbers none: that host is number 1. */
function isOfController(netdev: Netdev, selector: RepresentorSelector): boolean {
  if (selector.kind === 'uplink' || selector.controller === undefined) return true;
  if (netdev.controller !== undefined) return netdev.controller === selector.controller;
  return netdev.isExternal === true ? selector.controller === 1 : selector.controller === 0;
}

/** What was left after each sieve. */
interface Sieved {
  readonly named: readonly Netdev[];
  readonly ofHost: readonly Netdev[];
  readonly inside: readonly Netdev[];
}

function explain(selector: RepresentorSelector, ports: readonly Netdev[], sieved: Sieved): FindResult {
  const what = selectorText(selector);
  if (sieved.inside[0] !== undefined) {
    const { name } = sieved.inside[0];
    return missing('LEGACY_NAME_REFUSED', `${name} may be ${what} or a function of the DPU: nothing tells which.`);
  }
  if (sieved.ofHost.length > 0)
    return missing('OTHER_ESWITCH', `Another embedded switch has ${what}, not the one asked for.`);
  if (sieved.named.length > 0)
    return missing('OTHER_CONTROLLER', `The function exists for another host only, not as ${what}.`);
  const doubtful = ports.find((netdev) => netdev.evidence === 'conflict' && mayMean(netdev, selector));
  if (doubtful !== undefined) {
    return missing(
      'IDENTITY_CONFLICT',
      `The kernel's sources contradict one another on ${doubtful.name}, which may be ${what}.`,
    );
  }
  return selector.kind === 'hostVf'
    ? explainVf(selector, ports, what)
    : missing('DEVICE_ABSENT', `No device stands for ${what}.`);
}

/** Whether the port name of a device with contradictory sources names the function, whoever owns it. */
function mayMean(netdev: Netdev, selector: RepresentorSelector): boolean {
  const name = netdev.portName === undefined ? undefined : parsePhysPortName(netdev.portName);
  if (name === undefined) return false;
  if (name.kind === 'uplink' || selector.kind === 'uplink') {
    return name.kind === 'uplink' && selector.kind === 'uplink' && name.port === selector.port;
  }
  if (name.pf !== selector.pf) return false;
  if (name.kind === 'vf') return selector.kind === 'hostVf' && name.vf === selector.vf;
  if (name.kind === 'sf') return selector.kind === 'sf' && name.sf === selector.sf;
  return selector.kind === 'hostPf';
}

function explainVf(selector: { readonly pf: number }, ports: readonly Netdev[], what: string): FindResult {
  const count = ports.filter((netdev) => netdev.kind === 'hostVf' && netdev.pf === selector.pf).length;
  if (count === 0) {
    return missing(
      'HOST_VFS_ABSENT',
      `${what} is absent: the host has no virtual functions on this PF (SR-IOV is off or the host is down).`,
    );
  }
  return missing(
    'HOST_VF_ABSENT',
    `${what} is absent: the host has made ${count} virtual functions on this PF, not this one.`,
  );
}
