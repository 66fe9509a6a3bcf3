/** Runs the client in Python, as this or another user. It is read from standard input, so that any user can run it. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const script = readFileSync(join(import.meta.dirname, 'reflect.py'), 'utf8');
/** Debian's own, for which the packages are. */
const python = '/usr/bin/python3';

export interface PythonCall {
  /** `dpu.agent.v1.NodeService/GetStatus`. */
  readonly method: string;
  readonly request?: object;
  /** How many messages of a stream to read. */
  readonly count?: number;
}

export interface PythonAnswer {
  /** In the names of proto JSON. */
  readonly messages?: readonly Record<string, unknown>[];
  readonly code?: string;
  readonly details?: string;
}

export interface PythonResult {
  readonly version?: string;
  readonly services: readonly string[];
  readonly answers: readonly PythonAnswer[];
  /** Set when not even reflection was let through. */
  readonly code?: string;
  readonly details?: string;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
}

function commandOf(user: User | undefined): readonly string[] {
  if (user === undefined) return [python];
  const groups = user.groups === undefined ? ['--clear-groups'] : [`--groups=${user.groups.join(',')}`];
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, ...groups, python];
}

/** @throws Error with what it said when it did not come to its end */
export function callFromPython(address: string, calls: readonly PythonCall[], user?: User): Promise<PythonResult> {
  const command: readonly string[] = [...commandOf(user), '-', address, JSON.stringify(calls)];
  const [file = '', ...args] = command;
  const options = { cwd: '/', env: { PATH: '/usr/bin:/bin' }, timeout: 60_000, maxBuffer: 64 << 20 };
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      const isMissing = stderr.includes('ModuleNotFoundError');
      const hint = isMissing ? '\nInstall python3-grpcio and python3-protobuf.' : '';
      if (error === null) resolve(JSON.parse(stdout) as PythonResult);
      else reject(new Error(`the client in Python failed: ${stderr.slice(-2_000)}${hint}`));
    });
    child.stdin?.end(script);
  });
}
