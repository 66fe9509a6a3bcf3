/** The links of this machine as the loop of the attachments changes them. */

import type { LinkSetter } from '../agent/attach-ports.js';
import { applyLinkChanges, type LinkBatchOptions } from '../host/link-batch.js';
import type { Clock } from '../lib/clock.js';
import type { LinkChange } from '../model/netdev.js';

export class HostLinks implements LinkSetter {
  readonly #options: LinkBatchOptions;

  /** @param tool `ip`, unless another is given: that of another network namespace */
  constructor(clock: Clock, tool?: LinkBatchOptions['tool']) {
    this.#options = tool === undefined ? { clock } : { clock, tool };
  }

  apply(changes: readonly LinkChange[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    return applyLinkChanges(changes, { ...this.#options, signal });
  }
}
