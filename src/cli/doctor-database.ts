/** What `dpuctl doctor` asks Open vSwitch itself: one read of the database, and the version on the control socket. */

import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenVswitchDatabase } from '../gen/open-vswitch.js';
import type { Clock } from '../lib/clock.js';
import { OvsdbClient } from '../ovsdb/index.js';
import { findControlSocket, UnixctlClient } from '../unixctl/index.js';
import type { DatabaseFacts, VswitchdFacts } from './doctor-facts.js';

type Row = Readonly<Record<string, unknown>>;

/** One request, so that what is seen is of one moment. Without `columns` the server gives all that it has. */
const reads = [
  { op: 'select', table: 'Open_vSwitch', where: [] },
  { op: 'select', table: 'Bridge', where: [], columns: ['name', 'datapath_type'] },
  { op: 'select', table: 'Interface', where: [], columns: ['name', 'ofport', 'error'] },
] as const;

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !isList(value);

function rowsOf(result: unknown): readonly Row[] {
  const rows = isRow(result) ? result['rows'] : undefined;
  return isList(rows) ? rows.filter(isRow) : [];
}

/** RFC 7047 section 5.1: `["map", [[k, v], …]]`. */
function mapOf(value: unknown): ReadonlyMap<string, string> {
  const pairs = isList(value) && value[0] === 'map' && isList(value[1]) ? value[1] : [];
  return new Map(pairs.filter(isList).map(([key, entry]) => [String(key), String(entry)]));
}

/** The value, or that of a set of at most one; undefined when it is empty. */
function single(value: unknown): unknown {
  if (!isList(value)) return value;
  return value[0] === 'set' && isList(value[1]) ? value[1][0] : undefined;
}

const textOf = (value: unknown): string => (typeof single(value) === 'string' ? (single(value) as string) : '');

function numberOf(value: unknown): number | undefined {
  const one = single(value);
  return typeof one === 'number' || typeof one === 'bigint' ? Number(one) : undefined;
}

const booleanOf = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined);

/** Reads the database once. @throws AgentError when it does not answer in time */
export async function readDatabase(endpoint: string, clock: Clock, signal: AbortSignal): Promise<DatabaseFacts> {
  await using client = new OvsdbClient<OpenVswitchDatabase>({
    endpoints: [endpoint],
    database: 'Open_vSwitch',
    monitor: { Open_vSwitch: { columns: ['cur_cfg'] } },
    clock,
  });
  // A client tries again for ever; here the first refusal is the answer.
  const refused = new Promise<never>((_resolve, reject) => {
    client.onState(({ lastError }) => {
      if (lastError !== undefined) reject(lastError);
    });
  });
  client.start();
  await Promise.race([client.synced(signal), refused]);
  const [roots, bridges, interfaces] = await client.transact(reads, { signal });
  const [root = {}] = rowsOf(roots);
  // RFC 7047 section 4.1.2: the version of the schema is optional. ovs-vsctl writes db_version, and not every set-up has run it.
  const schema: unknown = await client.getSchema('Open_vSwitch', { signal });
  const versions = [isRow(schema) ? textOf(schema['version']) : '', textOf(root['db_version'])];
  return {
    endpoint,
    schemaVersion: versions.find((version) => version !== ''),
    curCfg: numberOf(root['cur_cfg']) ?? 0,
    nextCfg: numberOf(root['next_cfg']) ?? 0,
    otherConfig: mapOf(root['other_config']),
    isDpdkInitialized: booleanOf(root['dpdk_initialized']),
    isDocaInitialized: booleanOf(root['doca_initialized']),
    bridges: rowsOf(bridges).map((row) => ({ name: textOf(row['name']), datapathType: textOf(row['datapath_type']) })),
    interfaces: rowsOf(interfaces).map((row) => ({
      name: textOf(row['name']),
      ofport: numberOf(row['ofport']),
      error: textOf(row['error']),
    })),
  };
}

/** proc(5): field 22 of stat, in ticks of 1/100 s since boot on every architecture that Node runs on; btime of /proc/stat. */
function startedMs(proc: string, pid: number): number | undefined {
  const stat = readFileSync(join(proc, String(pid), 'stat'), 'utf8');
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  const bootSeconds = Number(/^btime (\d+)$/m.exec(readFileSync(join(proc, 'stat'), 'utf8'))?.[1]);
  return Number.isFinite(ticks) && Number.isFinite(bootSeconds) ? bootSeconds * 1_000 + ticks * 10 : undefined;
}

/** Undefined where this process may not see that one. */
function processOf(proc: string, pid: number): VswitchdFacts['process'] {
  try {
    // proc(5): " (deleted)" is appended when the file was unlinked, as a package manager does.
    const exe = readlinkSync(join(proc, String(pid), 'exe'));
    const started = startedMs(proc, pid);
    if (started === undefined) return undefined;
    const isReplaced = exe.endsWith(' (deleted)');
    const binaryMs = isReplaced ? undefined : Math.max(statSync(exe).mtimeMs, statSync(exe).ctimeMs);
    return { isReplaced, startedMs: started, binaryMs };
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/** Asks ovs-vswitchd for its version. @throws AgentError when it does not answer in time */
export async function readVswitchd(runDir: string, clock: Clock, signal: AbortSignal): Promise<VswitchdFacts> {
  const path = findControlSocket(runDir, 'ovs-vswitchd');
  const pid = Number(/\.(\d+)\.ctl$/.exec(path)?.[1]);
  const client = await UnixctlClient.connect(path, { clock });
  try {
    const version = await client.call('version', [], { signal });
    return { pid, version: version.split('\n')[0] ?? '', process: processOf('/proc', pid) };
  } finally {
    client.close();
  }
}
