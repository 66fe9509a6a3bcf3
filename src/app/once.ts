/** The commands that look at the switch once: `plan` shows the difference, `apply --once` removes it and waits for evidence. */

import type { AgentStatus } from '../agent/status.js';
import { formatStatus } from '../cli/status-text.js';
import type { Config } from '../config/config.js';
import { delay, type Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
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

function start(
  context: OnceContext,
  config: Config,
  isWriter: boolean,
  onStatus: (status: AgentStatus) => void,
): Assembly {
  const { clock, random } = context;
  let bug: unknown;
  const onBug = (error: unknown): void => {
    bug ??= error;
  };
  const assembly = assemble({ config, clock, random, isWriter, onStatus, onJournal: () => undefined, onBug });
  assembly.start();
  return assembly;
}

/** Waits until `test` gives something, or fails with what the last state of the connection was. */
async function waitFor<T>(
  context: OnceContext,
  assembly: Assembly,
  waitMs: number,
  test: () => T | undefined,
): Promise<T> {
  const { clock, signal } = context;
  const endMs = clock.nowMs() + waitMs;
  for (;;) {
    const value = test();
    if (value !== undefined) return value;
    if (clock.nowMs() >= endMs) throw unreachableError(assembly);
    await delay(clock, lookMs, signal);
  }
}

function unreachableError(assembly: Assembly): AgentError {
  const { lastError, endpoint } = assembly.client.state;
  if (lastError !== undefined) return lastError;
  return new AgentError('DEADLINE_EXCEEDED', 'the Open vSwitch database could not be read in time', {
    facts: { endpoint },
  });
}

/** `plan`: exit status 0 when there is nothing to change, 3 when there is. */
export async function showPlan(context: OnceContext, isJson: boolean): Promise<number> {
  // Observing only, so that the loop never writes; the plan is the same.
  const config: Config = { ...context.config, agent: { ...context.config.agent, repair: 'observe' } };
  const assembly = start(context, config, false, () => undefined);
  try {
    const { plan } = await waitFor(context, assembly, connectMsMax, () => assembly.reconciler.look());
    context.output.stdout(isJson ? `${JSON.stringify(planToJson(plan), undefined, 2)}\n` : formatPlan(plan));
    return plan.actions.length === 0 ? 0 : 3;
  } finally {
    await assembly.close();
  }
}

/** `apply --once`: exit status 0 when everything became ready, 3 when something did not in time. */
export async function applyOnce(context: OnceContext, isJson: boolean, waitMs: number): Promise<number> {
  const latest: { status?: AgentStatus } = {};
  const config: Config = { ...context.config, agent: { ...context.config.agent, bootGraceMs: 0 } };
  const assembly = start(context, config, true, (status) => (latest.status = status));
  try {
    await waitFor(context, assembly, connectMsMax, () => assembly.reconciler.look());
    const isReady = await waitFor(context, assembly, waitMs, () =>
      latest.status?.isReady === true ? true : undefined,
    ).catch((error: unknown) => {
      if (error instanceof AgentError) return false;
      throw error;
    });
    if (latest.status !== undefined) {
      const text = isJson ? `${JSON.stringify(latest.status, undefined, 2)}\n` : formatStatus(latest.status);
      context.output.stdout(text);
    }
    return isReady ? 0 : 3;
  } finally {
    await assembly.close();
  }
}
