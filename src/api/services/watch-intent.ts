/** Follows the status of one owner's bundle: the newest only, for a reader that is slower than the changes. */

import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { IntentDesk, IntentStatus } from '../../agent/intent-desk-types.js';
import type { IntentServiceWatchStatusResponseSchema } from '../../gen/proto/dpu/agent/v1/intent_pb.js';
import { encodeStatus } from '../encode/intent.js';

/** What makes two statuses differ: everything but when they were seen. */
function fingerprint(status: IntentStatus | undefined): string {
  if (status === undefined) return '';
  const known = fingerprints.get(status);
  if (known !== undefined) return known;
  const { generation, phase, conditions, findings } = status;
  const text = JSON.stringify([String(generation), phase, conditions, findings]);
  const print = createHash('sha256').update(text).digest('hex');
  fingerprints.set(status, print);
  return print;
}

/** A status is immutable, and the same for all who follow it. */
const fingerprints = new WeakMap<IntentStatus, string>();

/** Resolves at the next ring, at once if it has rung since the last time, and when the signal is aborted. */
class Bell {
  #hasRung = false;
  #wake: (() => void) | undefined;

  readonly ring = (): void => {
    this.#hasRung = true;
    this.#wake?.();
  };

  async next(): Promise<void> {
    if (!this.#hasRung) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#hasRung = false;
  }
}

/**
 * The status now, and each time that it differs; without a bundle one with generation 0. Ends when the signal is aborted.
 * @param isPresent whether the owner's controller counts as there while this runs
 */
export async function* watchIntent(
  desk: IntentDesk,
  owner: string,
  isPresent: boolean,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof IntentServiceWatchStatusResponseSchema>, void> {
  const bell = new Bell();
  const leave = isPresent ? desk.present(owner) : undefined;
  const unsubscribe = desk.onChange(bell.ring);
  signal.addEventListener('abort', bell.ring, { once: true });
  let sent: string | undefined;
  try {
    while (!signal.aborted) {
      const status = desk.status(owner);
      const print = fingerprint(status);
      if (print === sent) {
        await bell.next();
        continue;
      }
      sent = print;
      yield { status: status === undefined ? { owner } : encodeStatus(status) };
    }
  } finally {
    signal.removeEventListener('abort', bell.ring);
    unsubscribe();
    leave?.();
  }
}
