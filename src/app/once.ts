/** The commands that look at the switch once: `plan` shows the difference, `apply --once` removes it and waits for evidence. */

import type { Look } from '../agent/reconciler.js';
import type { AgentStatus } from '../agent/status.js';
import { formatStatus } from '../cli/status-text.js';
import type { Config } from '../config/config.js';
import { delay, type Clock } from '../lib/clock.js';
import { AgentError, toError, type ErrorCode } from '../lib/errors.js';
import { formatFlowPlan, ofctlCommand, portNames, type PortNames } from '../chain/describe-flows.js';
import type { FlowPlan } from '../chain/plan-flows.js';
import type { Condition } from '../model/condition.js';
import { formatPlan, planToJson } from '../plan/format.js';
import { assemble, type Assembly } from './assemble.js';
import type { CommandOutput } from './config-commands.js';

export interface OnceContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly output: CommandOutput;
}

/** How long a command waits for the database and the devices, ms. */
const connectMsMax = 10_000;
/** How often a waiting command looks at the status, ms. */
const lookMs = 20;

/** The agent, assembled for one command. */
interface Attempt {
  readonly assembly: Assembly;
  /** What a round threw, or why the devices cannot be read; undefined while all is well. */
  readonly failure: () => Error | undefined;
}

function start(
  context: OnceContext,
  config: Config,
  isWriter: boolean,
  onStatus: (status: AgentStatus) => void,
): Attempt {
  const { clock, random } = context;
  let failure: Error | undefined;
  const onBug = (error: unknown): void => {
    failure ??= toError(error);
  };
  const assembly = assemble({
    config,
    clock,
    random,
    isWriter,
    onStatus,
    onJournal: () => undefined,
    onTrouble: () => undefined,
    onBug,
  });
  assembly.start();
  return { assembly, failure: () => failure };
}

/**
 * Waits until `test` gives something; undefined when it has not within `waitMs`.
 * @throws AgentError ABORTED; whatever a round threw
 */
async function waitFor<T>(
  { clock, signal }: OnceContext,
  { failure }: Attempt,
  waitMs: number,
  test: () => T | undefined,
): Promise<T | undefined> {
  const endMs = clock.nowMs() + waitMs;
  for (;;) {
    const error = failure();
    if (error !== undefined) throw error;
    const value = test();
    if (value !== undefined || clock.nowMs() >= endMs) return value;
    await delay(clock, lookMs, signal).catch((cause: unknown) => {
      throw new AgentError('ABORTED', 'the command was interrupted', { cause });
    });
  }
}

/** What waiting does not cure: a command that is run by a person ends at once. The daemon tries on. */
const needsPerson: ReadonlySet<ErrorCode> = new Set(['PERMISSION_DENIED', 'TLS_INVALID', 'OVSDB_UNKNOWN_DATABASE']);

/** Waits for the first complete look at the database and the devices. */
async function firstLook(context: OnceContext, attempt: Attempt): Promise<Look> {
  const { assembly } = attempt;
  const look = await waitFor(context, attempt, connectMsMax, () => {
    const { lastError } = assembly.client.state;
    if (lastError !== undefined && needsPerson.has(lastError.code)) throw lastError;
    return assembly.reconciler.look();
  });
  if (look === undefined) throw unreadableError(assembly);
  return look;
}

/** Which of the two could not be read, and why. */
function unreadableError({ client, devices, reconciler }: Assembly): AgentError {
  const { kind, lastError, endpoint } = client.state;
  if (lastError !== undefined) return lastError;
  const facts = { endpoint };
  if (kind !== 'synced') {
    return new AgentError('DEADLINE_EXCEEDED', `the database at ${endpoint} did not answer in time`, {
      facts,
      remedy: 'Look whether ovsdb-server hangs: ovs-appctl -t ovsdb-server version.',
    });
  }
  const why = devices.problem();
  if (why !== undefined) return new AgentError('NETDEV_REFUSED', `the network devices cannot be read: ${why}`);
  return new AgentError('DEADLINE_EXCEEDED', reconciler.missingInput().message, { facts });
}

