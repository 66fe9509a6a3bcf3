/**
 * A file system that forgets what was not synced when the power fails: of a file's bytes any part from the start may be
 * there, of the changes of directories any selection. It can be told to fail at any step, and lists every state that a disk
 * can be left in.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { IntentFs, WritableFile } from '../../src/adapters/intent-fs.js';

interface Inode {
  bytes: Uint8Array;
  /** What is certainly on the disk. */
  synced: Uint8Array;
}

type DirChange =
  | { readonly kind: 'link'; readonly path: string; readonly inode: Inode }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string };

/** What of the unsynced is on the disk after all. */
export interface Mishap {
  readonly changes: readonly DirChange[];
  readonly data: 'none' | 'half' | 'all';
}

export class PowerFs implements IntentFs {
  /** Directories' entries as a running system sees them, and as they certainly are on the disk. */
  readonly #live = new Map<string, Inode>();
  readonly #durable = new Map<string, Inode>();
  readonly #dirs = new Set(['/']);
  #pending: DirChange[] = [];
  #stepsLeft = Infinity;
  stepCount = 0;

  /** The power fails once this many more steps were done; the step under way is not. */
  failAfter(count: number): void {
    this.#stepsLeft = count;
  }

  makeDir(path: string): Promise<string | undefined> {
    return this.#step(() => {
      let made: string | undefined;
      for (let dir = path; !this.#dirs.has(dir); dir = dirname(dir)) {
        this.#dirs.add(dir);
        made = dir;
      }
      return made;
    });
  }

  async create(path: string): Promise<WritableFile> {
    const inode = await this.#step(() => {
      const present = this.#live.get(path);
      const opened = present ?? { bytes: new Uint8Array(), synced: new Uint8Array() };
      opened.bytes = new Uint8Array();
      if (present === undefined) this.#change({ kind: 'link', path, inode: opened });
      return opened;
    });
    return {
      write: (bytes) => this.#step(() => void (inode.bytes = bytes)),
      sync: () => this.#step(() => void (inode.synced = inode.bytes)),
      close: () => Promise.resolve(),
    };
  }

  rename(from: string, to: string): Promise<void> {
    return this.#step(() => {
      if (!this.#live.has(from)) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      this.#change({ kind: 'rename', from, to });
    });
  }

  unlink(path: string): Promise<boolean> {
    return this.#step(() => {
      if (!this.#live.has(path)) return false;
      this.#change({ kind: 'unlink', path });
      return true;
    });
  }

  syncDir(path: string): Promise<void> {
    return this.#step(() => {
      const isHere = (name: string): boolean => dirname(name) === path;
      for (const name of [...this.#durable.keys()].filter(isHere)) this.#durable.delete(name);
      for (const [name, inode] of this.#live) if (isHere(name)) this.#durable.set(name, inode);
      this.#pending = [];
    });
  }

  /** Every way in which the power can fail now. */
  mishaps(): readonly Mishap[] {
    const subsets = Array.from({ length: 2 ** this.#pending.length }, (_, mask) =>
      this.#pending.filter((_change, index) => (mask >> index) % 2 === 1),
    );
    return subsets.flatMap((changes) => (['none', 'half', 'all'] as const).map((data) => ({ changes, data })));
  }

  /** Writes what is on the disk after the mishap under `root`. */
  async restore({ changes, data }: Mishap, root: string): Promise<void> {
    const entries = new Map(this.#durable);
    for (const change of changes) applyTo(entries, change);
    for (const [path, { bytes, synced }] of entries) {
      const file = join(root, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, data === 'none' || bytes === synced ? synced : bytes.subarray(0, lengthOf(bytes, data)));
    }
  }

  #change(change: DirChange): void {
    applyTo(this.#live, change);
    this.#pending.push(change);
  }

  #step<T>(work: () => T): Promise<T> {
    if (this.#stepsLeft <= 0) return Promise.reject(new Error('no power'));
    this.#stepsLeft -= 1;
    this.stepCount += 1;
    return new Promise((resolve) => resolve(work()));
  }
}

const lengthOf = (bytes: Uint8Array, data: 'half' | 'all'): number =>
  data === 'all' ? bytes.length : Math.floor(bytes.length / 2);

function applyTo(entries: Map<string, Inode>, change: DirChange): void {
  if (change.kind === 'link') entries.set(change.path, change.inode);
  else if (change.kind === 'unlink') entries.delete(change.path);
  else {
    const inode = entries.get(change.from);
    if (inode === undefined) return;
    entries.delete(change.from);
    entries.set(change.to, inode);
  }
}
