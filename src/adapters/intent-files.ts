/**
 * Keeps the bundles of owners across restarts and losses of power: `<owner>.json` in one directory, beside it the version
 * before as `<owner>.json.previous`. At every instant one of the two is whole. What is damaged is set aside and told, never
 * deleted; files of other names are not touched.
 */

import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  existsSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { IntentAlarm, IntentRecord, IntentStore } from '../agent/intent-ports.js';
import { bundleBytesMax, isOwnerName } from '../agent/intent-request.js';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { DirectoryClaim } from './directory-claim.js';
import { formatIntentRecord, parseIntentRecord } from './intent-record.js';
import { diskFs, type IntentFs } from './intent-fs.js';

/** Name of the directory in the state directory. */
export const intentDirName = 'intents';

/** A record is a bundle and a few words. */
const fileBytesMax = bundleBytesMax + 64 * 1024;
/** Far more than owners have files, and few enough to be looked through at the start. */
const entriesMax = 4_096;
/** Damaged files of one name that are kept apart. */
const damagedMax = 100;

const suffix = '.json';
const previousSuffix = '.previous';

export interface IntentFilesOptions {
  /** `agent.stateDir`. */
  readonly stateDir: string;
  /** Told of everything that could not be read as it was written. */
  readonly onAlarm: (alarm: IntentAlarm) => void;
  /** For commands that only look: nothing is set aside. */
  readonly isReadOnly?: boolean;
  readonly fs?: IntentFs;
}

/** What a file holds. `unreadable`: nobody knows. */
type Reading =
  | { readonly kind: 'record'; readonly record: IntentRecord }
  | { readonly kind: 'absent' | 'damaged' }
  | { readonly kind: 'unreadable'; readonly cause: Error };

export class IntentFiles implements IntentStore {
  readonly #dir: string;
  readonly #options: IntentFilesOptions;
  readonly #fs: IntentFs;
  readonly #claim = new DirectoryClaim('intents');
  /** When an entry of the directory was last made, renamed or removed, as of the last look; undefined: look again. */
  #stamp: string | undefined;

  constructor(options: IntentFilesOptions) {
    this.#dir = join(options.stateDir, intentDirName);
    this.#options = options;
    this.#fs = options.fs ?? diskFs;
  }

