/** What one peer uses of the server over all its connections, so that it can be held to its share. */

export class PeerLoad {
  streamCount = 0;
  connectionCount = 0;
  /** Bytes of answers that have not left yet. */
  unsentBytes = 0;
  #receivingCount = 0;
  readonly #waiting: (() => void)[] = [];

  /** Resolves when the peer may send another request: at most `countMax` are received at once. Ended by `endReceiving`. */
  startReceiving(countMax: number): Promise<void> | void {
    if (this.#receivingCount < countMax) {
      this.#receivingCount += 1;
      return;
    }
    // Bounded by the streams of the peer. The slot goes over from the one that ends.
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  endReceiving(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#receivingCount -= 1;
    else next();
  }
}

/** The peers that have connections. */
export class PeerLoads {
  readonly #loads = new Map<string, PeerLoad>();

  /** Counts a connection of the peer; undefined when it has `countMax` already. */
  enter(key: string, countMax: number): PeerLoad | undefined {
    const load = this.#loads.get(key) ?? new PeerLoad();
    if (load.connectionCount >= countMax) return undefined;
    load.connectionCount += 1;
    this.#loads.set(key, load);
    return load;
  }

  leave(key: string): void {
    const load = this.#loads.get(key);
    if (load === undefined) return;
    load.connectionCount -= 1;
    if (load.connectionCount <= 0) this.#loads.delete(key);
  }
}
