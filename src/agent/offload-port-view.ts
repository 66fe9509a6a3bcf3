/** What is shown of the ports that the packets of an object cross: kind, offload provider, embedded switch. Pure. */

import type { OffloadPort } from '../offload/software-reason.js';
import type { OffloadPortView } from './api-view.js';

/** What is known of the ports of one datapath. */
export interface OffloadPortFacts {
  /** Undefined: nothing is known of it. */
  readonly port: (name: string) => OffloadPort | undefined;
  /** Provider by name of the port, as ovs-vswitchd says it (`dpif/offload/show`); undefined: it does not. */
  readonly providers: ReadonlyMap<string, string> | undefined;
}

/** Kinds of which nobody asks for a provider: their packets enter hardware at another port, or not at all. */
const withoutProvider: ReadonlySet<OffloadPort['kind']> = new Set(['internal', 'tunnel']);

/**
 * A port for those who show it. What ovs-vswitchd says of its provider counts before what type and device let one expect.
 * @param type of the interface, as in the database
 * @param facts undefined: nobody looks
 */
export function offloadPortView(
  name: string,
  type: string | undefined,
  facts: OffloadPortFacts | undefined,
): OffloadPortView {
  const none = { name, provider: undefined, isProviderTold: false, eswitch: undefined };
  if (type === 'patch') return { ...none, kind: 'patch' };
  const found = facts?.port(name);
  if (found === undefined) return { ...none, kind: undefined };
  const { kind, eswitch } = found;
  const told = facts?.providers;
  if (told === undefined || withoutProvider.has(kind)) {
    return { ...none, kind, provider: found.provider, eswitch };
  }
  const provider = told.get(name);
  return { name, kind: provider === undefined ? 'other' : 'offloadable', provider, isProviderTold: true, eswitch };
}
