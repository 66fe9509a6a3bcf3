/**
 * Finds the control socket of an Open vSwitch daemon as ovs-appctl(8) does: the pid file in the run directory names the
 * process, and the socket carries its number. Reads only; whether somebody listens shows when it is dialled.
 */

import { open } from 'node:fs/promises';
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
export async function findControlSocket(runDir: string, daemon: string): Promise<string> {
  return (await readControlSocket(runDir, daemon)).path;
}

/** As `findControlSocket`, with the process. */
export async function readControlSocket(runDir: string, daemon: string): Promise<ControlSocket> {
  const file = join(runDir, `${daemon}.pid`);
  const { text, mark } = await readPidFile(file);
  const pid = text.trim();
  if (!/^\d{1,10}$/.test(pid)) {
    throw new AgentError('NOT_CONNECTED', `${file} holds no process id`, {
      remedy: `Restart ${daemon}; it writes the file anew.`,
    });
  }
  return { path: join(runDir, `${daemon}.${pid}.ctl`), pid: Number(pid), mark: `${pid} ${mark}` };
}

async function readPidFile(file: string): Promise<{ readonly text: string; readonly mark: string }> {
  try {
    await using handle = await open(file, 'r');
    const { ino, mtimeMs } = await handle.stat();
    // A process id has at most ten digits; whatever else the file is, it is not read to its end.
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(32), 0, 32, 0);
    return { text: buffer.toString('utf8', 0, bytesRead), mark: `${ino} ${mtimeMs}` };
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
