/** All checks of offload over one set of facts. Pure. No verdict is given before the platform has configured itself at boot. */

import { evidenceOf, listed, node, type CheckOutcome, type OffloadCheck, type OffloadFinding } from './check.js';
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

/** So many findings of one reason are told one by one. */
const singlesMax = 20;

/** What goes beyond is one finding for each reason: a thousand ports with the same fault are one fault. */
function bounded(findings: readonly OffloadFinding[]): readonly OffloadFinding[] {
  const byReason = new Map<string, OffloadFinding[]>();
  for (const finding of findings) {
    const same = byReason.get(finding.reason);
    if (same === undefined) byReason.set(finding.reason, [finding]);
    else same.push(finding);
  }
  return [...byReason.values()].flatMap((same) => {
    const [first] = same;
    if (same.length <= singlesMax || first === undefined) return same;
    const rest = same.slice(singlesMax).map(({ subject }) => subject.name);
    const { reason, remedy } = first;
    const message = `The same is found of ${rest.length} more: ${listed(rest)}.`;
    return [
      ...same.slice(0, singlesMax),
      { reason, subject: node, message, evidence: evidenceOf({ findings: same.length }), remedy },
    ];
  });
}

export function runOffloadChecks(facts: OffloadFacts, limits: OffloadLimits): CheckReport {
  const waiting = bootWait(facts.boot, limits.bootGraceMs);
  const outcomes = offloadChecks.map(({ name, run }): readonly [string, CheckOutcome] => [
    name,
    waiting === undefined ? run(facts, limits) : { kind: 'notTestable', why: waiting },
  ]);
  return {
    findings: bounded(outcomes.flatMap(([, outcome]) => (outcome.kind === 'found' ? outcome.findings : []))),
    clear: outcomes.flatMap(([name, { kind }]) => (kind === 'clear' ? [name] : [])),
    notTestable: outcomes.flatMap(([check, outcome]) =>
      outcome.kind === 'notTestable' ? [{ check, why: outcome.why }] : [],
    ),
    waiting,
  };
}
