/**
 * Notices that a directory has been removed under a mount of it. In a container the directory of Open vSwitch's sockets is a mount of
 * the host's; where the host removes it and makes it anew, as systemd does with the RuntimeDirectory of RHEL's ovsdb-server at
 * each restart, the mount goes on showing the former one, for ever empty. Only a new container gets the new one.
 */

import { stat } from 'node:fs/promises';
import type { Clock, Timer } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';

/** A look costs one call of the kernel; the container is made anew within seconds after it. */
const lookMs = 5_000;

export class MountWatch {
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #onGone: (error: AgentError) => void;
  #timer: Timer | undefined;
  #isStopped = false;

  /** @param onGone called once; the directory will not come back in this process */
  constructor(dir: string, clock: Clock, onGone: (error: AgentError) => void) {
    this.#dir = dir;
    this.#clock = clock;
    this.#onGone = onGone;
  }

  start(): void {
    this.#timer = this.#clock.after(lookMs, () => void this.#look(), true);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    // A name that leads nowhere is no stale mount: whoever makes the directory makes it there.
    const linkCount = await stat(this.#dir).then(
      ({ nlink }) => nlink,
      () => undefined,
    );
    if (this.#isStopped) return;
    if (linkCount !== 0) {
      this.start();
      return;
    }
    this.#onGone(
      new AgentError(
        'NOT_CONNECTED',
        `${this.#dir} was removed outside of this container, which cannot see the new one`,
        {
          facts: { directory: this.#dir },
          remedy: 'Nothing, where the container is started again by itself (a pod is); else start it again.',
        },
      ),
    );
  }
}
