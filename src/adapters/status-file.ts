/**
 * Shows the agent's status to other processes on the same machine: one JSON file, replaced atomically, so that a reader
 * never sees half of one. At most one write is under way; what comes meanwhile is written after it, the newest only.
 */

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import type { AgentStatus } from '../agent/status.js';

/** Name of the file in the run directory. */
export const statusFileName = 'status.json';

export class StatusFile {
  readonly #dir: string;
  readonly #onError: (error: AgentError) => void;
  #next: AgentStatus | undefined;
  #writing: Promise<void> | undefined;
  /** Why it could not be written last; told once, for every round shows a status. */
  #trouble: string | undefined;

  /**
   * @param dir the run directory; made when it is missing
   * @param onError told once for each new reason why the file cannot be written
   */
  constructor(dir: string, onError: (error: AgentError) => void) {
    this.#dir = dir;
    this.#onError = onError;
  }

  /** Shows this status, soon. */
  show(status: AgentStatus): void {
    this.#next = status;
    this.#writing ??= this.#drain();
  }

  /** Resolves when what was shown is written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#next !== undefined) {
      const status = this.#next;
      this.#next = undefined;
      try {
        await this.#write(status);
        this.#trouble = undefined;
      } catch (cause) {
        this.#tell(toError(cause));
      }
    }
    // In the same step as the last look at #next: what is shown from now on starts a drain of its own.
    this.#writing = undefined;
  }

  async #write(status: AgentStatus): Promise<void> {
    const file = join(this.#dir, statusFileName);
    const draft = `${file}.${process.pid}.new`;
    try {
      await this.#writeDraft(draft, `${JSON.stringify(status)}\n`);
      await rename(draft, file);
    } catch (error) {
      // On a full disk half a draft is in nobody's interest.
      await rm(draft, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  /** The directory is made when it is found missing, not at every look. */
  async #writeDraft(draft: string, text: string): Promise<void> {
    try {
      await writeFile(draft, text, { mode: 0o644 });
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      await mkdir(this.#dir, { recursive: true, mode: 0o755 });
      await writeFile(draft, text, { mode: 0o644 });
    }
  }

  #tell(cause: Error): void {
    if (cause.message === this.#trouble) return;
    this.#trouble = cause.message;
    const facts = { file: join(this.#dir, statusFileName) };
    const remedy = 'Make agent.runDir a directory that the agent may write to, on a file system with room.';
    this.#onError(new AgentError('STATE_UNWRITABLE', 'the status file cannot be written', { cause, facts, remedy }));
  }
}
