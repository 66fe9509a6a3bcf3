/**
 * Makes the virtual DPU's devices: with root, veth pairs into network namespaces; without, a tree of files that looks like
 * sysfs to the agent. Removes everything that it made, and what a sandbox that was killed left behind.
 */

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { namespacePid, type Cable, type Layout } from './layout.js';

const run = promisify(execFile);

/** Runs a system tool to its end, 20 s at most. */
export async function runSystem(file: string, args: readonly string[]): Promise<string> {
  const env = { PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}`, LC_ALL: 'C' };
  const { stdout } = await run(file, [...args], { env, timeout: 20_000, killSignal: 'SIGKILL' });
  return stdout;
}

const ip = (...args: readonly string[]): Promise<string> => runSystem('ip', args);

/** Runs a command inside a namespace. */
export function runInside(namespace: string, ...command: readonly string[]): Promise<string> {
  return ip('netns', 'exec', namespace, ...command);
}

async function plug(layout: Layout, cable: Cable): Promise<void> {
  const { dpuEnd, farEnd, farNamespace, address } = cable;
  const far = ['peer', 'name', farEnd, 'netns', farNamespace];
  await ip('-n', layout.dpuNamespace, 'link', 'add', dpuEnd, 'type', 'veth', ...far);
  await ip('-n', layout.dpuNamespace, 'link', 'set', dpuEnd, 'up');
  if (address !== undefined) await ip('-n', farNamespace, 'addr', 'add', address, 'dev', farEnd);
  await ip('-n', farNamespace, 'link', 'set', farEnd, 'up');
  // The userspace datapath does not complete checksums that a veth leaves to the hardware it does not have.
  await runInside(farNamespace, 'ethtool', '-K', farEnd, 'tx', 'off');
}

/** Namespaces and cables. */
export async function makeDevices(layout: Layout): Promise<void> {
  const present = new Set(await listNamespaces());
  for (const namespace of layout.namespaces) {
    if (present.has(namespace)) continue;
    await ip('netns', 'add', namespace);
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
  }
  for (const cable of layout.cables) await plug(layout, cable);
}

async function listNamespaces(): Promise<readonly string[]> {
  const text = await ip('netns', 'list');
  return text.split('\n').map((line) => line.split(' ')[0] ?? '');
}

/** Removes the namespaces, and with them the cables. What is gone already is no error. */
export async function removeDevices(layout: Layout): Promise<void> {
  const present = new Set(await listNamespaces());
  for (const namespace of layout.namespaces) if (present.has(namespace)) await ip('netns', 'del', namespace);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Removes the namespaces of sandboxes whose process no longer lives. */
export async function sweepDevices(): Promise<void> {
  for (const namespace of await listNamespaces()) {
    const pid = namespacePid(namespace);
    if (pid !== undefined && !isAlive(pid)) await ip('netns', 'del', namespace);
  }
}

/** The kernel's view of the devices, as files: `<root>/sys/class/net/<name>/…`. */
export async function writeDeviceFiles(names: readonly string[], root: string): Promise<void> {
  for (const [index, name] of names.entries()) {
    const dir = join(root, 'sys', 'class', 'net', name);
    await mkdir(dir, { recursive: true });
    // Up, running and promiscuous, as a device that Open vSwitch holds (IFF_* of linux/if.h).
    const files = {
      ifindex: `${index + 10}`,
      address: `02:00:00:00:00:${(index + 1).toString(16).padStart(2, '0')}`,
      mtu: '1500',
      flags: '0x1143',
      operstate: 'up',
      carrier: '1',
    };
    for (const [file, text] of Object.entries(files)) await writeFile(join(dir, file), `${text}\n`);
  }
}
