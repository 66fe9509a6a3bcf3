#!/usr/bin/env node
/**
 * `dpuctl`: looks at a running agent on the same machine. Reads the status that the agent shows in its run directory, and
 * says how old it is: a file is not a proof of life.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { AgentStatus } from '../agent/status.js';
import { systemClock } from '../lib/clock.js';
import { AgentError, systemErrorCode } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { formatAge, formatJournalEntry, formatStatus } from './status-text.js';

const helpText = `dpuctl: looks at the dpu-node-agent of this machine

Usage: dpuctl status [--json]     bridges and ports, what is ready and why the rest is not
       dpuctl journal [--json]    the newest changes that the agent made
       dpuctl version

Options:
      --run-dir DIR   the agent's run directory (default /run/dpu-node-agent; or DPU_AGENT_RUN_DIR)
      --json          machine-readable output
  -h, --help          print this

Exit status: 0 everything is ready; 1 failure; 2 wrong usage; 3 something is not ready, or the agent is silent.
`;

const runDirDefault = '/run/dpu-node-agent';

function readStatus(runDir: string): AgentStatus {
  const file = join(runDir, 'status.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as AgentStatus;
  } catch (cause) {
    const remedy = remedyFor(cause, runDir);
    throw new AgentError('NOT_CONNECTED', `there is no readable status in ${file}`, { cause, remedy });
  }
}

function remedyFor(cause: unknown, runDir: string): string {
  if (cause instanceof SyntaxError) return 'The file is not one that the agent wrote; restart the agent.';
  if (systemErrorCode(cause) === 'EACCES') return `Run dpuctl as a user who may read ${runDir}.`;
  return 'Start the agent, or name its run directory with --run-dir.';
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'run-dir': { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (cause) {
    throw new AgentError('USAGE', cause instanceof Error ? cause.message : String(cause), {
      remedy: 'See dpuctl --help.',
    });
  }
}

function perform(args: readonly string[]): number {
  const { values, positionals } = parse(args);
  const [name = 'status', extra] = positionals;
  if (values.help) return print(helpText);
  if (extra !== undefined)
    throw new AgentError('USAGE', `unexpected argument "${extra}"`, { remedy: 'See dpuctl --help.' });
  const runDir = values['run-dir'] ?? process.env['DPU_AGENT_RUN_DIR'] ?? runDirDefault;
  switch (name) {
    case 'version': {
      const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
      return print(`dpuctl ${(JSON.parse(text) as { version: string }).version}\n`);
    }
    case 'status': {
      const status = readStatus(runDir);
      const ageMs = systemClock.wallMs() - status.wallMs;
      const text = `${formatStatus(status)}\n${formatAge(ageMs, status.freshMs)}`;
      print(values.json ? `${JSON.stringify(status, undefined, 2)}\n` : text);
      return status.isReady && ageMs <= status.freshMs ? 0 : 3;
    }
    case 'journal': {
      const { journal } = readStatus(runDir);
      return print(
        values.json ? `${JSON.stringify(journal, undefined, 2)}\n` : journal.map(formatJournalEntry).join(''),
      );
    }
    default:
      throw new AgentError('USAGE', `there is no command "${name}"`, { remedy: 'See dpuctl --help.' });
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

try {
  process.exitCode = perform(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof AgentError)) throw error;
  process.stderr.write(`dpuctl: ${error.code}: ${safeText(error.message, 1_000)}\n  ${error.remedy ?? ''}\n`);
  process.exitCode = error.code === 'USAGE' ? 2 : 1;
}
