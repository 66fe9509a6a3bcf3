/**
 * Packets from the switch between the connection and whoever handles them. Used by the client. It is the one queue that
 * may drop: packets come at the pace of the network, and must never hold up replies. They are decoded when their turn
 * comes, a few in each turn of the event loop.
 */

/** Packets that wait at most; the oldest is dropped for a new one. */
const packetsMax = 256;
/** Packets that are handled before everything else gets a turn. */
const packetsPerTurn = 16;

export class PacketQueue {
  readonly #handle: (bytes: Uint8Array) => void;
  readonly #onDropped: (count: number) => void;
  readonly #waiting: Uint8Array[] = [];
  #dropped = 0;
  #isScheduled = false;

  /**
   * @param handle gets each message
   * @param onDropped told now and then how many were dropped since the last time
   */
  constructor(handle: (bytes: Uint8Array) => void, onDropped: (count: number) => void) {
    this.#handle = handle;
    this.#onDropped = onDropped;
  }

  push(bytes: Uint8Array): void {
    // The bytes are part of a chunk of the stream, which a waiting packet would keep alive as a whole.
    this.#waiting.push(Uint8Array.from(bytes));
    if (this.#waiting.length > packetsMax) {
      this.#waiting.shift();
      this.#dropped += 1;
    }
    this.#schedule();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting.length = 0;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    const turn = this.#waiting.splice(0, packetsPerTurn);
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#onDropped(dropped);
    if (this.#waiting.length > 0) this.#schedule();
    for (const bytes of turn) this.#handle(bytes);
  }
}
