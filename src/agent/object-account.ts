/**
 * Everything that the agent says of one port or chain, in one place: its conditions with their evidence, the findings about
 * it, and the changes that name it. Finds nothing out by itself. Pure.
 */

import { plain, shellCommand } from '../attach/shell-command.js';
import type { ChainView } from '../chain/chain-view.js';
import { AgentError } from '../lib/errors.js';
import { similarNames } from '../lib/similar.js';
import { safeText } from '../lib/text.js';
import type { Condition } from '../model/condition.js';
import type { ObservedPort } from '../model/observed.js';
import type { ObjectAccount } from './api-view.js';
import { brokenInterfaces, foreignPortNotes } from './foreign-port.js';
import type { JournalEntry } from './journal.js';
import type { AgentStatus } from './status.js';

export type AccountKind = 'port' | 'chain';

/** Changes that an account has at most. */
const journalShownMax = 10;
/** Names that a refusal suggests at most. */
const suggestionsMax = 5;

/** Whether a sentence has the name as a word of its own: `p1` is not in `p10`. */
function hasWord(text: string, name: string): boolean {
  return text.split(/[\s;:,()]+/).includes(name);
}

/** Conditions of the object; of a chain those of its ports too, and of a port those of the chains' ports on it. */
function conditionsOf({ conditions, chains }: AgentStatus, kind: AccountKind, name: string): readonly Condition[] {
  const ports = chains.flatMap((chain) => chain.switches.flatMap((entry) => entry.ports));
  const keys = new Set(ports.filter((port) => port.interface === name).map(({ key }) => key));
  return conditions.filter(({ object }) => {
    if (object.kind === kind) return object.name === name;
    if (object.kind !== 'chainPort') return false;
    return kind === 'chain' ? object.name.startsWith(`${name}/`) : keys.has(object.name);
  });
}

/** Names of all objects of a kind that the agent speaks of. */
function namesOf({ conditions, findings, chains }: AgentStatus, kind: AccountKind): readonly string[] {
  const named = [...conditions, ...findings]
    .filter(({ object }) => object.kind === kind)
    .map(({ object }) => object.name);
  return kind === 'chain' ? [...named, ...chains.map(({ intent }) => intent.name)] : named;
}

/** That there is no such object, with those that may have been meant. */
export function notFound(status: AgentStatus, kind: AccountKind, name: string): AgentError {
  const similar = similarNames(name, namesOf(status, kind), suggestionsMax).map((entry) => safeText(entry));
  return new AgentError('NOT_FOUND', `the agent knows no ${kind} "${safeText(name)}"`, {
    remedy: similar.length === 0 ? 'dpuctl status lists what it knows.' : `It knows: ${similar.join(', ')}.`,
    facts: { kind, name: safeText(name) },
  });
}

/**
 * The account of a port or chain.
 * @param journal the newest changes, oldest first
 * @param isKnown whether something else names it, as pods do of their ports
 * @param seen the port as it is in the database: one of which nothing is said is explained by that
 * @throws AgentError NOT_FOUND when nothing is known of it
 */
export function accountOf(
  status: AgentStatus,
  journal: readonly JournalEntry[],
  kind: AccountKind,
  name: string,
  isKnown = false,
  seen?: ObservedPort,
): ObjectAccount {
  const conditions = conditionsOf(status, kind, name);
  const findings = status.findings.filter(({ object }) => object.kind === kind && object.name === name);
  const isSaid = conditions.length > 0 || findings.length > 0 || isKnown;
  if (!isSaid && seen === undefined) throw notFound(status, kind, name);
  const foreign = isSaid ? undefined : seen;
  const shown = safeText(name);
  const changes = journal.filter(({ summary, details }) => [summary, ...details].some((text) => hasWord(text, shown)));
  const command =
    kind === 'chain'
      ? shellCommand('dpuctl', 'trace', plain(name))
      : shellCommand('ovs-vsctl', 'list', 'Interface', plain(name));
  const own = conditions.find(({ object }) => object.kind === kind)?.object;
  return {
    object: own ?? { kind, name, ...(seen === undefined ? {} : { bridge: seen.bridge }) },
    conditions,
    findings,
    journal: changes.slice(-journalShownMax),
    command,
    notes: foreign === undefined ? [] : foreignPortNotes(foreign),
    isReady:
      (foreign === undefined || brokenInterfaces(foreign).length === 0) &&
      findings.length === 0 &&
      conditions.every(({ state }) => state === 'ready'),
  };
}

/**
 * The chain in force under that name.
 * @throws AgentError NOT_FOUND when there is none, with the reason where the agent gave one
 */
export function requireChain(status: AgentStatus, name: string): ChainView {
  const found = status.chains.find(({ intent }) => intent.name === name);
  if (found !== undefined) return found;
  const refused = status.conditions.find(({ object }) => object.kind === 'chain' && object.name === name);
  if (refused === undefined) throw notFound(status, 'chain', name);
  throw new AgentError('NOT_FOUND', `chain ${safeText(name)} is not in force: ${refused.message}`, {
    remedy: 'Correct the chain; dpuctl status shows it.',
  });
}

/** Conditions of the chain and its ports. */
export function chainConditionsOf(status: AgentStatus, chain: ChainView): readonly Condition[] {
  const { name } = chain.intent;
  const keys = new Set(chain.switches.flatMap((entry) => entry.ports.map(({ key }) => key)));
  return status.conditions.filter(({ object }) =>
    object.kind === 'chain' ? object.name === name : object.kind === 'chainPort' && keys.has(object.name),
  );
}
