/** Which life of ovs-vswitchd answers at a control socket, told alike however often it is asked. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FilesUnderRoot } from '../host/file-source.js';
import { processStartedWallMs } from '../host/process-facts.js';
import type { Clock } from '../lib/clock.js';
import type { Incarnation } from '../offload/effective-settings.js';
import type { Incarnation as SessionLife } from '../unixctl/index.js';

/** A life, and whether its process can be looked at under /proc. */
export interface VswitchdLife extends Incarnation {
  readonly isVisible: boolean;
}

export class VswitchdLives {
  readonly #pidFile: string;
  readonly #clock: Clock;
  readonly #proc: FilesUnderRoot;
  #last: { readonly number: number; readonly life: VswitchdLife } | undefined;

  /** @param runDir directory of the pid file */
  constructor(runDir: string, clock: Clock, proc: FilesUnderRoot = {}) {
    this.#pidFile = join(runDir, 'ovs-vswitchd.pid');
    this.#clock = clock;
    this.#proc = proc;
  }

  /**
   * The life that a session has met. Where the process is not to be seen (another pid namespace, in which each start may well
   * have the same pid), the time of its pid file stands for its start: the daemon writes that file anew. Never rejects.
   */
  async of({ pid, number }: SessionLife): Promise<VswitchdLife> {
    if (this.#last?.number === number) return this.#last.life;
    const startedMs = await processStartedWallMs(pid, this.#proc);
    const life = { pid, startedMs: startedMs ?? (await this.#fileWallMs()), isVisible: startedMs !== undefined };
    this.#last = { number, life };
    return life;
  }

  async #fileWallMs(): Promise<number> {
    const { mtimeMs } = await stat(this.#pidFile).catch(() => ({ mtimeMs: this.#clock.wallMs() }));
    return Math.floor(mtimeMs);
  }
}
