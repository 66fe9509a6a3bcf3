/** Gathers the facts of `dpuctl doctor`, each by itself and in bounded time: what fails is told as not known, and why. */

import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { NodeService } from '../gen/proto/dpu/agent/v1/node_pb.js';
import { OffloadService } from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { toError } from '../lib/errors.js';
import { daemonFile } from '../lib/program.js';
import { safeText } from '../lib/text.js';
import type { CommandContext } from './command-context.js';
import { readDatabase, readVswitchd } from './doctor-database.js';
import {
  known,
  unknown,
  type ConfigFacts,
  type DoctorFacts,
  type Fact,
  type MachineFacts,
  type StateDirFacts,
  type UnitFacts,
} from './doctor-facts.js';

export interface DoctorPlaces {
  /** Directory of Open vSwitch's sockets; undefined: the one that the agent names, else the usual one. */
  readonly ovsRunDir: string | undefined;
  /** Undefined: what an agent on this machine says, else the usual one. */
  readonly configFile: string | undefined;
  readonly stateDir: string | undefined;
}

export const doctorPlacesDefault = {
  ovsRunDir: '/run/openvswitch',
  configFile: '/etc/dpu-node-agent/config.yaml',
  stateDir: '/var/lib/dpu-node-agent',
} as const;

/** How long any one question may take. */
const questionMs = 4_000;
/** A call to the agent ends before its question does: it knows better what it has failed of. */
const callMs = questionMs - 500;
/** Of what the daemon says about a configuration. */
const textLengthMax = 2_000;

/** Asks with a deadline of its own. */
async function ask<T>(
  { clock, signal }: CommandContext,
  question: (signal: AbortSignal) => T | Promise<T>,
): Promise<Fact<T>> {
  const time = new AbortController();
  const timer = clock.after(questionMs, () => time.abort(new Error(`no answer in ${questionMs / 1_000} s`)));
  const late = new Promise<never>((_resolve, reject) => {
    time.signal.addEventListener('abort', () => reject(toError(time.signal.reason)), { once: true });
  });
  try {
    return known(await Promise.race([question(AbortSignal.any([signal, time.signal])), late]));
  } catch (error) {
    return unknown(safeText(toError(error).message, 400));
  } finally {
    timer.cancel();
  }
}

/** The daemon checks its own file: dpuctl would have to carry the whole of its schema to do it as well. */
function checkConfig(file: string, signal: AbortSignal): Promise<ConfigFacts> {
  const main = daemonFile();
  if (!existsSync(main)) throw new Error('the daemon is not installed beside dpuctl');
  if (!existsSync(file)) throw new Error(`there is no ${file}; name the file with --config`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, 'config', 'check', file], {
      signal,
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    const add = (bytes: Buffer): void => {
      text = (text + bytes.toString()).slice(0, textLengthMax);
    };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.once('error', reject);
    child.once('close', (code) => resolve({ file, isValid: code === 0, text: text.trim() }));
  });
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    // A device without an eSwitch answers EOPNOTSUPP; one that is gone ENOENT.
    if (error instanceof Error && 'code' in error) return '';
    throw error;
  }
};

/** Facts of the machine under a root; `/` but for tests. */
export function readMachine(root = '/'): MachineFacts {
  const net = join(root, 'sys/class/net');
  const devices = readdirSync(net)
    .map((name) => ({
      name,
      portName: read(join(net, name, 'phys_port_name')),
      switchId: read(join(net, name, 'phys_switch_id')),
    }))
    .filter(({ switchId }) => switchId !== '');
  const pages = join(root, 'sys/kernel/mm/hugepages');
  const hugePages = (existsSync(pages) ? readdirSync(pages) : []).map((name) => ({
    sizeBytes: Number(/(\d+)kB$/.exec(name)?.[1] ?? 0) * 1_024,
    total: Number(read(join(pages, name, 'nr_hugepages'))),
    free: Number(read(join(pages, name, 'free_hugepages'))),
  }));
  const meminfo = read(join(root, 'proc/meminfo'));
  const bytesOf = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0) * 1_024;
  return { devices, hugePages, memoryBytes: bytesOf('MemTotal'), memoryAvailableBytes: bytesOf('MemAvailable') };
}

