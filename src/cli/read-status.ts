/** Reads the status that the agent shows in its run directory. A file is no proof of life: its age says how much it is worth. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentStatus } from '../agent/status.js';
import type { ChainView } from '../chain/chain-view.js';
import { AgentError, systemErrorCode } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { usage } from './arguments.js';

function remedyFor(cause: unknown, runDir: string): string {
  if (cause instanceof SyntaxError) return 'The file is not one that the agent wrote; restart the agent.';
  if (systemErrorCode(cause) === 'EACCES') return `Run dpuctl as a user who may read ${runDir}.`;
  return 'Start the agent, or name its run directory with --run-dir.';
}

/** @throws AgentError NOT_CONNECTED */
export function readStatus(runDir: string): AgentStatus {
  const file = join(runDir, 'status.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as AgentStatus;
  } catch (cause) {
    const remedy = remedyFor(cause, runDir);
    throw new AgentError('NOT_CONNECTED', `there is no readable status in ${file}`, { cause, remedy });
  }
}

/** Whether a living agent would have shown a newer status by now. */
export function isStale(status: AgentStatus, wallMs: number): boolean {
  return wallMs - status.wallMs > status.freshMs;
}

/**
 * The chain in force under that name.
 * @throws AgentError USAGE when there is none, with the reason where the agent gave one
 */
export function findChain(status: AgentStatus, name: string): ChainView {
  const found = status.chains.find(({ intent }) => intent.name === name);
  if (found !== undefined) return found;
  const refused = status.conditions.find(({ object }) => object.kind === 'chain' && object.name === name);
  if (refused !== undefined) {
    throw usage(
      `chain ${safeText(name)} is not in force: ${refused.message}`,
      'Correct the chain; dpuctl status shows it.',
    );
  }
  const names = status.chains.map(({ intent }) => safeText(intent.name)).join(', ');
  throw usage(
    `there is no chain "${safeText(name)}"`,
    names === '' ? 'The agent has no chains.' : `There are: ${names}.`,
  );
}
