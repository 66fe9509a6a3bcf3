/**
 * The text of the configuration file, read whole and bounded. Used by the loader and the watcher; says why a file cannot be
 * read, and does not look at what it says.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { ConfigError } from './problem.js';

/** Where the file is expected when nothing else is said. */
export const configFileDefault = '/etc/dpu-node-agent/config.yaml';

/** The same as a ConfigMap may hold; a configuration of a whole DPU with hundreds of ports has some tens of KiB. */
export const configBytesMax = 1024 * 1024;

/**
 * Reads the file.
 * @throws AgentError CONFIG_UNREADABLE when it cannot be opened or read
 * @throws ConfigError when it is too large or not UTF-8
 */
export function readConfigText(file: string): string {
  try {
    return decodeConfigText(readBounded(file));
  } catch (thrown) {
    if (thrown instanceof AgentError) throw thrown;
    throw unreadable(file, thrown);
  }
}

function unreadable(file: string, thrown: unknown): AgentError {
  const code = systemErrorCode(thrown);
  const remedy =
    code === 'ENOENT' ? 'Create it, or name another file with --config.' : 'Check the path and its permissions.';
  return new AgentError('CONFIG_UNREADABLE', `the configuration file cannot be read: ${toError(thrown).message}`, {
    facts: { file, code },
    cause: thrown,
    remedy,
  });
}

/** At most one byte more than is allowed, so that the caller can tell. */
function readBounded(file: string): Buffer {
  // Opening a FIFO would otherwise wait for a writer.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) {
      throw new AgentError('CONFIG_UNREADABLE', 'the configuration file is not a regular file', { facts: { file } });
    }
    const buffer = Buffer.alloc(Math.min(stat.size, configBytesMax) + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(fd, buffer, length, buffer.length - length, null);
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/**
 * The text of the file's bytes, which must be UTF-8.
 * @throws ConfigError when there are too many, or they are not UTF-8
 */
export function decodeConfigText(bytes: Uint8Array): string {
  if (bytes.length > configBytesMax) throw wholeFileError(`the file is larger than ${configBytesMax} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // The decoder does not say where; the file is not text, and that is all there is to say.
    throw wholeFileError('the file is not UTF-8 text');
  }
}

/** A problem of the file as a whole. */
export function wholeFileError(message: string): ConfigError {
  return new ConfigError([{ path: '$', origin: 'file:1', line: 1, column: 1, message }]);
}
