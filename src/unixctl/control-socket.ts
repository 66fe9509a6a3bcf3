/**
 * Finds the control socket of an Open vSwitch daemon as ovs-appctl(8) does: the pid file in the run directory names the
 * process, and the socket carries its number. Reads only; whether somebody listens shows when it is dialled.
 */

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError, systemErrorCode } from '../lib/errors.js';

/** What the pid file of a daemon says. */
export interface ControlSocket {
  readonly path: string;
  /** As the daemon sees itself: in a container of its own it is often 1, whichever start it is. */
  readonly pid: number;
  /** Differs between two starts of the daemon even when the pid does not: the file is written anew. */
  readonly mark: string;
}

/**
 * The path of the socket of `daemon` (`ovs-vswitchd`, `ovsdb-server`, `ovn-controller`).
 * @throws AgentError NOT_CONNECTED when the daemon has left no usable pid file, PERMISSION_DENIED
 */
export function findControlSocket(runDir: string, daemon: string): string {
  return readControlSocket(runDir, daemon).path;
}

/** As `findControlSocket`, with the process. */
export function readControlSocket(runDir: string, daemon: string): ControlSocket {
  const file = join(runDir, `${daemon}.pid`);
  const { text, mark } = readPidFile(file);
  const pid = text.trim();
  if (!/^\d{1,10}$/.test(pid)) {
    throw new AgentError('NOT_CONNECTED', `${file} holds no process id`, {
      remedy: `Restart ${daemon}; it writes the file anew.`,
    });
  }
  return { path: join(runDir, `${daemon}.${pid}.ctl`), pid: Number(pid), mark: `${pid} ${mark}` };
}

/** In place: it is looked at before each question, and lies in memory (tmpfs); a thread of the pool would cost ten times as much. */
function readPidFile(file: string): { readonly text: string; readonly mark: string } {
  try {
    // O_NONBLOCK: whatever lies at the path, opening it does not hang.
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { ino, mtimeMs } = fstatSync(descriptor);
      // A process id has at most ten digits; whatever else the file is, it is not read to its end.
      const buffer = Buffer.alloc(32);
      const length = readSync(descriptor, buffer, 0, buffer.length, 0);
      return { text: buffer.toString('utf8', 0, length), mark: `${ino} ${mtimeMs}` };
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    const isDenied = systemErrorCode(cause) === 'EACCES';
    throw new AgentError(isDenied ? 'PERMISSION_DENIED' : 'NOT_CONNECTED', `${file} cannot be read`, {
      cause,
      remedy: isDenied
        ? 'Run as a user who may use the sockets of Open vSwitch: root, or the group openvswitch.'
        : 'Start the daemon, or name the directory of its sockets.',
    });
  }
}
