/**
 * Shows what the agent knows of the host cluster's pods to other processes on the same machine: one JSON file, replaced
 * atomically, at most once in a while, and not at all for the same pods.
 */

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PodFacts } from '../attach/attachment-view.js';
import { Trigger } from '../lib/trigger.js';
import type { Clock } from '../lib/clock.js';
import { AgentError, toError } from '../lib/errors.js';

/** Name of the file in the run directory. */
export const podsFileName = 'pods.json';

/** What the file holds. */
export interface PodsFileContent {
  /** Milliseconds since 1970 UTC at which it was made. */
  readonly wallMs: number;
  readonly nodeName: string | undefined;
  readonly pods: readonly PodFacts[];
}

/** Between two writes, ms: with a thousand pods one costs some milliseconds. */
const writeEveryMs = 500;

export class PodsFile {
  readonly #dir: string;
  readonly #trigger: Trigger;
  readonly #onError: (error: AgentError) => void;
  #next: (() => PodsFileContent) | undefined;
  #shown = '';
  /** What kept it from being written last: said once for each reason. */
  #trouble: string | undefined;

  /** @param dir the run directory; made when it is missing */
  constructor(dir: string, clock: Clock, onError: (error: AgentError) => void, onBug: (error: unknown) => void) {
    this.#dir = dir;
    this.#onError = onError;
    this.#trigger = new Trigger({ clock, gatherMs: writeEveryMs, work: () => this.#write(), onError: onBug });
  }

  /** Shows this, soon; made only when it is written. */
  show(make: () => PodsFileContent): void {
    this.#next = make;
    this.#trigger.fire();
  }

  async close(): Promise<void> {
    await this.#trigger.close();
    await this.#write();
  }

  async #write(): Promise<void> {
    const content = this.#next?.();
    this.#next = undefined;
    if (content === undefined) return;
    const text = JSON.stringify(content.pods);
    if (text === this.#shown) return;
    const file = join(this.#dir, podsFileName);
    const draft = `${file}.${process.pid}.new`;
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o755 });
      await writeFile(draft, `${JSON.stringify(content)}\n`, { mode: 0o644 });
      await rename(draft, file);
      this.#shown = text;
      this.#trouble = undefined;
    } catch (cause) {
      // On a full disk half a draft is in nobody's interest.
      await rm(draft, { force: true }).catch(() => undefined);
      this.#tell(toError(cause), file);
    }
  }

  #tell(cause: Error, file: string): void {
    if (cause.message === this.#trouble) return;
    this.#trouble = cause.message;
    const remedy = 'Make agent.runDir a directory that the agent may write to, on a file system with room.';
    const message = 'the file of the pods cannot be written';
    this.#onError(new AgentError('STATE_UNWRITABLE', message, { cause, facts: { file }, remedy }));
  }
}
