/** How often the rows of one attachment may be made or mended, and which actions that holds back. Pure. */

import type { AttachAction } from '../attach/attach-action.js';
import type { Pace, PaceTiming } from '../lib/pace.js';

/**
 * For the rows of one attachment. Each change costs vswitchd a reconfiguration, in which all pods share, and a pod can ask
 * for as many as it likes. A first attach with its corrections, a new sandbox now and then, and a reboot of either machine
 * stay within the burst.
 */
export const rowsPace: PaceTiming = { burst: 5, baseMs: 1_000, capMs: 30_000, quietMs: 120_000 };

/** Whether the action makes or mends rows: a pod can ask for as many of these as it likes. */
function isPaced({ kind }: AttachAction): boolean {
  return kind === 'attach' || kind === 'repair';
}

/** Keys of the attachments whose rows the actions make or mend. */
export function pacedKeys(actions: readonly AttachAction[]): readonly string[] {
  return actions.filter(isPaced).map(({ key }) => key);
}

/** The actions without those that make or mend rows of these attachments. */
export function withoutKeys(actions: readonly AttachAction[], withheld: ReadonlySet<string>): readonly AttachAction[] {
  return actions.filter((action) => !isPaced(action) || !withheld.has(action.key));
}

/**
 * Keys of the attachments whose rows are not to be made or mended yet. A port is taken out at once however often it was
 * made, so that nothing is left of a pod that is gone or made anew: there is one removal for each time that it was made.
 */
export function withheldKeys(actions: readonly AttachAction[], pace: Pace, nowMs: number): ReadonlySet<string> {
  return new Set(pacedKeys(actions).filter((key) => pace.waitMs(key, nowMs) > 0));
}
