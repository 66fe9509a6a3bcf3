/** What ovs-vswitchd itself says of whether offload is in effect, from all that was read of this life of it. Pure. */

import type { SettingsEvidence } from '../effective-settings.js';
import type { RootFacts } from '../offload-facts.js';
import { askedAtMs, type SwitchQuickReading, type SwitchSlowReading } from '../readings.js';

/** What the log says when hw-offload latches: netdev-offload.c up to 3.6, dpif-offload.c from 3.7 on. */
const enabledLine = /\bFlow API Enabled\b|\bFlow HW offload is enabled\b/;

export interface EvidenceSources {
  readonly root: Pick<RootFacts, 'isDpdkInitialized' | 'isDocaInitialized'>;
  /** Of this life; undefined: none was made. */
  readonly quick: SwitchQuickReading | undefined;
  readonly slow: SwitchSlowReading | undefined;
  /** A daemon that was asked before this may not have taken what the database says now, monotonic ms. */
  readonly takenAtMs: number;
  /** When this life began, monotonic ms. */
  readonly startedAtMs: number;
}

/** A daemon that is so old has read the database, ms; a younger one only where it has made a datapath. */
const graceMs = 10_000;

export function evidenceOf({ root, quick, slow, takenAtMs, startedAtMs }: EvidenceSources): SettingsEvidence {
  // Offload latches and stays: a yes holds for all of this life, and a no only for a daemon that has seen the change.
  const isNoWorth = (reading: SwitchQuickReading | SwitchSlowReading | undefined): boolean => {
    if (reading === undefined) return false;
    const atMs = askedAtMs(reading);
    return atMs >= takenAtMs && (atMs >= startedAtMs + graceMs || hasDatapath(reading));
  };
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

/** ovs-vswitchd makes datapaths after it has read its settings (bridge.c, bridge_run); the kernel's outlives a daemon. */
function hasDatapath(reading: SwitchQuickReading | SwitchSlowReading): boolean {
  if ('upcalls' in reading) return reading.upcalls.kind === 'known' && reading.upcalls.value.length > 0;
  return reading.datapaths.kind === 'known' && reading.datapaths.value.some((name) => !name.startsWith('system@'));
}

const addOffloaded = (sum: number, { offloaded }: { readonly offloaded: number }): number => sum + offloaded;

/** Userspace datapaths alone are asked: of the kernel's the command tells nothing. */
function statsOf(quick: SwitchQuickReading | undefined): SettingsEvidence['offloadStats'] {
  if (quick?.insertion.kind !== 'known') return undefined;
  return quick.insertion.value === 'refused' ? 'refused' : 'answered';
}