/** How long `plan` waits for the flows of a bridge that exists, ms. */
const flowsMsMax = 2_000;

/** What the chains would change; undefined when there are none and were none. Bridges that do not answer in time are named in it. */
async function chainPlan(context: OnceContext, attempt: Attempt): Promise<ChainPlan | undefined> {
  const { chains } = attempt.assembly;
  await waitFor(context, attempt, flowsMsMax, () => (chains.look()?.plan.unread.length === 0 ? true : undefined));
  const look = chains.look();
  if (look === undefined) return undefined;
  const { verdict, plan } = look;
  // Without chains there can be flows of former ones; when there are none either, there is nothing to say.
  if (attempt.assembly.intents.wanted.chains().length === 0 && plan.changes.length + plan.unread.length === 0)
    return undefined;
  return {
    plan: { ...plan, findings: [...verdict.findings, ...plan.findings] },
    names: portNames(verdict.chains),
  };
}

interface ChainPlan {
  readonly plan: FlowPlan;
  readonly names: PortNames;
}

/** The flow changes as JSON-able data: each as the command that would do it. */
function flowPlanToJson(plan: FlowPlan | undefined): unknown {
  if (plan === undefined) return undefined;
  const { changes, findings, unread } = plan;
  return { changes: changes.map((change) => ({ kind: change.kind, command: ofctlCommand(change) })), findings, unread };
}

function isOfChain({ object }: Condition, name: string): boolean {
  return object.kind === 'chain' && object.name === name;
}

/** `plan`: exit status 0 when there is nothing to change, 3 when there is. */
export async function showPlan(context: OnceContext, isJson: boolean): Promise<number> {
  // Observing only, so that the loop never writes; the plan is the same.
  const config: Config = { ...context.config, agent: { ...context.config.agent, repair: 'observe' } };
  const latest: { status?: AgentStatus } = {};
  const attempt = start(context, config, false, (status) => (latest.status = status));
  try {
    const first = await firstLook(context, attempt);
    // The patch ports that chains need are known once the chains were looked at.
    const names = attempt.assembly.intents.wanted.chains().map(({ name }) => name);
    const isJudged = (name: string): boolean =>
      latest.status?.conditions.some((entry) => isOfChain(entry, name)) === true;
    await waitFor(context, attempt, flowsMsMax, () => (names.every(isJudged) ? true : undefined));
    const flows = await chainPlan(context, attempt);
    const { plan } = attempt.assembly.reconciler.look() ?? first;
    const { output } = context;
    if (isJson)
      output.stdout(`${JSON.stringify({ ...planToJson(plan), chains: flowPlanToJson(flows?.plan) }, undefined, 2)}\n`);
    else
      output.stdout(`${formatPlan(plan)}${flows === undefined ? '' : `\n${formatFlowPlan(flows.plan, flows.names)}`}`);
    return plan.actions.length === 0 && (flows?.plan.changes.length ?? 0) === 0 ? 0 : 3;
  } finally {
    await attempt.assembly.close();
  }
}

/** `apply --once`: exit status 0 when everything became ready, 3 when something did not in time. */
export async function applyOnce(context: OnceContext, isJson: boolean, waitMs: number): Promise<number> {
  const latest: { status?: AgentStatus } = {};
  const config: Config = { ...context.config, agent: { ...context.config.agent, bootGraceMs: 0 } };
  const attempt = start(context, config, true, (status) => (latest.status = status));
  try {
    await firstLook(context, attempt);
    const isReady = await waitFor(context, attempt, waitMs, () => (latest.status?.isReady === true ? true : undefined));
    if (latest.status !== undefined) {
      const text = isJson ? `${JSON.stringify(latest.status, undefined, 2)}\n` : formatStatus(latest.status);
      context.output.stdout(text);
    }
    return isReady === true ? 0 : 3;
  } finally {
    await attempt.assembly.close();
  }
}
