/**
 * What is read of the machine for offload, against a real kernel: veth devices and queueing disciplines in a network namespace of
 * its own, and a process that has the name of ovs-vswitchd. Witnesses are sysfs, ps(1) and the commands that made the state.
 */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HostMachineInspector } from '../../../src/adapters/machine-inspector.js';
import { processStartedWallMs } from '../../../src/host/process-facts.js';
import { systemClock } from '../../../src/lib/clock.js';
import type { Fact } from '../../../src/model/fact.js';
import { PrivateNetns } from './private-netns.js';

const signal = new AbortController().signal;
const patience = { timeout: 20_000, interval: 50 };

function valueOf<T>(fact: Fact<T>): T {
  if (fact.kind === 'unknown') throw new Error(fact.why);
  return fact.value;
}

describe('devices of a network namespace', () => {
  let netns: PrivateNetns;
  let inspector: HostMachineInspector;

  beforeEach(async () => {
    netns = await PrivateNetns.create();
    netns.batch([
      'link add rep0-1 type veth peer name eth0-1',
      'link set rep0-1 up',
      'link set eth0-1 up',
      'addr add 192.0.2.1/24 dev rep0-1',
      'link add rep0-2 type veth peer name eth0-2',
      'addr add 198.51.100.7/32 dev rep0-2',
    ]);
    inspector = new HostMachineInspector({
      clock: systemClock,
      root: netns.root,
      tools: { ip: netns.tool, tc: { file: 'tc', args: ['-n', netns.name] } },
    });
  });
  afterEach(() => netns[Symbol.asyncDispose]());

  const counted = (name: string, what: 'packets' | 'bytes'): number =>
    ['rx', 'tx']
      .map((way) => Number(readFileSync(`${netns.root}/sys/class/net/${name}/statistics/${way}_${what}`, 'utf8')))
      .reduce((sum, count) => sum + count, 0);
  const ping = (): void => {
    const args = ['netns', 'exec', netns.name, 'ping', '-q', '-i', '0.01', '-c', '20', '-W', '1', '192.0.2.255', '-b'];
    execFileSync('ip', args, { stdio: 'ignore', timeout: 20_000 });
  };

  it('have the counters of the kernel, and none of the CPU where the driver has none', async () => {
    try {
      ping();
    } catch {
      // Nobody answers: ping says so by its exit code, after the packets were sent.
      expect(counted('rep0-1', 'packets')).toBeGreaterThan(0);
    }
    await vi.waitFor(async () => {
      const wanted = new Set(['rep0-1', 'eth0-1', 'gone']);
      const devices = valueOf((await inspector.readQuick(undefined, wanted, signal)).devices);
      expect([...devices.keys()].sort()).toEqual(['eth0-1', 'rep0-1']);
      expect(devices.get('rep0-1')).toEqual({
        ifindex: Number(readFileSync(`${netns.root}/sys/class/net/rep0-1/ifindex`, 'utf8')),
        packets: counted('rep0-1', 'packets'),
        bytes: counted('rep0-1', 'bytes'),
        cpuPackets: undefined,
        cpuBytes: undefined,
      });
      expect(devices.get('rep0-1')?.packets).toBeGreaterThan(0);
    }, patience);
  });

  it('have another number when they are made anew', async () => {
    const read = async (): Promise<number | undefined> =>
      valueOf((await inspector.readQuick(undefined, new Set(['rep0-2']), signal)).devices).get('rep0-2')?.ifindex;
    const before = await read();
    netns.ip('link', 'del', 'rep0-2');
    netns.ip('link', 'add', 'rep0-2', 'type', 'veth', 'peer', 'name', 'eth0-2');
    const after = await read();
    expect(before).toBeGreaterThan(0);
    expect(after).toBeGreaterThan(0);
    expect(after).not.toBe(before);
  });

  it('that are nowhere here are not zero but unknown', async () => {
    const { devices } = await inspector.readQuick(undefined, new Set(['pf0vf0', 'pf0vf1']), signal);
    expect(devices).toEqual({ kind: 'unknown', why: expect.stringContaining('another network namespace') as string });
  });

  it('have disciplines and addresses, also while they are down', async () => {
    execFileSync('tc', ['-n', netns.name, 'qdisc', 'add', 'dev', 'rep0-1', 'ingress']);
    execFileSync('tc', ['-n', netns.name, 'qdisc', 'add', 'dev', 'eth0-1', 'clsact']);
    const before = await inspector.readSlow(signal);
    expect(valueOf(before.qdiscs).get('rep0-1')).toEqual(['noqueue', 'ingress']);
    expect(valueOf(before.qdiscs).get('eth0-1')).toEqual(['noqueue', 'clsact']);
    expect([...valueOf(before.addresses)]).toEqual(expect.arrayContaining(['192.0.2.1', '198.51.100.7']));
    execFileSync('tc', ['-n', netns.name, 'qdisc', 'del', 'dev', 'rep0-1', 'ingress']);
    netns.ip('addr', 'del', '198.51.100.7/32', 'dev', 'rep0-2');
    const after = await inspector.readSlow(signal);
    expect(valueOf(after.qdiscs).get('rep0-1')).toEqual(['noqueue']);
    expect(valueOf(after.addresses).has('198.51.100.7')).toBe(false);
  });

  it('may be a thousand', async () => {
    const numbers = [...Array(500).keys()].map((n) => n + 10);
    netns.batch(numbers.map((n) => `link add rep1-${n} type veth peer name eth1-${n}`));
    const wanted = new Set(numbers.flatMap((n) => [`rep1-${n}`, `eth1-${n}`]));
    const reading = await inspector.readQuick(undefined, wanted, signal);
    expect(valueOf(reading.devices).size).toBe(1_000);
    const slow = await inspector.readSlow(signal);
    expect(valueOf(slow.qdiscs).has('rep0-1')).toBe(true);
    expect(valueOf(slow.addresses).has('192.0.2.1')).toBe(true);
  });
});

