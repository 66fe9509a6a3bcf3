/** What the agent can and may do on this node, from its settings and what it sees now. Pure. */

import type { CapabilityFacts } from './api-view.js';

export interface CapabilityInputs {
  readonly repair: 'on' | 'observe';
  readonly attachMode: 'off' | 'observe' | 'attach';
  /** Whether the host cluster is configured. */
  readonly hasHostCluster: boolean;
  /** Whether the Open vSwitch database has been read and is followed. */
  readonly isDatabaseReadable: boolean;
  /** Whether ovs-vswitchd gives a live answer. */
  readonly vswitchd: 'alive' | 'silent' | 'unknown' | undefined;
}

const observes = 'agent.repair is observe: the agent writes nothing to the switch.';
const unreadable = 'The Open vSwitch database is not readable now.';

function attachProblem({ attachMode, hasHostCluster, repair }: CapabilityInputs): string | undefined {
  if (attachMode === 'off') return 'attach.mode is off.';
  if (!hasHostCluster) return 'No host cluster is configured.';
  if (attachMode === 'observe') return 'attach.mode is observe: pods are looked at and not plugged.';
  return repair === 'observe' ? observes : undefined;
}

/** In the order in which they are told; a sentence why not where something cannot be done. */
export function nodeCapabilities(inputs: CapabilityInputs): readonly CapabilityFacts[] {
  const { repair, isDatabaseReadable, vswitchd } = inputs;
  const writing = repair === 'observe' ? observes : undefined;
  const reading = isDatabaseReadable ? undefined : unreadable;
  const asking = vswitchd === 'alive' ? undefined : 'ovs-vswitchd gives no live answer now.';
  const problems: readonly (readonly [CapabilityFacts['name'], string | undefined])[] = [
    ['chains', writing],
    ['attach', attachProblem(inputs)],
    ['intents', writing],
    ['topology', reading],
    ['offload', reading],
    ['stats', reading],
    ['trace', asking],
  ];
  return problems.map(([name, message]) => ({ name, isAvailable: message === undefined, message }));
}
