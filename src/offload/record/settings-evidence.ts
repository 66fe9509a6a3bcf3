/** What ovs-vswitchd itself says of whether offload is in effect, from all that was read of this life of it. Pure. */

import type { SettingsEvidence } from '../effective-settings.js';
import type { RootFacts } from '../offload-facts.js';
import type { SwitchQuickReading, SwitchSlowReading } from '../readings.js';

/** What the log says when hw-offload latches: netdev-offload.c up to 3.6, dpif-offload.c from 3.7 on. */
const enabledLine = /\bFlow API Enabled\b|\bFlow HW offload is enabled\b/;

/** A daemon that was asked less than this after a change of the database may not have taken it yet, ms. */
const takenMs = 5_000;

export interface EvidenceSources {
  readonly root: Pick<RootFacts, 'isDpdkInitialized' | 'isDocaInitialized'>;
  /** Of this life; undefined: none was made. */
  readonly quick: SwitchQuickReading | undefined;
  readonly slow: SwitchSlowReading | undefined;
  /** When hw-offload was last seen to change in the database, monotonic ms; undefined: it was not. */
  readonly changedAtMs: number | undefined;
}

export function evidenceOf({ root, quick, slow, changedAtMs = -Infinity }: EvidenceSources): SettingsEvidence {
  // Offload latches and stays: a yes holds for all of this life, and a no only for a daemon that has seen the change.
  const isNoWorth = (reading: SwitchQuickReading | SwitchSlowReading | undefined): boolean =>
    reading !== undefined && reading.readAtMs >= changedAtMs + takenMs;
  const { isDpdkInitialized, isDocaInitialized } = root;
  const isEnabled = slow?.isOffloadEnabled.kind === 'known' ? slow.isOffloadEnabled.value : undefined;
  const stats = statsOf(quick);
  return {
    isDpdkInitialized,
    isDocaInitialized,
    isOffloadEnabled: isEnabled === false && !isNoWorth(slow) ? undefined : isEnabled,
    offloadStats: stats === 'refused' && !isNoWorth(quick) ? undefined : stats,
    offloadedFlows: quick?.upcalls.kind === 'known' ? quick.upcalls.value.reduce(addOffloaded, 0) : undefined,
    isEnabledInLog:
      slow?.logLines.kind === 'known' ? slow.logLines.value.some((line) => enabledLine.test(line)) : undefined,
  };
}

const addOffloaded = (sum: number, { offloaded }: { readonly offloaded: number }): number => sum + offloaded;

/** Of the kernel's datapath the command tells nothing, whatever it answers (dpif-netlink.c has no such statistics). */
function statsOf(quick: SwitchQuickReading | undefined): SettingsEvidence['offloadStats'] {
  if (quick?.insertion.kind !== 'known' || quick.upcalls.kind !== 'known') return undefined;
  if (!quick.upcalls.value.some(({ name }) => !name.startsWith('system@'))) return undefined;
  return quick.insertion.value === 'refused' ? 'refused' : 'answered';
}
