/** What can be said of a port that is there and that nobody wants of this agent: where it is, and who made it. Pure. */

import { safeText } from '../lib/text.js';
import type { ObservedPort } from '../model/observed.js';
import { ownerKey, type StringMap } from '../model/ownership.js';

/**
 * The maker by the marks that makers leave in external_ids: this agent's kind (`dpu-agent-owner`), DPF's CNI (`dpf-id`),
 * ovn-controller (`ovn-chassis-id`, `ovn-localnet-port`, `ovn-l2gateway-port`; ovn-controller(8)), and whoever gives a port
 * an `iface-id` (Open vSwitch, IntegrationGuide: ovn-kubernetes and others).
 */
function makerOf(port: ObservedPort): string {
  const maps: readonly StringMap[] = [port.externalIds, ...port.interfaces.map(({ externalIds }) => externalIds)];
  const mark = (key: string): string | undefined =>
    maps.map((map) => map.get(key)).find((value) => value !== undefined);
  const owner = mark(ownerKey);
  if (owner !== undefined) return `made by the agent of owner ${safeText(owner)}`;
  const dpfId = mark('dpf-id');
  if (dpfId !== undefined) return `made by the CNI of DPF for ${safeText(dpfId)}`;
  const ovn = ['ovn-chassis-id', 'ovn-localnet-port', 'ovn-l2gateway-port'].find((key) => mark(key) !== undefined);
  if (ovn !== undefined) return `made by ovn-controller (${ovn}=${safeText(mark(ovn) ?? '')})`;
  const ifaceId = mark('iface-id');
  if (ifaceId !== undefined) return `made by whoever plugs iface-id ${safeText(ifaceId)}`;
  return port.name === port.bridge ? 'made with the bridge' : 'made by somebody who left no mark';
}

/** Interfaces that do not work, one sentence each. */
export function brokenInterfaces({ interfaces }: ObservedPort): readonly string[] {
  return interfaces
    .filter(({ ofport, error }) => ofport === -1 || (error !== undefined && error !== ''))
    .map(
      ({ name, error = '' }) =>
        `interface ${safeText(name)} is not open: ${error === '' ? 'ofport is -1' : safeText(error, 300)}`,
    );
}

/** One sentence a note: that the port is foreign, what it is, and what is wrong with it. */
export function foreignPortNotes(port: ObservedPort): readonly string[] {
  const what = port.interfaces.map(({ name, type, ofport, linkState }) => {
    const number = ofport === undefined ? 'no ofport yet' : `ofport ${ofport}`;
    return `interface ${safeText(name)}: ${type === '' ? 'system' : safeText(type)}, ${number}, link ${linkState ?? 'unknown'}`;
  });
  return [
    `foreign: on ${safeText(port.bridge)}, not wanted by anybody, ${makerOf(port)}; the agent leaves it alone`,
    ...what,
    ...brokenInterfaces(port),
  ];
}
