/**
 * The two faces that each representor finder shows: telling what every device stands for, and finding the one that a
 * selector asks for. Also what both finders share: checking a selector and putting it into words.
 */
import type { FindResult, LinkFacts, MissingCode, Netdev, NetdevMap, RepresentorSelector } from '../model/netdev.js';
import type { DevlinkPort } from './devlink.js';
import { isFunctionId } from './function-id.js';

/** How representors are told apart on this system. */
export type FinderMode = 'switchdev' | 'simulated';

/** Pure: the same devices give the same answer. */
export interface RepresentorFinder {
  readonly mode: FinderMode;
  /** Devices with what they stand for. */
  identify(links: Iterable<LinkFacts>, portOf: (link: LinkFacts) => DevlinkPort | undefined): NetdevMap;
  /** The one device that the selector asks for, among devices that `identify` has made. Never throws. */
  find(selector: RepresentorSelector, netdevs: NetdevMap): FindResult;
}

/** Whether every number of the selector is whole and in its range. */
export function isSelectorValid(selector: RepresentorSelector): boolean {
  if (selector.kind === 'uplink') return isFunctionId('port', selector.port);
  if (selector.controller !== undefined && !isFunctionId('controller', selector.controller)) return false;
  if (!isFunctionId('pf', selector.pf)) return false;
  if (selector.kind === 'hostVf') return isFunctionId('vf', selector.vf);
  return selector.kind === 'hostPf' || isFunctionId('sf', selector.sf);
}

/** Whether the device stands for what the selector names, whichever host owns it. */
export function standsFor(netdev: Netdev, selector: RepresentorSelector): boolean {
  if (selector.kind === 'uplink') return netdev.kind === 'uplink' && netdev.port === selector.port;
  if (netdev.pf !== selector.pf) return false;
  if (selector.kind === 'hostPf') return netdev.kind === 'hostPf';
  if (selector.kind === 'hostVf') return netdev.kind === 'hostVf' && netdev.vf === selector.vf;
  return netdev.kind === (selector.isExternal ? 'hostSf' : 'localSf') && netdev.sf === selector.sf;
}

/** The selector in words, to begin a sentence in the middle: `VF 3 of PF 0 of the host`. */
export function selectorText(selector: RepresentorSelector): string {
  if (selector.kind === 'uplink') return `the uplink of port ${selector.port}`;
  const owner = selector.kind === 'sf' && !selector.isExternal ? 'the DPU' : hostText(selector.controller);
  const pf = `PF ${selector.pf} of ${owner}`;
  if (selector.kind === 'hostPf') return pf;
  return selector.kind === 'hostVf' ? `VF ${selector.vf} of ${pf}` : `SF ${selector.sf} of ${pf}`;
}

function hostText(controller: number | undefined): string {
  return controller === undefined ? 'the host' : `host ${controller}`;
}

/** A negative answer. `reason` is a sentence. */
export function missing(code: MissingCode, reason: string): FindResult {
  return { kind: 'missing', code, reason };
}

/** More than one device fits. Names are given in order, at most sixteen of them. */
export function ambiguous(netdevs: readonly Netdev[], reason: string): FindResult {
  const names = netdevs.map((netdev) => netdev.name).sort();
  return { kind: 'ambiguous', names: names.slice(0, 16), reason };
}