describe('the process of ovs-vswitchd', () => {
  let directory: string;
  let daemon: ChildProcess;
  const inspector = new HostMachineInspector({ clock: systemClock });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'daemon-'));
    // The name is that of the file.
    copyFileSync('/bin/sleep', join(directory, 'ovs-vswitchd'));
    daemon = spawn(join(directory, 'ovs-vswitchd'), ['600'], { stdio: 'ignore' });
  });
  afterEach(() => {
    daemon.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const ps = (field: string): string =>
    execFileSync('ps', ['-o', `${field}=`, '-p', String(daemon.pid)], {
      encoding: 'utf8',
      env: { TZ: 'UTC', LC_ALL: 'C' },
    });

  it('started when ps says, and holds what ps says', async () => {
    await vi.waitFor(async () => {
      const process = valueOf((await inspector.readQuick(daemon.pid, new Set(), signal)).process);
      expect(process.pid).toBe(daemon.pid);
      expect(process.residentBytes).toBe(Number(ps('rss')) * 1024);
      expect(Math.abs(process.startedWallMs - Date.parse(`${ps('lstart').trim()} UTC`))).toBeLessThan(2_000);
      expect(Math.abs(process.ageMs - Number(ps('etimes')) * 1000)).toBeLessThan(2_000);
      expect(await processStartedWallMs(process.pid)).toBe(process.startedWallMs);
    }, patience);
  });

  it('is nobody when it has ended', async () => {
    const pid = daemon.pid;
    await vi.waitFor(async () => {
      expect((await inspector.readQuick(pid, new Set(), signal)).process.kind).toBe('known');
    }, patience);
    daemon.kill('SIGKILL');
    await vi.waitFor(async () => {
      expect((await inspector.readQuick(pid, new Set(), signal)).process.kind).toBe('unknown');
    }, patience);
  });

  it('is not this one', async () => {
    const { process: fact } = await inspector.readQuick(process.pid, new Set(), signal);
    expect(fact).toEqual({ kind: 'unknown', why: expect.stringContaining('another pid namespace') as string });
  });
});

describe('the machine of the tests', () => {
  it('has memory, and was booted', async () => {
    const reading = await new HostMachineInspector({ clock: systemClock }).readQuick(undefined, new Set(), signal);
    const { totalBytes, availableBytes } = valueOf(reading.memory);
    expect(availableBytes).toBeGreaterThan(0);
    expect(availableBytes).toBeLessThan(totalBytes);
    const uptimeMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
    expect(Math.abs(valueOf(reading.uptimeMs) - uptimeMs)).toBeLessThan(5_000);
  });
});
