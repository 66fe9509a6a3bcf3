/**
 * Bytes that arrive in pieces, gathered in one block that grows by doubling: a list of pieces would cost a hundred times
 * its bytes when a peer sends them one by one. Used for bodies and for lines of a watch.
 */

const firstSize = 4 << 10;

/** A block larger than this is given back when it is emptied. */
const keptSizeMax = 64 << 10;

export class ByteBuffer {
  #block = Buffer.alloc(0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  append(piece: Uint8Array): void {
    const size = this.#size + piece.length;
    if (size > this.#block.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(firstSize, size, 2 * this.#block.length));
      this.#block.copy(grown, 0, 0, this.#size);
      this.#block = grown;
    }
    this.#block.set(piece, this.#size);
    this.#size = size;
  }

  /** What was gathered, valid until the next append or clear. */
  bytes(): Uint8Array {
    return this.#block.subarray(0, this.#size);
  }

  clear(): void {
    this.#size = 0;
    if (this.#block.length > keptSizeMax) this.#block = Buffer.alloc(0);
  }
}
