/** The sandbox's command line. */

import { parseArgs } from 'node:util';
import { AgentError } from '../lib/errors.js';

export interface SandboxOptions {
  /** Bring it up, ask its API, break three things, show their repair, and end. */
  readonly isOnce: boolean;
  /** Number of virtual functions of the host. */
  readonly vfCount: number;
  /** Use the dummy datapath although real devices could be made. */
  readonly isDummy: boolean;
  readonly isHelp: boolean;
}

export const vfCountMax = 64;

export const helpText = `npm run sandbox: a virtual BlueField on this machine, with the agent running on it

What is real: ovsdb-server, ovs-vswitchd (userspace datapath), the agent as a process of its own, and, as root, network
namespaces and packets. What is simulated: the eSwitch (representors are veth ends named as the DPU simulator names them),
and the host cluster: an embedded API server with stand-ins for what runs on the host. kubectl works against it.

Two pods are attached by a representor each; a third claims a function that is not its own, and is refused.

Usage: npm run sandbox -- [options]
      --once       bring it up, ask its API, break three things by hand, show each repaired with the time it took, and
                   end; exit status 0 only if the API answered and all were repaired
      --vfs N      number of virtual functions of the host, 1 to ${vfCountMax} (default 3)
      --dummy      use Open vSwitch's dummy datapath: needs no root, carries no real packets
  -h, --help       print this

Without root the dummy datapath is used, and the sandbox says what is lost. Ctrl-C ends it and leaves nothing behind.
`;

function usage(message: string): AgentError {
  return new AgentError('USAGE', message, { remedy: 'See npm run sandbox -- --help.' });
}

/** @throws AgentError USAGE */
export function parseOptions(args: readonly string[]): SandboxOptions {
  const { values } = parseKnown(args);
  const vfCount = Number(values.vfs);
  if (!/^\d+$/.test(values.vfs) || vfCount < 1 || vfCount > vfCountMax) {
    throw usage(`--vfs takes a whole number from 1 to ${vfCountMax}, not "${values.vfs}"`);
  }
  return { isOnce: values.once, vfCount, isDummy: values.dummy, isHelp: values.help };
}

function parseKnown(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean', default: false },
        vfs: { type: 'string', default: '3' },
        dummy: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause));
  }
}
