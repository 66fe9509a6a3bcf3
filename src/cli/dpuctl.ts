#!/usr/bin/env node
/**
 * `dpuctl`: looks at an agent and steers it, over its gRPC API: on this machine by its socket, from afar by TLS. Loads only the
 * code of the command that is run. The one place of the command line that reads the environment.
 */

import '../lib/no-debugger.js';
import { existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { systemClock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { ApiConnection } from './api-client.js';
import { parseLine, type ParsedLine } from './command-line.js';
import type { CommandInput } from './command-spec.js';
import { commands } from './command-table.js';
import { colorPaint, plainPaint } from './paint.js';
import { contextsPath, pickTarget, runDirOf } from './pick-target.js';

/** Mistakes of the one who typed, as opposed to failures. */
const usageCodes: ReadonlySet<string> = new Set(['USAGE', 'NOT_FOUND', 'API_INVALID', 'CONFIG_INVALID']);

const print = (text: string): void => void process.stdout.write(text);
const warn = (text: string): void => void process.stderr.write(text);

/** In [0, 1), for the pauses between attempts. */
const random = (): number => randomBytes(4).readUInt32BE() / 2 ** 32;

/** What is wrong with a request, field by field, where the agent says it. */
function violationLines(error: AgentError): string {
  if (!('violations' in error) || !Array.isArray(error.violations)) return '';
  const violations = error.violations as readonly { readonly field: string; readonly description: string }[];
  return violations.map(({ field, description }) => `  ${field}: ${description}\n`).join('');
}

async function loadContexts() {
  const path = contextsPath(process.env);
  if (path === undefined || !existsSync(path)) return undefined;
  const { readContexts } = await import('./contexts-file.js');
  return readContexts(path);
}

/** Colour on a terminal that has not said no (https://no-color.org). */
function wantsColor(options: CommandInput['options']): boolean {
  const refusal = process.env['NO_COLOR'];
  const isRefused = options['no-color'] === true || (refusal !== undefined && refusal !== '');
  return process.stdout.isTTY && !isRefused && process.env['TERM'] !== 'dumb';
}

/** Aborted by Ctrl-C, and when whoever reads the output has gone (`| head`). */
function untilEnough(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => controller.abort());
  process.stdout.on('error', () => controller.abort());
  return controller.signal;
}

/** For a command that asks nobody: the code that dials is not even loaded. */
const noConnection: ApiConnection = {
  target: { kind: 'unix', path: '' },
  service: () => {
    throw new AgentError('USAGE', 'this command asks no agent');
  },
  close: () => undefined,
};

async function openConnection(options: CommandInput['options'], timeoutMs: number | undefined): Promise<ApiConnection> {
  const [{ connect }, target] = await Promise.all([
    import('./api-client.js'),
    pickTarget(options, process.env, loadContexts),
  ]);
  return connect(target, { clock: systemClock, ...(timeoutMs === undefined ? {} : { deadlineMs: timeoutMs }) });
}

async function run({ command, input, format, timeoutMs }: Extract<ParsedLine, { kind: 'command' }>): Promise<number> {
  const { options } = input;
  const [perform, connection] = await Promise.all([
    command.load(),
    command.isLocal === true ? noConnection : openConnection(options, timeoutMs),
  ]);
  const context = {
    connection,
    clock: systemClock,
    random,
    signal: untilEnough(),
    format,
    isTerminal: process.stdout.isTTY,
    terminalRows: process.stdout.isTTY ? process.stdout.rows : undefined,
    paint: wantsColor(options) ? colorPaint : plainPaint,
    runDir: runDirOf(options, process.env),
    print,
    warn,
  };
  try {
    return await perform(context, input);
  } finally {
    connection.close();
  }
}

async function perform(line: ParsedLine): Promise<number> {
  if (line.kind === 'command') return run(line);
  const { commandHelp, helpText } = await import('./help-text.js');
  print(line.topic === undefined ? helpText(commands) : commandHelp(line.topic));
  return 0;
}

// What a library does that Node will change is nobody's business at a terminal: grpc-js names an IP address in the TLS handshake.
process.noDeprecation = true;
try {
  process.exitCode = await perform(parseLine(commands, process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof AgentError)) throw error;
  const remedy = error.remedy === undefined ? '' : `  ${safeText(error.remedy, 1_000)}\n`;
  warn(`dpuctl: ${error.code}: ${safeText(error.message, 1_000)}\n${violationLines(error)}${remedy}`);
  process.exitCode = usageCodes.has(error.code) ? 2 : 1;
}
