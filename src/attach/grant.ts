/**
 * Whether a pod may have the function that it names, before anybody asks who else wants it: the pod is one that can own a
 * function, the function is in the configured pool and serves nobody else, and exactly one device stands for it. Pure.
 */

import { isDeclared, type DeclaredDevices } from '../intent/declared.js';
import type { FindNetdev } from '../intent/resolve.js';
import type { Netdev, NetdevMap } from '../model/netdev.js';
import type { PodView } from '../model/pod.js';
import type { AttachSettings, VfPool } from './attach-settings.js';
import { functionKeyOf, isManagementName } from './management.js';
import { failing, refusing, waitingFor, type AttachRequest, type Verdict } from './attachment.js';

export interface GrantContext {
  readonly settings: AttachSettings;
  readonly netdevs: NetdevMap;
  readonly find: FindNetdev;
  /** The devices that declared ports use or will use. */
  readonly declared: DeclaredDevices;
  /** Functions of management ports (`functionKeyOf`). */
  readonly management: ReadonlySet<string>;
}

export type Grant =
  { readonly kind: 'granted'; readonly netdev: Netdev } | { readonly kind: 'denied'; readonly verdict: Verdict };

function denied(verdict: Verdict): Grant {
  return { kind: 'denied', verdict };
}

function isIn(pools: readonly VfPool[], pf: number, vf: number): boolean {
  return pools.some(
    (pool) => (pool.pf === undefined || pool.pf === pf) && (pool.vfs === undefined || pool.vfs.has(vf)),
  );
}

/** Why this pod can own no function at all. */
export function refusePod(pod: PodView, settings: AttachSettings): Verdict | undefined {
  if (pod.isHostNetwork) {
    const message = 'The pod runs in the network of its host (hostNetwork), so it can own no function.';
    return refusing('PodNotEligible', message, 'a host-network pod cannot be attached');
  }
  const { resourceNames } = settings;
  if (functionCount(pod, settings) > 0 || resourceNames === undefined) return undefined;
  const message = `No container of the pod asks for ${resourceNames.join(' or ')}.`;
  return refusing('ResourceNotRequested', message, 'the pod requests no virtual function');
}

/** How many functions the pod may have: as many as the scheduler has counted for it, where it is known what counts. */
export function functionCount({ resources }: PodView, { resourceNames }: AttachSettings): number {
  if (resourceNames === undefined) return Infinity;
  return resourceNames.reduce((sum, name) => sum + (resources.get(name) ?? 0), 0);
}

/** What is said of a network for which the pod has asked for no further function. */
export function tooMany(pod: PodView, settings: AttachSettings): Verdict {
  const names = (settings.resourceNames ?? []).join(' or ');
  const message = `The pod asks for ${functionCount(pod, settings)} of ${names}, and its details name more functions.`;
  return refusing('ResourceNotRequested', message, 'the pod requests fewer virtual functions');
}

function refuseFunction({ pf, vf }: AttachRequest, settings: AttachSettings): Verdict | undefined {
  const label = `VF ${vf} of PF ${pf}`;
  const said = 'the virtual function is not available to pods';
  if (isIn(settings.reserved, pf, vf)) return refusing('RepresentorReserved', `${label} is in attach.reserved.`, said);
  if (settings.pools === undefined || isIn(settings.pools, pf, vf)) return undefined;
  return refusing('RepresentorReserved', `${label} is in none of attach.pools.`, said);
}

function refuseDevice(netdev: Netdev, context: GrantContext): Verdict | undefined {
  const said = 'the virtual function is not available to pods';
  if (netdev.kind !== 'hostVf') {
    return refusing('RepresentorReserved', `${netdev.name} stands for no VF of the host (${netdev.kind}).`, said);
  }
  if (isManagementName(netdev.name) || context.management.has(functionKeyOf(netdev) ?? '')) {
    return refusing('RepresentorReserved', `${netdev.name} is a management port of ovn-kubernetes.`, said);
  }
  if (!isDeclared(context.declared, netdev)) return undefined;
  return refusing('RepresentorReserved', `${netdev.name} is a declared port of this machine.`, said);
}

/** The device that the request may have, or why there is none. */
export function grantDevice(request: AttachRequest, context: GrantContext): Grant {
  const refusal = refuseFunction(request, context.settings);
  if (refusal !== undefined) return denied(refusal);
  const found = context.find({ kind: 'hostVf', pf: request.pf, vf: request.vf }, context.netdevs);
  if (found.kind === 'ambiguous') {
    const message = `${found.reason} (${found.names.join(', ')})`;
    return denied(failing('RepresentorAmbiguous', message, 'the virtual function is ambiguous'));
  }
  if (found.kind === 'missing') {
    const said = 'the virtual function is not visible to the DPU';
    return denied(waitingFor('RepresentorMissing', `${found.reason} [${found.code}]`, said));
  }
  const reserved = refuseDevice(found.netdev, context);
  return reserved === undefined ? { kind: 'granted', netdev: found.netdev } : denied(reserved);
}
