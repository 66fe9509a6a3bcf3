/**
 * Finds representors on a system without BlueField, by the naming of the DPU simulator that ovn-kubernetes knows:
 * `rep<pf>-<vf>` as device name, or as link alias where the name is taken by the platform (virtual machines). Used on
 * laptops and in the sandbox. It proves nothing about who owns a function, and says so (`simulated`).
 */
import type { DeviceIdentity, FindResult, LinkFacts, Netdev, NetdevMap, RepresentorSelector } from '../model/netdev.js';
import { ambiguous, isSelectorValid, missing, selectorText, standsFor } from './finder.js';
import type { RepresentorFinder } from './finder.js';
import { parseFunctionId } from './function-id.js';
import type { FunctionIdKind } from './function-id.js';

/**
 * Names beyond the simulator's own. A template has `{pf}` and, for sub-functions, `{sf}` once each, and nothing else in
 * braces; without a template there are no such devices.
 */
export interface SimulatedFinderOptions {
  /** Name of the representor of a PF of the host, such as `pf{pf}hpf`. The simulator itself has none. */
  readonly hostPfTemplate?: string | undefined;
  /** Name of the representor of a sub-function of the host, such as `c1pf{pf}sf{sf}`. */
  readonly hostSfTemplate?: string | undefined;
  /** Name of the representor of a sub-function of the DPU, such as `en3f0pf{pf}sf{sf}`. */
  readonly localSfTemplate?: string | undefined;
}

/** Reads a name; undefined when it is of another form. */
type NameReader = (name: string) => DeviceIdentity | undefined;

const other: DeviceIdentity = { kind: 'other', evidence: 'none' };

/** A finder by device name and alias. */
export function createSimulatedFinder(options: SimulatedFinderOptions = {}): RepresentorFinder {
  const readers = nameReaders(options);
  return {
    mode: 'simulated',
    identify: (links) => identify([...links], readers),
    find: (selector, netdevs) => find(selector, netdevs, options),
  };
}

function nameReaders(options: SimulatedFinderOptions): readonly NameReader[] {
  const readers: NameReader[] = [
    templateReader('p{port}', ({ port }) => ({ kind: 'uplink', evidence: 'simulated', port })),
    readRepresentor,
  ];
  const { hostPfTemplate, hostSfTemplate, localSfTemplate } = options;
  if (hostPfTemplate !== undefined) {
    readers.push(templateReader(hostPfTemplate, ({ pf }) => ({ ...host, kind: 'hostPf', pf })));
  }
  if (hostSfTemplate !== undefined) {
    readers.push(templateReader(hostSfTemplate, ({ pf, sf }) => ({ ...host, kind: 'hostSf', pf, sf })));
  }
  if (localSfTemplate !== undefined) {
    const local = { evidence: 'simulated', isExternal: false } as const;
    readers.push(templateReader(localSfTemplate, ({ pf, sf }) => ({ ...local, kind: 'localSf', pf, sf })));
  }
  return readers;
}

const host = { evidence: 'simulated', isExternal: true } as const;

const readRepresentor: NameReader = templateReader('rep{pf}-{vf}', ({ pf, vf }) => ({
  ...host,
  kind: 'hostVf',
  pf,
  vf,
}));

type TemplateKey = Exclude<FunctionIdKind, 'controller'>;

/** A reader for names of a template; numbers are read as strictly as everywhere. */
function templateReader(
  template: string,
  make: (numbers: Readonly<Partial<Record<TemplateKey, number>>>) => DeviceIdentity,
): NameReader {
  const keys: TemplateKey[] = [];
  const source = template.replace(/\{(port|pf|vf|sf)\}|[^A-Za-z0-9]/g, (part, key: TemplateKey | undefined) => {
    if (key === undefined) return `\\x${part.charCodeAt(0).toString(16).padStart(2, '0')}`;
    keys.push(key);
    return '([0-9]{1,10})';
  });
  const pattern = new RegExp(`^${source}$`);
  return (name) => {
    const match = pattern.exec(name);
    if (match === null) return undefined;
    const numbers: Partial<Record<TemplateKey, number>> = {};
    for (const [index, key] of keys.entries()) {
      const value = parseFunctionId(key, match[index + 1] ?? '');
      if (value === undefined) return undefined;
      numbers[key] = value;
    }
    return make(numbers);
  };
}

function identify(links: readonly LinkFacts[], readers: readonly NameReader[]): NetdevMap {
  const names = new Set(links.map((link) => link.name));
  const netdevs = new Map<string, Netdev>();
  for (const link of links) {
    netdevs.set(link.name, { ...link, ...(readName(link.name, readers) ?? readAlias(link.alias, names) ?? other) });
  }
  return netdevs;
}

function readName(name: string, readers: readonly NameReader[]): DeviceIdentity | undefined {
  for (const reader of readers) {
    const identity = reader(name);
    if (identity !== undefined) return identity;
  }
  return undefined;
}

/** An alias counts only where no device has the name itself: ovn-kubernetes looks for the name first. */
function readAlias(alias: string | undefined, names: ReadonlySet<string>): DeviceIdentity | undefined {
  return alias === undefined || names.has(alias) ? undefined : readRepresentor(alias);
}

function find(selector: RepresentorSelector, netdevs: NetdevMap, options: SimulatedFinderOptions): FindResult {
  if (!isSelectorValid(selector))
    return missing('SELECTOR_INVALID', 'The number of a port or function is out of range.');
  const what = selectorText(selector);
  if (!isSupported(selector, options)) return missing('UNSUPPORTED', `The simulation has no device for ${what}.`);
  const matches = [...netdevs.values()].filter((netdev) => standsFor(netdev, selector) && isOneHost(selector));
  const [netdev, ...more] = matches;
  if (more.length > 0) return ambiguous(matches, `More than one device stands for ${what}.`);
  return netdev === undefined ? missing('DEVICE_ABSENT', `No device stands for ${what}.`) : { kind: 'found', netdev };
}

function isSupported(selector: RepresentorSelector, options: SimulatedFinderOptions): boolean {
  if (selector.kind === 'hostPf') return options.hostPfTemplate !== undefined;
  if (selector.kind !== 'sf') return true;
  return (selector.isExternal ? options.hostSfTemplate : options.localSfTemplate) !== undefined;
}

/** The simulator knows one host, number 1, and calls the DPU itself 0. */
function isOneHost(selector: RepresentorSelector): boolean {
  if (selector.kind === 'uplink' || selector.controller === undefined) return true;
  return selector.controller === (selector.kind === 'sf' && !selector.isExternal ? 0 : 1);
}
