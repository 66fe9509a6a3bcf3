/** Representors of the host's virtual functions: how many are to be there, and are. Pure. */

import type { Fact } from '../../model/fact.js';
import type { Netdev } from '../../model/netdev.js';
import { goneMs } from '../checks/ports.js';
import { netdevsByName } from '../netdev-index.js';
import type { InterfaceFacts, OffloadLimits } from '../offload-facts.js';

export interface RepresentorCounts {
  /** Undefined: the configuration expects no number. */
  readonly expected: number | undefined;
  /** Of virtual functions, as is what is expected. */
  readonly present: number;
  /** Ports of the switch whose device has been gone for too long. */
  readonly stale: number;
  /** Representors of functions of the host on the switch that are switched off or without a link. */
  readonly down: number;
}

export function countRepresentors(
  interfaces: Fact<readonly InterfaceFacts[]>,
  devices: Fact<readonly Netdev[]>,
  { vfsExpected, staleMsMin }: OffloadLimits,
): RepresentorCounts {
  const expected = vfsExpected.size === 0 ? undefined : [...vfsExpected.values()].reduce((sum, vfs) => sum + vfs, 0);
  if (devices.kind === 'unknown') return { expected, present: 0, stale: 0, down: 0 };
  const present = devices.value.filter(({ kind }) => kind === 'hostVf').length;
  const rows = interfaces.kind === 'known' ? interfaces.value : [];
  const byName = netdevsByName(devices.value);
  const stale = rows.filter((row) => goneMs(row, byName) >= staleMsMin).length;
  const down = rows.filter((row) => isDown(byName.get(row.name), row)).length;
  return { expected, present, stale, down };
}

function isDown(netdev: Netdev | undefined, { linkState }: InterfaceFacts): boolean {
  const isOfHost = netdev?.kind === 'hostPf' || netdev?.kind === 'hostVf' || netdev?.kind === 'hostSf';
  return isOfHost && (!netdev.isUp || linkState === 'down');
}
