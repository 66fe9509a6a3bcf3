/** Others that follow the same switch, at rest beside the agent. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import process from 'node:process';
import { monitoredColumns } from '../../src/adapters/ovsdb-store.js';
import { Daemon } from '../../src/sandbox/lab/daemon.js';
import type { OvsLab } from '../../src/sandbox/lab/ovs.js';
import { megabytes, type Line } from '../table.js';
import type { Effort } from './effort.js';
import { between, doings, resident } from './process-figures.js';

/** Peers are looked at for orientation only. */
const peerMsMax = 30_000;

const schemaFile = '/usr/share/openvswitch/vswitch.ovsschema';

/** The Python IDL with the same tables and columns, and nothing but them. */
export async function pythonLine(lab: OvsLab, effort: Effort): Promise<Line> {
  const script = join(process.env['BENCH_PEERS'] ?? '', 'idle_idl.py');
  const args = [script, lab.socket, schemaFile, JSON.stringify(monitoredColumns)];
  const daemon = new Daemon(['/usr/bin/python3', ...args], lab.env);
  daemon.start();
  try {
    await daemon.ready(() => Promise.resolve(daemon.output.includes('ready')), 60_000);
    return await peerLine('Python IDL with the same columns', daemon.pid ?? 0, effort);
  } finally {
    await daemon.stop('SIGKILL');
  }
}

export async function peerLine(what: string, pid: number, { idleMs }: Effort): Promise<Line> {
  const before = doings(pid);
  const ms = Math.min(idleMs, peerMsMax);
  await sleep(ms);
  const { cpuMs } = between(before, doings(pid));
  const { rssBytes, anonymousBytes } = resident(pid);
  return {
    what: `beside it: ${what}`,
    value: `${megabytes(rssBytes)} (${megabytes(anonymousBytes)}), ${((cpuMs / ms) * 100).toFixed(2)} %`,
  };
}

/** A daemon of OVN or Open vSwitch by its pid file. */
export async function daemonLine(name: string, runDir: string, effort: Effort): Promise<Line> {
  return peerLine(name, Number(await readFile(join(runDir, `${name}.pid`), 'utf8')), effort);
}
