/**
 * Which functions carry the management port of ovn-kubernetes: no pod is ever given one. Its device is known by the name
 * that ovnkube-node gives it and by what it writes into the row; between its restarts both may be gone, so what was seen
 * once is remembered by the caller, by function. Pure.
 */

import type { Netdev, NetdevMap } from '../model/netdev.js';
import type { ObservedPort } from '../model/observed.js';
import { ifaceIdKey } from './row-identity.js';

/** ovn-kubernetes renames the representor of its management port so; of a second network `ovn-k8s-mp1` and so on. */
const managementName = /^ovn-k8s-mp\d+(?:_0)?$/;
/** OVN's name of a node's management port. That of a pod has an underscore, which no name of a node can hold. */
const managementId = /^k8s-[^_]+$/;
/** Keys of Interface.external_ids that ovnkube-node writes into the row of its management port alone. */
const managementKeys = ['k8s.ovn.org/management-port-name', 'ovn-orig-mgmt-port-rep-name'];

/** The function behind a device, as one text; undefined where the device is no VF. */
export function functionKeyOf({ controller, pf, vf }: Pick<Netdev, 'controller' | 'pf' | 'vf'>): string | undefined {
  return pf === undefined || vf === undefined ? undefined : `${controller ?? ''}/${pf}/${vf}`;
}

/** Whether the name is one that ovn-kubernetes gives to the device of a management port. */
export function isManagementName(name: string): boolean {
  return managementName.test(name);
}

/** The names in the database that are management ports. */
function plugged(ports: ReadonlyMap<string, ObservedPort>): readonly string[] {
  return [...ports.values()].flatMap(({ interfaces }) =>
    interfaces
      .filter(({ externalIds }) => {
        const id = externalIds.get(ifaceIdKey);
        return managementKeys.some((key) => externalIds.has(key)) || (id !== undefined && managementId.test(id));
      })
      .map(({ name }) => name),
  );
}

/** The functions of management ports: those known before, and those seen now. The same set while none is new. */
export function managementFunctions(
  known: ReadonlySet<string>,
  ports: ReadonlyMap<string, ObservedPort>,
  netdevs: NetdevMap,
): ReadonlySet<string> {
  const named = [...netdevs.keys()].filter(isManagementName);
  const keys = [...plugged(ports), ...named].flatMap((name) => {
    const netdev = netdevs.get(name);
    const key = netdev === undefined ? undefined : functionKeyOf(netdev);
    return key === undefined || known.has(key) ? [] : [key];
  });
  return keys.length === 0 ? known : new Set([...known, ...keys]);
}
