/**
 * Three things that go wrong on a real DPU, done by hand, and how a witness sees that they were repaired. The witness is
 * ovs-vsctl and ping: they share no code with the agent.
 */

import { eventually } from './lab/daemon.js';
import type { Sandbox } from './sandbox.js';

export interface Fault {
  /** What is done, as a person would. */
  readonly title: string;
  /** What is looked at afterwards. */
  readonly proof: string;
  readonly breakIt: (sandbox: Sandbox) => Promise<unknown>;
  /** Whether the witness sees it whole again. */
  readonly isWhole: (sandbox: Sandbox) => Promise<boolean>;
}

async function portNumber(sandbox: Sandbox, name: string): Promise<number> {
  return Number((await sandbox.lab.vsctl('--if-exists', 'get', 'Interface', name, 'ofport')).trim() || '0');
}

/** Whose port the first pod's representor is. */
async function readIfaceId(sandbox: Sandbox): Promise<string> {
  const text = await sandbox.lab.vsctl('--if-exists', 'get', 'Interface', 'rep0-1', 'external_ids:iface-id');
  return text.trim().replaceAll('"', '');
}

export const faults: readonly Fault[] = [
  {
    title: 'ovs-vsctl del-port br-hbn p0',
    proof: 'p0 is on br-hbn again, with a port number, and a pod reaches the fabric',
    breakIt: (sandbox) => sandbox.lab.vsctl('del-port', 'br-hbn', 'p0'),
    isWhole: async (sandbox) => {
      const ports = await sandbox.lab.vsctl('list-ports', 'br-hbn');
      return ports.split('\n').includes('p0') && (await portNumber(sandbox, 'p0')) > 0 && sandbox.doesPing();
    },
  },
  {
    title: 'ovs-vsctl set Interface rep0-1 external_ids:iface-id=stolen',
    proof: "the port is the pod's again, and the pod reaches the fabric",
    breakIt: (sandbox) => sandbox.lab.vsctl('set', 'Interface', 'rep0-1', 'external_ids:iface-id=stolen'),
    isWhole: async (sandbox) => (await readIfaceId(sandbox)) === 'default_web-0' && sandbox.doesPing(),
  },
  {
    title: 'kill -9 ovs-vswitchd (started again at once, as a service manager would)',
    proof: 'the agent says ready on fresh evidence, p0 has a port number, and a pod reaches the fabric',
    breakIt: async (sandbox) => {
      await sandbox.lab.killVswitchd('SIGKILL');
      // It must tell the truth in between: every column of the database still looks well.
      await eventually(async () => (await sandbox.agent.status())?.vswitchd === 'silent', 'the agent says silent');
      await sandbox.lab.startVswitchd();
    },
    isWhole: async (sandbox) => (await portNumber(sandbox, 'p0')) > 0 && sandbox.doesPing(),
  },
];

export interface Repair {
  readonly fault: Fault;
  /** From the moment before the breakage until the witness and the agent agree that all is well, ms. */
  readonly tookMs: number;
  readonly isRepaired: boolean;
  readonly message: string;
}

/** Breaks one thing and waits, 20 s at most, until the witness sees it whole and the agent says ready. */
export async function breakAndWatch(sandbox: Sandbox, fault: Fault): Promise<Repair> {
  const startMs = performance.now();
  const startWallMs = Date.now();
  try {
    await fault.breakIt(sandbox);
    await eventually(() => fault.isWhole(sandbox), fault.proof, 20_000);
    await sandbox.agent.ready(startWallMs);
    return { fault, tookMs: performance.now() - startMs, isRepaired: true, message: fault.proof };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { fault, tookMs: performance.now() - startMs, isRepaired: false, message };
  }
}
