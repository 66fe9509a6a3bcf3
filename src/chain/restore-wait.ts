/**
 * What chains may say while `ovs-ctl` restores flows: a vswitchd that was started to wait for them takes flows and forwards
 * nothing, so flows that were read back prove nothing. The key is ovs-ctl's; the agent never touches it. Pure.
 */

import type { Condition, Finding } from '../model/condition.js';

const message =
  'Open vSwitch is told to wait until flows are restored (other_config:flow-restore-wait), and may forward nothing.';

/** The conditions, with no chain ready. */
export function withRestoreWait(conditions: readonly Condition[]): readonly Condition[] {
  return conditions.map((condition) => {
    if (condition.object.kind !== 'chain' || condition.state !== 'ready') return condition;
    return { ...condition, state: 'waiting', reason: 'ChainRestoreWait', message };
  });
}

/** The restoring did not end: somebody has to look why. One for each bridge with chains. */
export function restoreWaitFindings(conditions: readonly Condition[]): readonly Finding[] {
  const bridges = conditions.flatMap(({ object }) => (object.kind === 'chain' ? (object.bridge ?? []) : []));
  return [...new Set(bridges)].sort().map((name) => ({
    reason: 'RestoreWaitStuck',
    object: { kind: 'bridge', name },
    message: 'other_config:flow-restore-wait has been true for far longer than ovs-ctl needs to restore flows.',
    claimants: ['ovs-ctl', `the chains on ${name}`],
    remedy: 'See why ovs-ctl did not finish; then ovs-vsctl remove Open_vSwitch . other_config flow-restore-wait',
  }));
}
