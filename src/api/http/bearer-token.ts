/** Compares the token of a request with the one in a file, which is read anew when it has changed. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { toError } from '../../lib/errors.js';

/** Longer files hold no token, bytes. */
const lengthMax = 16_384;

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

export class BearerToken {
  readonly #file: string;
  readonly #onTrouble: (error: Error) => void;
  #stamp = '';
  #expected: Buffer | undefined;

  constructor(file: string, onTrouble: (error: Error) => void) {
    this.#file = file;
    this.#onTrouble = onTrouble;
  }

  /** Whether the header shows the token. A file that cannot be read, or is empty, lets nobody in. */
  async accepts(authorization: string | undefined): Promise<boolean> {
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (given === undefined) return false;
    await this.#read();
    // Digests are of one length, so that the comparison takes the same time whatever is given.
    return this.#expected !== undefined && timingSafeEqual(digest(given), this.#expected);
  }

  async #read(): Promise<void> {
    try {
      const { mtimeMs, ctimeMs, ino, size } = await stat(this.#file);
      const stamp = `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
      if (stamp === this.#stamp) return;
      const token = size > lengthMax ? '' : (await readFile(this.#file, 'utf8')).trim();
      this.#expected = token === '' ? undefined : digest(token);
      this.#stamp = stamp;
      if (this.#expected === undefined) this.#onTrouble(new Error(`there is no token in ${this.#file}`));
    } catch (error) {
      this.#expected = undefined;
      this.#stamp = '';
      this.#onTrouble(toError(error));
    }
  }
}
