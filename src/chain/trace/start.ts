/** Where a traced packet enters a chain. Pure. */

import { AgentError } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';
import type { ChainPortView, ChainSwitchView, ChainView } from '../chain-view.js';

export interface TraceStart {
  readonly switch: ChainSwitchView;
  readonly port: ChainPortView;
}

/** The names under which a person may mean a port. */
function namesOf({ switch: entry, port }: TraceStart): readonly string[] {
  const ownName = port.key.split('/').slice(2).join('/');
  const names = [port.key, `${entry.name}/${ownName}`, ownName, port.words, port.interface, port.target?.interface];
  return names.filter((name) => name !== undefined);
}

/**
 * The port that is meant by `from`, by default the first of the chain.
 * @throws AgentError NOT_FOUND when it is none, API_INVALID when it is several
 */
export function findStart(chain: ChainView, from: string | undefined): TraceStart {
  const all = chain.switches.flatMap((entry) => entry.ports.map((port) => ({ switch: entry, port })));
  const found = from === undefined ? all.slice(0, 1) : all.filter((start) => namesOf(start).includes(from));
  const [start, second] = found;
  if (start !== undefined && second === undefined) return start;
  const list = all.map(({ port }) => `${safeText(port.interface ?? '(none)')} = ${safeText(port.key)}`).join(', ');
  const [code, problem] =
    start === undefined
      ? (['NOT_FOUND', 'is no port of'] as const)
      : (['API_INVALID', 'is more than one port of'] as const);
  throw new AgentError(code, `"${safeText(from ?? '')}" ${problem} chain ${safeText(chain.intent.name)}`, {
    remedy: `Its ports: ${list}.`,
  });
}
