/** All checks of offload over one set of facts. Pure. No verdict is given before the platform has configured itself at boot. */

import type { CheckOutcome, OffloadCheck, OffloadFinding } from './check.js';
import { cardChecks } from './checks/card.js';
import { daemonChecks } from './checks/daemon.js';
import { flowChecks } from './checks/flows.js';
import { portChecks } from './checks/ports.js';
import { settingChecks } from './checks/settings.js';
import type { BootFacts, OffloadFacts, OffloadLimits } from './offload-facts.js';

/** In the order in which one would look. */
export const offloadChecks: readonly OffloadCheck[] = [
  ...cardChecks,
  ...daemonChecks,
  ...settingChecks,
  ...portChecks,
  ...flowChecks,
];

export interface CheckReport {
  readonly findings: readonly OffloadFinding[];
  /** Names of checks that were made and found nothing. */
  readonly clear: readonly string[];
  readonly notTestable: readonly { readonly check: string; readonly why: string }[];
  /** Why nothing is judged yet; undefined when it is. */
  readonly waiting: string | undefined;
}

/**
 * Why it is too early for a verdict: the platform makes representors, sets Open vSwitch up and restarts it while it boots.
 * What it says of itself counts first; where it says nothing, time does. Undefined: it is not too early.
 */
export function bootWait({ platform, uptimeMs, watchedMs }: BootFacts, graceMs: number): string | undefined {
  if (platform.kind === 'known') {
    return platform.value === 'running' ? 'the platform configures the card (mlnx_bf_configure)' : undefined;
  }
  // Without a time of boot, the time since the agent looks is a lower bound of it.
  const sinceMs = uptimeMs.kind === 'known' ? uptimeMs.value : watchedMs;
  if (sinceMs >= graceMs) return undefined;
  return `the machine was booted ${Math.round(sinceMs / 1_000)} s ago, and may still be configuring itself`;
}

export function runOffloadChecks(facts: OffloadFacts, limits: OffloadLimits): CheckReport {
  const waiting = bootWait(facts.boot, limits.bootGraceMs);
  const outcomes = offloadChecks.map(({ name, run }): readonly [string, CheckOutcome] => [
    name,
    waiting === undefined ? run(facts, limits) : { kind: 'notTestable', why: waiting },
  ]);
  return {
    findings: outcomes.flatMap(([, outcome]) => (outcome.kind === 'found' ? outcome.findings : [])),
    clear: outcomes.flatMap(([name, { kind }]) => (kind === 'clear' ? [name] : [])),
    notTestable: outcomes.flatMap(([check, outcome]) =>
      outcome.kind === 'notTestable' ? [{ check, why: outcome.why }] : [],
    ),
    waiting,
  };
}
