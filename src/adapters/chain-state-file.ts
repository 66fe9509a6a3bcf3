/**
 * Keeps what the chains must not forget across a restart: the versions in force and their numbers. One file, replaced
 * atomically and synced, with a checksum. A damaged file is set aside and reported; the chains then start over from the
 * configuration, with the same numbers, for those are derived from names.
 */

import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChainStateStore } from '../agent/chain-ports.js';
import { noChainIds } from '../chain/chain-id.js';
import { formatChainState, parseChainState, type ChainState } from '../chain/chain-state.js';
import { AgentError, systemErrorCode } from '../lib/errors.js';

const fileName = 'chains.json';
/** Far more than the most chains there may be, with all their ports. */
const fileBytesMax = 64 << 20;
const emptyState: ChainState = { ids: noChainIds, accepted: new Map() };

const checksum = (body: string): string => createHash('sha256').update(body).digest('hex');

/** The state in a file's text; undefined when it is not what `save` wrote. */
function parseState(text: string): ChainState | undefined {
  const cut = text.indexOf('\n');
  const body = text.slice(cut + 1);
  return cut < 0 || text.slice(0, cut) !== checksum(body) ? undefined : parseChainState(body);
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
      text = readWhole(file);
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
    const body = formatChainState(state);
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o750 });
      await writeSynced(`${file}.new`, `${checksum(body)}\n${body}`);
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

/** Neither a link is followed nor a pipe waited for, whoever has put it there. */
function readWhole(file: string): string {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile() || status.size > fileBytesMax) throw new Error('it is no file, or far too large');
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const flags =
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(file, flags, 0o600);
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
