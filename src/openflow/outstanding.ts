/**
 * What was asked and not yet answered on one connection: finds the asker of each reply and of each error. Used by the
 * connection. An operation can be thousands of messages with one reply at their end, so it is kept as a range of xids.
 */

import type { ErrorMessage } from './wire/error-message.js';
import type { Message } from './wire/message.js';

/** One question, or one batch that ends with a barrier. */
export interface Operation {
  /** The reply carries the last xid; errors can carry any from the first on. */
  readonly firstXid: number;
  readonly lastXid: number;
  /** Whether decoded replies are wanted. False: the raw bytes come to `onBytes`. */
  onReply(message: Message): boolean;
  /** Gets the bytes first; returns undefined to have them decoded for `onReply`, else whether it is complete. */
  onBytes?(bytes: Uint8Array): boolean | undefined;
  /** An error with one of the operation's xids. Returns whether the operation is over. */
  onError(xid: number, error: ErrorMessage): boolean;
  /** The connection is gone. */
  onLost(error: Error): void;
}

export class Outstanding {
  readonly #byLast = new Map<number, Operation>();

  get count(): number {
    return this.#byLast.size;
  }

  add(operation: Operation): void {
    this.#byLast.set(operation.lastXid, operation);
  }

  /** Forgets an operation; what still comes for it is consumed and ignored. */
  remove(operation: Operation): void {
    if (this.#byLast.get(operation.lastXid) === operation) this.#byLast.delete(operation.lastXid);
  }

  /** Who waits for the reply with this xid. */
  replyTo(xid: number): Operation | undefined {
    return this.#byLast.get(xid);
  }

  /** Whose message an error with this xid is about. Errors are rare, so the ranges are searched one by one. */
  ownerOf(xid: number): Operation | undefined {
    const exact = this.#byLast.get(xid);
    if (exact !== undefined) return exact;
    for (const operation of this.#byLast.values()) {
      if (xid >= operation.firstXid && xid <= operation.lastXid) return operation;
    }
    return undefined;
  }

  /** Ends every operation. */
  failAll(error: Error): void {
    const operations = [...this.#byLast.values()];
    this.#byLast.clear();
    for (const operation of operations) operation.onLost(error);
  }
}
