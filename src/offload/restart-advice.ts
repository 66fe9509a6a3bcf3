/**
 * What a restart of ovs-vswitchd takes: what to do, in which order, and what it costs. Text for a person; the agent never
 * restarts a daemon.
 */

import { safeText } from '../lib/text.js';
import type { EngineKind } from './engine-state.js';
import { settingRule } from './setting-rules.js';
import type { SettingResult } from './setting-verdicts.js';

export interface RestartFacts {
  readonly engine: EngineKind;
  /** Flows of the fullest datapath; undefined: not known. */
  readonly flows: number | undefined;
  /** flow-limit that will hold. */
  readonly flowLimit: number;
  /** max-revalidator that will hold, ms. */
  readonly maxRevalidatorMs: number;
}

export interface RestartAdvice {
  /** The keys for which it is needed. */
  readonly keys: readonly string[];
  readonly summary: string;
  /** In this order. */
  readonly steps: readonly string[];
  readonly costs: readonly string[];
}

/** A datapath's limit of flows after every start, and what a round of the revalidators adds at most (ofproto-dpif-upcall.c). */
const limitAtStart = 10_000;
const growthByRound = 1_000;

/**
 * How long the limit of flows that adapts itself needs to reach `flows` after a restart, in ms at the least: it grows by 1 000
 * with each round of the revalidators, of max-revalidator at most.
 */
export function limitRampMs(flows: number, flowLimit: number, maxRevalidatorMs: number): number {
  const target = Math.min(flows, flowLimit);
  return Math.max(0, Math.ceil((target - limitAtStart) / growthByRound)) * maxRevalidatorMs;
}

/** Undefined when no setting waits for a restart. */
export function adviseRestart(results: readonly SettingResult[], facts: RestartFacts): RestartAdvice | undefined {
  const waiting = results.filter(({ verdict }) => verdict === 'restartRequired');
  if (waiting.length === 0) return undefined;
  const keys = waiting.map(({ key }) => key);
  const isOne = keys.length === 1;
  return {
    keys,
    summary: `${keys.join(', ')} ${isOne ? 'needs' : 'need'} a restart of ovs-vswitchd, in a maintenance window.`,
    steps: stepsOf(waiting),
    costs: costsOf(facts),
  };
}

function stepsOf(waiting: readonly SettingResult[]): readonly string[] {
  const writes = waiting.filter(({ declared, atNextStart }) => declared !== undefined && declared !== atNextStart);
  const commands = writes.map(
    ({ key, declared = '' }) => `ovs-vsctl --no-wait set Open_vSwitch . other_config:${key}=${quoted(declared)}`,
  );
  const drain = 'Drain the node: move its pods away, or accept that they lose traffic.';
  const look = 'Look at dpuctl offload status: every key in effect, no port with an error, flows in hardware again.';
  // ovs-vswitchd may initialise, and abort, in the moment in which it reads such a key.
  const isInit = writes.some(({ key }) => settingRule(key)?.takesEffect === 'init');
  if (isInit) {
    return [
      drain,
      'See that there are huge pages enough for DPDK or DOCA, for ovs-vswitchd aborts without them.',
      'ovs-ctl --no-ovsdb-server stop',
      ...commands,
      'ovs-ctl --no-ovsdb-server start; OpenFlow rules come back from their controllers alone.',
      look,
    ];
  }
  return [
    drain,
    ...commands,
    'ovs-ctl --no-ovsdb-server restart, which saves the OpenFlow rules, starts ovs-vswitchd with flow-restore-wait, puts them back and takes the key away.',
    'ovs-vsctl get Open_vSwitch . other_config:flow-restore-wait finds no such key; one that is left makes a black hole at the next start.',
    look,
  ];
}

/** A value for a shell; what is not plain is put into quotes, its control characters escaped. */
function quoted(value: string): string {
  if (/^[\w.,:/-]+$/.test(value)) return value;
  return `'"${safeText(value, 512)
    .replaceAll(/(["\\])/g, '\\$1')
    .replaceAll("'", String.raw`'\''`)}"'`;
}

const engineCosts: Readonly<Record<EngineKind, readonly string[]>> = {
  tc: [
    'Flows of the kernel datapath and of TC stay and forward; packets without a flow are lost until the rules are restored.',
    'It must be a stop without --cleanup, which would take the datapath away.',
  ],
  dpdk: [
    'All flows are lost: nothing is forwarded until the PMD threads run again, and then everything passes through software until it is inserted anew.',
    'Every port is closed and opened, and its queues and memory are made anew.',
  ],
  doca: [
    'All flows and pipes are lost: nothing is forwarded until DOCA is initialised (about 5 s in a lab) and then everything passes through software until it is inserted anew.',
    'Operations of DOCA may hold the main thread for some 25 s: a command without answer is late, not dead.',
  ],
  none: ['All flows of a userspace datapath are lost; those of the kernel stay.'],
  unknown: ['The engine is not known: reckon with the loss of all flows.'],
};

function costsOf({ engine, flows, flowLimit, maxRevalidatorMs }: RestartFacts): readonly string[] {
  const rampMs = limitRampMs(flows ?? flowLimit, flowLimit, maxRevalidatorMs);
  // Nobody forwards with a limit of nothing; what is stored so is told as a setting that cannot be.
  if (flows === undefined && flowLimit <= 0) return engineCosts[engine];
  const whose = flows === undefined ? `a full table of ${flowLimit}` : `the ${flows} flows of now`;
  const ramp =
    rampMs === 0
      ? `The limit of flows starts at ${Math.min(limitAtStart, flowLimit)}, enough for ${whose}.`
      : `The limit of flows starts at ${limitAtStart} and grows by ${growthByRound} a round: ${whose} need up to ${Math.ceil(rampMs / 1_000)} s or more; until then flows are refused or dropped early.`;
  return [...engineCosts[engine], ramp];
}
