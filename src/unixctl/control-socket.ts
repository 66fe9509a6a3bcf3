/**
 * Finds the control socket of an Open vSwitch daemon as ovs-appctl(8) does: the pid file in the run directory names the
 * process, and the socket carries its number. Reads only; whether somebody listens shows when it is dialled.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, systemErrorCode } from '../lib/errors.js';

/**
 * The path of the socket of `daemon` (`ovs-vswitchd`, `ovsdb-server`).
 * @throws AgentError NOT_CONNECTED when the daemon has left no usable pid file, PERMISSION_DENIED
 */
export async function findControlSocket(runDir: string, daemon: string): Promise<string> {
  const file = join(runDir, `${daemon}.pid`);
  const pid = (await readPid(file)).trim();
  if (/^\d{1,10}$/.test(pid)) return join(runDir, `${daemon}.${pid}.ctl`);
  throw new AgentError('NOT_CONNECTED', `${file} holds no process id`, {
    remedy: `Restart ${daemon}; it writes the file anew.`,
  });
}

async function readPid(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
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
