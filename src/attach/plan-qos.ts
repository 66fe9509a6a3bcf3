/**
 * The limits of the traffic to pods: which QoS row is this agent's to change, and which are left over. QoS rows are root
 * rows of the database: they outlive the port that they were made for. Pure.
 */

import { compareTexts, type Builder } from './attach-builder.js';
import type { ObservedPort, ObservedQos } from '../model/observed.js';
import { isOwnedBy, ownerKey } from '../model/ownership.js';
import { sandboxKey, type PluggedPort } from './row-identity.js';

/** Observations are immutable: how many ports use which QoS row is counted once for each. */
const counts = new WeakMap<ReadonlyMap<string, ObservedPort>, ReadonlyMap<string, number>>();

function usersOf(ports: ReadonlyMap<string, ObservedPort>): ReadonlyMap<string, number> {
  const known = counts.get(ports);
  if (known !== undefined) return known;
  const users = new Map<string, number>();
  for (const { qos } of ports.values()) if (qos !== undefined) users.set(qos, (users.get(qos) ?? 0) + 1);
  counts.set(ports, users);
  return users;
}

/**
 * The port's QoS row, if it is this agent's and serves no other port: somebody has tied the two together who wants it so,
 * and the database refuses to delete a row that is referred to (RFC 7047 section 3.2).
 */
export function ownQos({ input }: Builder, port: ObservedPort): ObservedQos | undefined {
  const { observed, settings } = input;
  const qos = port.qos === undefined ? undefined : observed.qos.get(port.qos);
  if (qos === undefined || !isOwnedBy(qos.externalIds, settings.mark)) return undefined;
  return usersOf(observed.ports).get(qos.uuid) === 1 ? qos : undefined;
}

/**
 * The limit of a port that is this attachment's: an own one, or the one that another writer of ovn-kubernetes' kind made for
 * this very sandbox and left without a mark: it is taken over with its port, and would outlive it otherwise.
 */
export function limitOf(builder: Builder, { port, identity }: PluggedPort, sandboxId: string): ObservedQos | undefined {
  const own = ownQos(builder, port);
  if (own !== undefined) return own;
  const { observed } = builder.input;
  const qos = port.qos === undefined ? undefined : observed.qos.get(port.qos);
  if (qos === undefined || qos.externalIds.has(ownerKey) || qos.type !== 'linux-htb') return undefined;
  const isOfSandbox = identity.sandboxId === sandboxId && qos.externalIds.get(sandboxKey) === sandboxId;
  return isOfSandbox && usersOf(observed.ports).get(qos.uuid) === 1 ? qos : undefined;
}

/** Removes own rows that no port uses. */
export function planLeakedQos(builder: Builder): void {
  const { observed, settings } = builder.input;
  if (observed.qos.size === 0) return;
  const users = usersOf(observed.ports);
  for (const { uuid, externalIds } of [...observed.qos.values()].sort((a, b) => compareTexts(a.uuid, b.uuid))) {
    if (users.has(uuid) || !isOwnedBy(externalIds, settings.mark)) continue;
    builder.removals.push({
      kind: 'dropQos',
      key: uuid,
      port: '',
      label: `QoS row ${uuid}`,
      differences: [{ table: 'QoS', field: '_uuid', from: uuid, to: '(removed)' }],
      uuid,
      owner: settings.mark,
    });
  }
}