/** @throws Error when the directory is not there */
export function readStateDir(path: string): StateDirFacts {
  if (!existsSync(path)) throw new Error(`there is no ${path}; name the directory with --state-dir`);
  const { bavail, bsize } = statfsSync(path);
  const damaged = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.damaged'));
  return { path, isWritable: isWritable(path), freeBytes: bavail * bsize, damaged };
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

const unitNames = ['dpu-node-agent.service', 'openvswitch-switch.service', 'openvswitch.service'];
const unitDirs = ['etc/systemd/system', 'run/systemd/system', 'usr/lib/systemd/system', 'lib/systemd/system'];

/** systemd.unit(5): a unit that is enabled has a link in the `.wants` directory of a target. @throws Error without systemd */
export function readUnits(root = '/'): readonly UnitFacts[] {
  // sd_booted(3): the directory is there when systemd is the init system.
  if (!existsSync(join(root, 'run/systemd/system'))) throw new Error('systemd does not run here');
  const dirs = unitDirs.map((dir) => join(root, dir)).filter((dir) => existsSync(dir));
  const wants = dirs.flatMap((dir) =>
    readdirSync(dir)
      .filter((name) => /\.(wants|requires)$/.test(name))
      .map((name) => join(dir, name)),
  );
  return unitNames.map((name) => ({
    name,
    isInstalled: dirs.some((dir) => existsSync(join(dir, name))),
    isEnabled: wants.some((dir) => readdirSync(dir).includes(name)),
  }));
}

/** Looks at everything, at the same time. */
export async function gatherFacts(context: CommandContext, places: DoctorPlaces): Promise<DoctorFacts> {
  const { connection, clock } = context;
  const service = connection.service(NodeService);
  const offloads = connection.service(OffloadService);
  const [status, node, offload] = await Promise.all([
    ask(context, async (signal) => required((await service.getStatus({}, { signal, deadlineMs: callMs })).status)),
    ask(context, async (signal) => required((await service.getNode({}, { signal, deadlineMs: callMs })).node)),
    ask(context, async (signal) =>
      required((await offloads.getOffloadStatus({}, { signal, deadlineMs: callMs })).status),
    ),
  ]);
  const told = status.kind === 'known' ? status.value.ovsRunDir : '';
  const runDir = places.ovsRunDir ?? (told === '' ? doctorPlacesDefault.ovsRunDir : told);
  // Paths of another machine mean nothing here.
  const agent = node.kind === 'known' && connection.target.kind === 'unix' ? node.value.agent : undefined;
  const placeOf = (named: string | undefined, said: string | undefined, usual: string): string =>
    named ?? (said === undefined || said === '' ? usual : said);
  const configFile = placeOf(places.configFile, agent?.configFile, doctorPlacesDefault.configFile);
  const stateDirPath = placeOf(places.stateDir, agent?.stateDir, doctorPlacesDefault.stateDir);
  const [config, database, vswitchd, machine, stateDir, units] = await Promise.all([
    ask(context, (signal) => checkConfig(configFile, signal)),
    ask(context, (signal) => readDatabase(`unix:${join(runDir, 'db.sock')}`, clock, signal)),
    ask(context, (signal) => readVswitchd(runDir, clock, signal)),
    ask(context, () => readMachine()),
    ask(context, () => readStateDir(stateDirPath)),
    ask(context, () => readUnits()),
  ]);
  return {
    status,
    node,
    offload,
    config,
    database,
    vswitchd,
    machine,
    stateDir,
    units,
    configFile,
    wallMs: clock.wallMs(),
  };
}

function required<T>(value: T | undefined): T {
  if (value !== undefined) return value;
  throw new Error('the agent answered with nothing');
}
