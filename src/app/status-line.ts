/** What a service manager shows of the agent: one line on how things are. Pure. */

import type { AgentStatus } from '../agent/status.js';
import { formatObject } from '../model/condition.js';
import { safeText } from '../lib/text.js';

/** Longest name of an object in the line, characters. */
const nameMax = 80;

/** One line for `systemctl status`, without control characters. */
export function statusLine(status: AgentStatus | undefined): string {
  if (status === undefined) return 'Nothing has been looked at yet.';
  const { ovsdb, conditions, isReady } = status;
  if (ovsdb.kind !== 'synced') return `Open vSwitch's database cannot be used (${ovsdb.code ?? ovsdb.kind}).`;
  const wrong = conditions.filter(({ state }) => state !== 'ready');
  const count = `${conditions.length - wrong.length} of ${conditions.length} objects ready`;
  const [first] = [...wrong.filter(({ state }) => state === 'failed'), ...wrong];
  if (first !== undefined) return `${count}; ${safeText(formatObject(first.object), nameMax)}: ${first.reason}.`;
  return isReady ? `Ready: ${count}.` : `${count}; the host cluster has not been seen yet.`;
}
