#!/usr/bin/env node
/**
 * Entry point of the daemon and its one-shot commands. Reads arguments and environment, makes the real clock and the
 * signals, and hands over; it holds no logic.
 */

// Before all others: it listens from then on.
import { stopSignal } from './app/stop-signal.js';
import './lib/no-debugger.js';
import { parseCommand, helpText, type Command } from './app/arguments.js';
import { checkConfig, loadOrExplain, printSchema, showConfig } from './app/config-commands.js';
import { applyOnce, showPlan } from './app/once.js';
import { runAgent } from './app/run.js';
import { systemClock } from './lib/clock.js';
import { AgentError, toError } from './lib/errors.js';
import { programVersion } from './lib/program.js';
import { safeText } from './lib/text.js';
import { createLogger } from './telemetry/log.js';

const output = {
  stdout: (text: string): void => void process.stdout.write(text),
  stderr: (text: string): void => void process.stderr.write(text),
};

async function perform(command: Command): Promise<number> {
  const { env } = process;
  switch (command.kind) {
    case 'help':
      output.stdout(helpText);
      return 0;
    case 'version':
      output.stdout(`dpu-node-agent ${programVersion()}\n`);
      return 0;
    case 'configSchema':
      return printSchema(output);
    case 'configCheck':
      return checkConfig(command.source, env, output);
    case 'configShow':
      return showConfig(command.source, env, output);
    case 'plan':
    case 'apply':
    case 'run':
      return performWithConfig(command);
  }
}

async function performWithConfig(command: Extract<Command, { kind: 'plan' | 'apply' | 'run' }>): Promise<number> {
  const { env } = process;
  const loaded = loadOrExplain(command.source, env, output);
  if (loaded === undefined) return 2;
  const { config } = loaded;
  const signal = stopSignal();
  const once = { config, clock: systemClock, random: Math.random, signal, output };
  if (command.kind === 'plan') return showPlan(once, command.isJson);
  if (command.kind === 'apply') return applyOnce(once, command.isJson, command.waitMs);
  await runAgent({
    config,
    source: command.source,
    env,
    clock: systemClock,
    random: Math.random,
    logger: createLogger(config.log.level, config.log.format),
    signal,
    onReload: (listener) => process.on('SIGHUP', listener),
    version: programVersion(),
  });
  return 0;
}

function explain(error: unknown): number {
  if (!(error instanceof AgentError)) {
    const { stack, message } = toError(error);
    output.stderr(`dpu-node-agent: this is a bug of the agent: ${stack ?? message}\n`);
    return 1;
  }
  const cause = error.cause instanceof Error ? `: ${safeText(error.cause.message)}` : '';
  const remedy = error.remedy === undefined ? '' : `\n  ${error.remedy}`;
  output.stderr(`dpu-node-agent: ${error.code}: ${safeText(error.message, 1_000)}${cause}${remedy}\n`);
  return error.code === 'USAGE' || error.code === 'CONFIG_INVALID' ? 2 : 1;
}

try {
  process.exitCode = await perform(parseCommand(process.argv.slice(2), process.env));
} catch (error) {
  process.exitCode = explain(error);
}
