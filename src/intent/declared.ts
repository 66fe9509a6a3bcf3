/**
 * Which devices the declared ports use, or will use once they are there: nobody else is given these. Made anew from the
 * intents at each look, so that it never lags behind the devices that it is asked about. Pure.
 */

import type { Intents } from '../model/intent.js';
import type { Netdev, NetdevMap } from '../model/netdev.js';
import type { FindNetdev } from './resolve.js';

/** A VF of a host that a declared port asks for. */
export interface DeclaredFunction {
  /** Undefined: of the host that the finder is configured for, or any. */
  readonly controller: number | undefined;
  readonly pf: number;
  readonly vf: number;
}

export interface DeclaredDevices {
  readonly names: ReadonlySet<string>;
  /** Also of those whose device is away now. */
  readonly functions: readonly DeclaredFunction[];
}

export const nothingDeclared: DeclaredDevices = { names: new Set(), functions: [] };

/** What the declared ports and bridges take of the devices. */
export function declaredDevices({ bridges, ports }: Intents, netdevs: NetdevMap, find: FindNetdev): DeclaredDevices {
  const names = new Set(bridges.filter(({ mode }) => mode === 'own').map(({ name }) => name));
  const functions: DeclaredFunction[] = [];
  for (const { attachment, name } of ports) {
    if (attachment.kind !== 'representor') {
      if (name !== undefined) names.add(name);
      continue;
    }
    const { selector } = attachment;
    const found = find(selector, netdevs);
    if (found.kind === 'found') names.add(found.netdev.name);
    // Whichever of them it is, none of them is free.
    if (found.kind === 'ambiguous') for (const device of found.names) names.add(device);
    if (selector.kind !== 'hostVf') continue;
    functions.push({ controller: selector.controller, pf: selector.pf, vf: selector.vf });
  }
  return { names, functions };
}

type Function = Pick<Netdev, 'controller' | 'pf' | 'vf'>;

/** Whether a declared port asks for the function, wherever its device is. A controller that is not known may be any. */
export function isFunctionDeclared({ functions }: DeclaredDevices, { controller, pf, vf }: Function): boolean {
  return functions.some((entry) => {
    const isOtherHost = entry.controller !== undefined && controller !== undefined && entry.controller !== controller;
    return !isOtherHost && entry.pf === pf && entry.vf === vf;
  });
}

/** Whether a declared port uses the device, by its name or by the function that it stands for. */
export function isDeclared(declared: DeclaredDevices, netdev: Netdev): boolean {
  if (declared.names.has(netdev.name)) return true;
  return netdev.kind === 'hostVf' && isFunctionDeclared(declared, netdev);
}
