/** The service chains for a person, one a line. */

import type { AgentStatus } from '../agent/status.js';
import { safeText } from '../lib/text.js';
import type { Condition } from '../model/condition.js';
import { formatTable } from './table.js';

const heading = ['CHAIN', 'BRIDGE', 'SWITCHES', 'PORTS', 'STATE', 'REASON', 'MESSAGE'];

/** Conditions of chains as opposed to those of their ports. */
export function chainConditions(status: AgentStatus): readonly Condition[] {
  return status.conditions.filter(({ object }) => object.kind === 'chain');
}

function row(status: AgentStatus, condition: Condition): readonly string[] {
  const { object, state, reason, message } = condition;
  const view = status.chains.find(({ intent }) => intent.name === object.name);
  const ports = view?.switches.flatMap((entry) => entry.ports);
  return [
    safeText(object.name),
    safeText(object.bridge ?? ''),
    String(view?.switches.length ?? '-'),
    String(ports?.length ?? '-'),
    state,
    reason === 'Ready' ? '' : reason,
    reason === 'Ready' ? '' : message,
  ];
}

/** A table of all chains, those that are refused among them; a sentence when there are none. */
export function formatChains(status: AgentStatus): string {
  const conditions = chainConditions(status);
  if (conditions.length === 0) return 'The agent has no chains.\n';
  return formatTable([heading, ...conditions.map((condition) => row(status, condition))]);
}
