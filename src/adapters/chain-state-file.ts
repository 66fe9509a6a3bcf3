/**
 * Keeps what the chains must not forget across a restart: the versions in force and their numbers. One file, replaced
 * atomically and synced, with a checksum. A damaged file is set aside and reported; the chains then start over from the
 * configuration, with the same numbers, for those are derived from names.
 */

import { createHash } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChainState, ChainStateStore } from '../agent/chain-ports.js';
import { noChainIds, type ChainIdentity } from '../chain/chain-id.js';
import { AgentError, systemErrorCode } from '../lib/errors.js';
import type { ChainIntent } from '../model/chain.js';

const fileName = 'chains.json';
const emptyState: ChainState = { ids: noChainIds, accepted: new Map() };

/** Maps survive JSON as tagged lists; nothing else in a chain needs help. */
function toPlain(_key: string, value: unknown): unknown {
  return value instanceof Map ? { map: [...(value as Map<unknown, unknown>)] } : value;
}

function fromPlain(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('map' in value)) return value;
  return Array.isArray(value.map) ? new Map(value.map as [unknown, unknown][]) : value;
}

const checksum = (body: string): string => createHash('sha256').update(body).digest('hex');

interface StoredState {
  readonly chains: ReadonlyMap<string, ChainIdentity>;
  readonly retired: ReadonlyMap<number, number>;
  readonly accepted: ReadonlyMap<string, ChainIntent>;
}

/** The state in a file's text; undefined when it is not what `save` wrote. */
function parseState(text: string): ChainState | undefined {
  const cut = text.indexOf('\n');
  const body = text.slice(cut + 1);
  // What the checksum covers was written by this program, so its shape need not be looked at again.
  if (cut < 0 || text.slice(0, cut) !== `chains 1 ${checksum(body)}`) return undefined;
  const { chains, retired, accepted } = JSON.parse(body, fromPlain) as StoredState;
  return { ids: { chains, retired }, accepted };
}

export class ChainStateFile implements ChainStateStore {
  readonly #dir: string;
  readonly #onTrouble: (error: AgentError) => void;

  constructor(dir: string, onTrouble: (error: AgentError) => void) {
    this.#dir = dir;
    this.#onTrouble = onTrouble;
  }

  load(): ChainState {
    const file = join(this.#dir, fileName);
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (cause) {
      if (systemErrorCode(cause) !== 'ENOENT') this.#trouble('the state of the chains cannot be read', cause);
      return emptyState;
    }
    const state = parseState(text);
    if (state !== undefined) return state;
    this.#trouble('the state of the chains is damaged and was set aside', undefined);
    try {
      renameSync(file, `${file}.damaged`);
    } catch (cause) {
      this.#trouble('the damaged state of the chains could not be set aside', cause);
    }
    return emptyState;
  }

  async save(state: ChainState): Promise<void> {
    const file = join(this.#dir, fileName);
    const { chains, retired } = state.ids;
    const body = JSON.stringify({ chains, retired, accepted: state.accepted }, toPlain);
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o750 });
      await writeSynced(`${file}.new`, `chains 1 ${checksum(body)}\n${body}`);
      await rename(`${file}.new`, file);
      await syncDirectory(this.#dir);
    } catch (cause) {
      const remedy = 'Make agent.stateDir a directory that the agent may write to.';
      const facts = { file };
      throw new AgentError('STATE_UNWRITABLE', 'the state of the chains cannot be stored', { cause, remedy, facts });
    }
  }

  #trouble(message: string, cause: unknown): void {
    const facts = { file: join(this.#dir, fileName) };
    this.#onTrouble(new AgentError('STATE_UNWRITABLE', message, { cause, facts }));
  }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', 0o640);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Without it a loss of power can undo the rename. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
