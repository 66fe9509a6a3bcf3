/** What the agent says of itself, its loops and its intents, as metrics. Reads the view; asks nobody. */

import type { AgentView, NodeFacts } from '../../agent/api-view.js';
import type { AgentStatus } from '../../agent/status.js';
import type { Condition } from '../../model/condition.js';
import { agentMetrics, workMetrics } from '../../telemetry/catalogue.js';
import type { Families } from '../../telemetry/metric-spec.js';
import type { StatusAge } from './status-age.js';

const repairModes = ['on', 'observe', 'bootGrace', 'standby'];
const vswitchdStates = ['alive', 'silent', 'unknown'];
const storeStates = ['synced', 'connecting', 'closed'];
const intentPhases = ['accepted', 'applied', 'ready', 'degraded'];
const conditionStates: readonly Condition['state'][] = ['ready', 'waiting', 'failed'];

/** Product, software and version, as far as they are known. */
export function collectFacts(families: Families, version: string, facts: NodeFacts | undefined): void {
  families.put(agentMetrics.buildInfo, { version, runtime: process.version }, 1);
  if (facts === undefined) return;
  const { hostNodeName, machine, ovs } = facts;
  const labels = {
    host_node: hostNodeName ?? '',
    product: machine.product ?? '',
    ovs_version: ovs.version ?? '',
    engine: ovs.engine ?? '',
  };
  families.put(agentMetrics.nodeInfo, labels, 1);
}

/** The status; an agent that has not looked yet says only that it is not ready. */
export function collectStatus(families: Families, status: AgentStatus | undefined, age: StatusAge): void {
  families.put(agentMetrics.ready, {}, status?.isReady === true && age.isFresh(status));
  if (status === undefined) return;
  families.put(agentMetrics.statusAge, {}, age.ageMs(status) / 1e3);
  families.put(agentMetrics.statusFresh, {}, status.freshMs / 1e3);
  families.states(agentMetrics.repairMode, 'mode', repairModes, status.repair);
  families.states(agentMetrics.vswitchd, 'state', vswitchdStates, status.vswitchd);
  families.states(agentMetrics.ovsdb, 'state', storeStates, status.ovsdb.kind);
  families.put(agentMetrics.pending, { loop: 'ports' }, status.pendingCount);
  families.put(agentMetrics.pending, { loop: 'attach' }, status.attach?.pendingCount);
  collectConditions(families, status.conditions);
  families.count(agentMetrics.findings, status.findings);
}

function collectConditions(families: Families, conditions: readonly Condition[]): void {
  // A kind that occurs has all three states, so that a sum over states that fell to zero does not vanish.
  const kinds = new Set(conditions.map(({ object }) => object.kind));
  for (const kind of kinds) {
    const ofKind = conditions.filter(({ object }) => object.kind === kind);
    for (const state of conditionStates) {
      families.put(agentMetrics.conditions, { kind, state }, ofKind.filter((entry) => entry.state === state).length);
    }
  }
  families.count(
    agentMetrics.notReady,
    conditions
      .filter(({ state }) => state !== 'ready')
      .map(({ object, state, reason }) => ({ kind: object.kind, state, reason })),
  );
  families.count(
    agentMetrics.chains,
    conditions.filter(({ object }) => object.kind === 'chain').map(({ state, reason }) => ({ state, reason })),
  );
}

/** What the loops and their clients have done so far. */
export function collectWork(families: Families, { telemetry }: AgentView): void {
  for (const { protocol, peer, isUp, connects, failures } of telemetry.sessions()) {
    families.put(workMetrics.sessionUp, { protocol, peer }, isUp);
    families.put(workMetrics.sessionConnects, { protocol, peer }, connects);
    families.put(workMetrics.sessionFailures, { protocol, peer }, failures);
  }
  for (const { loop, rounds, writes, latency } of telemetry.loops()) {
    families.put(workMetrics.rounds, { loop }, rounds);
    families.put(workMetrics.writes, { loop }, writes);
    for (const [phase, values] of latency) families.histogram(workMetrics.latency, { loop, phase }, values);
  }
  for (const [kind, count] of telemetry.repairs()) families.put(workMetrics.repairs, { kind }, count);
  for (const [bridge, count] of telemetry.flows()) families.put(workMetrics.flows, { bridge }, count);
  for (const { kind, outcome, count } of telemetry.journal()) {
    families.put(workMetrics.journal, { kind, outcome }, count);
  }
}

/** How far each owner's bundle has come. The desk bounds how many owners there are. */
export function collectIntents(families: Families, { intents }: AgentView): void {
  for (const { owner, generation } of intents.list()) {
    families.put(workMetrics.intentGeneration, { owner }, generation);
    const phase = intents.status(owner)?.phase;
    if (phase !== undefined) families.states(workMetrics.intents, 'phase', intentPhases, phase, { owner });
  }
}
