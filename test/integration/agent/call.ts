/** Runs a command of the agent to its end, and keeps what it said: exit status, stdout, stderr. */

import { execFile } from 'node:child_process';

export interface CallResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param command file and arguments; 60 s at most */
export function call(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CallResult> {
  const [file = '', ...args] = command;
  const options = { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env }, timeout: 60_000, maxBuffer: 64 << 20 };
  return new Promise((resolve) => {
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (child.exitCode ?? -1), stdout, stderr });
    });
  });
}