  load(): readonly IntentRecord[] {
    // Taken before: what is stored while this reads is found by the next.
    this.#stamp = this.#look();
    return this.#owners().flatMap((owner) => {
      const file = this.#fileOf(owner);
      return this.#read(file, owner) ?? this.#read(`${file}${previousSuffix}`, owner) ?? [];
    });
  }

  reload(): readonly IntentRecord[] | undefined {
    return this.#stamp !== undefined && this.#stamp === this.#look() ? undefined : this.load();
  }

  async claim(): Promise<void> {
    if (this.#claim.isHeld) return;
    let isTaken: boolean;
    try {
      await this.#makeDir();
      isTaken = await this.#claim.take(this.#dir);
    } catch (cause) {
      throw this.#unwritable('the directory of the stored intents cannot be used', this.#dir, cause);
    }
    if (isTaken) return;
    throw new AgentError('STATE_UNWRITABLE', 'another agent stores intents in the same directory', {
      facts: { dir: this.#dir },
      remedy: 'Ask that agent, or give each agent an agent.stateDir of its own.',
    });
  }

  release(): Promise<void> {
    return this.#claim.release();
  }

  async save(record: IntentRecord): Promise<void> {
    const file = this.#fileOf(record.owner);
    const draft = `${file}.new`;
    // Whatever comes of it, what is stored may be looked at again; when all is well that is not needed.
    this.#stamp = undefined;
    try {
      await this.#makeDir();
      await this.#write(draft, formatIntentRecord(record));
      await this.#replace(draft, file);
      this.#stamp = this.#look();
    } catch (cause) {
      throw this.#unwritable('the intents of an owner cannot be stored', file, cause);
    }
  }

  async remove(owner: string): Promise<void> {
    const file = this.#fileOf(owner);
    this.#stamp = undefined;
    try {
      // Once the earlier version is certainly gone, the owner is there by its newest one, or not at all.
      await this.#unlink(`${file}.new`);
      if (await this.#unlink(`${file}${previousSuffix}`)) await this.#fs.syncDir(this.#dir);
      if (await this.#unlink(file)) await this.#fs.syncDir(this.#dir);
      this.#stamp = this.#look();
    } catch (cause) {
      throw this.#unwritable('the intents of an owner cannot be deleted', file, cause);
    }
  }

  /** Undefined: it cannot be said. */
  #look(): string | undefined {
    try {
      return String(statSync(this.#dir, { bigint: true }).mtimeNs);
    } catch (error) {
      return systemErrorCode(error) === 'ENOENT' ? 'absent' : undefined;
    }
  }

  #fileOf(owner: string): string {
    return join(this.#dir, `${owner}${suffix}`);
  }

  /** Owners that have a file of either version, sorted. */
  #owners(): readonly string[] {
    let names: readonly string[];
    try {
      names = readdirSync(this.#dir);
    } catch (cause) {
      if (systemErrorCode(cause) !== 'ENOENT') {
        this.#alarm(undefined, 'the directory of the stored intents cannot be read', this.#dir, cause);
      }
      return [];
    }
    if (names.length > entriesMax) {
      const message = `the directory of the stored intents has ${names.length} entries; the first ${entriesMax} are read`;
      this.#alarm(undefined, message, this.#dir, undefined);
    }
    const owners = [...names].sort().slice(0, entriesMax).map(ownerOf);
    return [...new Set(owners.filter((owner) => owner !== undefined))].sort();
  }

  /** The record in a file; undefined when there is none to be used, which is then told. */
  #read(file: string, owner: string): IntentRecord | undefined {
    const reading = readRecord(file, owner);
    switch (reading.kind) {
      case 'record':
        return reading.record;
      case 'absent':
        return undefined;
      case 'damaged':
        this.#setAside(file, owner);
        return undefined;
      case 'unreadable':
        this.#alarm(owner, `the stored intents of ${owner} cannot be read`, file, reading.cause);
        return undefined;
    }
  }

  #setAside(file: string, owner: string): void {
    if (this.#options.isReadOnly === true) {
      this.#alarm(owner, `the stored intents of ${owner} are damaged`, file, undefined);
      return;
    }
    const numbers = Array.from({ length: damagedMax }, (_, index) => index + 1);
    const target = numbers.map((number) => `${file}.damaged-${number}`).find((name) => !existsSync(name));
    try {
      if (target !== undefined) renameSync(file, target);
      const where = target === undefined ? 'there are too many damaged ones to set it aside' : `it is now ${target}`;
      this.#alarm(owner, `a stored version of the intents of ${owner} is damaged; ${where}`, file, undefined);
    } catch (cause) {
      this.#alarm(owner, `a stored version of the intents of ${owner} is damaged and stays`, file, cause);
    }
  }

  async #makeDir(): Promise<void> {
    const made = await this.#fs.makeDir(this.#dir);
    if (made === undefined) return;
    // Each directory that was made is an entry of the one above it.
    for (let dir = this.#dir; dir !== dirname(dir); dir = dirname(dir)) {
      await this.#fs.syncDir(dirname(dir));
      if (dir === made) return;
    }
  }

  async #write(file: string, bytes: Uint8Array): Promise<void> {
    const handle = await this.#fs.create(file);
    try {
      await handle.write(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** Between the two renames the owner is there by its earlier version. */
  async #replace(draft: string, file: string): Promise<void> {
    const previous = `${file}${previousSuffix}`;
    const hadFile = await this.#rename(file, previous);
    try {
      await this.#fs.rename(draft, file);
      await this.#fs.syncDir(this.#dir);
    } catch (cause) {
      // What was refused must not be in force after the next start.
      if (hadFile) await this.#rename(previous, file);
      else await this.#unlink(file);
      throw cause;
    }
  }

  /** False: there was nothing to be renamed. */
  async #rename(from: string, to: string): Promise<boolean> {
    try {
      await this.#fs.rename(from, to);
      return true;
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  #unlink(file: string): Promise<boolean> {
    return this.#fs.unlink(file);
  }

  #alarm(owner: string | undefined, message: string, file: string, cause: unknown): void {
    const remedy = 'Have the controller hand its bundle in again, and look at the file and at the disk.';
    const error = new AgentError('STATE_DAMAGED', message, { cause, facts: { file, owner }, remedy });
    this.#options.onAlarm({ owner, error });
  }

  #unwritable(message: string, file: string, cause: unknown): AgentError {
    const remedy = 'Make agent.stateDir a directory that the agent may write to.';
    return new AgentError('STATE_UNWRITABLE', message, { cause, facts: { file }, remedy });
  }
}

/** The owner whose file it is; undefined for files that are none of ours. */
function ownerOf(name: string): string | undefined {
  const main = name.endsWith(previousSuffix) ? name.slice(0, -previousSuffix.length) : name;
  if (!main.endsWith(suffix)) return undefined;
  const owner = main.slice(0, -suffix.length);
  return isOwnerName(owner) ? owner : undefined;
}

/** Reads a file of bounded size; a link, a directory or a device is not read. */
function readRecord(file: string, owner: string): Reading {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    return systemErrorCode(cause) === 'ENOENT' ? { kind: 'absent' } : { kind: 'unreadable', cause: toError(cause) };
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { kind: 'unreadable', cause: new Error('it is no file') };
    if (stat.size > fileBytesMax) return { kind: 'damaged' };
    const record = parseIntentRecord(readAll(fd, stat.size), owner);
    return record === undefined ? { kind: 'damaged' } : { kind: 'record', record };
  } catch (cause) {
    return { kind: 'unreadable', cause: toError(cause) };
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const count = readSync(fd, bytes, length, size - length, length);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}
