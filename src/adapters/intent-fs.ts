/** The few calls to the file system that storing an intent is made of, each one a point at which the power can fail. */

import { constants } from 'node:fs';
import { mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { systemErrorCode } from '../lib/errors.js';

export interface IntentFs {
  /** Makes the directory and those above it. @returns the outermost that was made, undefined when it was there */
  makeDir(path: string): Promise<string | undefined>;
  /** Opens an empty file for writing, for its owner only. */
  create(path: string): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  /** False: it was not there. */
  unlink(path: string): Promise<boolean>;
  /** Without it a loss of power can undo what was made, renamed or unlinked in the directory. */
  syncDir(path: string): Promise<void>;
}

export interface WritableFile {
  write(bytes: Uint8Array): Promise<void>;
  /** Without it a loss of power can leave the file empty or cut short. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

function fileOf(handle: FileHandle): WritableFile {
  return {
    write: (bytes) => handle.writeFile(bytes),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

/** The disk. */
export const diskFs: IntentFs = {
  makeDir: (path) => mkdir(path, { recursive: true, mode: 0o700 }),
  async create(path) {
    // A link that somebody has put there is not followed.
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    return fileOf(await open(path, flags, 0o600));
  },
  rename,
  async unlink(path) {
    try {
      await unlink(path);
      return true;
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return false;
      throw error;
    }
  },
  async syncDir(path) {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};
