/**
 * What the kernel says of itself in small files, under an injected root: memory, huge pages, tracked connections, flags of TC. A
 * page of memory that is a huge page is neither in MemAvailable nor in anybody's resident memory.
 */

import { join } from 'node:path';
import { known, unknown, type Fact } from '../model/fact.js';
import type { FilesUnderRoot } from './file-source.js';
import { promptFiles } from './prompt-files.js';

/** All in bytes, but for the count of killed processes. */
export interface MemoryReading {
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** Processes that the kernel killed for want of memory, since boot; undefined: a kernel before 4.13. */
  readonly oomKills: number | undefined;
}

/** A pool of huge pages of one size. */
export interface HugePagePool {
  readonly sizeBytes: number;
  readonly total: number;
  readonly free: number;
}

/** A table of connections that can be full. */
export interface ConnectionTable {
  readonly table: string;
  readonly count: number;
  readonly limit: number;
}

const smallBytesMax = 4_096;
const listBytesMax = 65_536;
/** A kernel knows a handful of sizes of huge pages. */
const hugeSizesMax = 16;

/** Any failure means that the fact is not known: no such file on this machine, no right to read it, too long to be it. */
async function textOf(source: FilesUnderRoot, path: string, bytesMax = smallBytesMax): Promise<string | undefined> {
  const { root = '/', files = promptFiles } = source;
  return files.read(join(root, path), bytesMax).catch(() => undefined);
}

function wholeNumber(text: string | undefined): number | undefined {
  const value = text?.trim();
  return value !== undefined && /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined;
}

/** A line of proc_meminfo(5), bytes; written in kB. */
function memoryLine(text: string | undefined, name: string): number | undefined {
  const kilobytes = new RegExp(`^${name}:\\s+([0-9]{1,12}) kB$`, 'm').exec(text ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** MemTotal and MemAvailable of proc_meminfo(5), oom_kill of /proc/vmstat. Never rejects. */
export async function readMemory(source: FilesUnderRoot = {}): Promise<Fact<MemoryReading>> {
  const [memory, events] = await Promise.all([
    textOf(source, 'proc/meminfo', listBytesMax),
    textOf(source, 'proc/vmstat', listBytesMax),
  ]);
  const totalBytes = memoryLine(memory, 'MemTotal');
  const availableBytes = memoryLine(memory, 'MemAvailable');
  if (totalBytes === undefined || availableBytes === undefined) {
    return unknown('/proc/meminfo does not say how much memory there is and is available');
  }
  const oomKills = wholeNumber(/^oom_kill ([0-9]+)$/m.exec(events ?? '')?.[1]);
  return known({ totalBytes, availableBytes, oomKills });
}

/**
 * Huge pages of all sizes (Documentation/admin-guide/mm/hugetlbpage.rst), smallest first; /proc/meminfo has the default size
 * alone. Never rejects.
 */
export async function readHugePages(source: FilesUnderRoot = {}): Promise<Fact<readonly HugePagePool[]>> {
  const directory = 'sys/kernel/mm/hugepages';
  const { root = '/', files = promptFiles } = source;
  const names = await files.list(join(root, directory)).catch(() => undefined);
  if (names === undefined)
    return unknown(`/${directory} cannot be read: no huge pages in this kernel, or no sysfs here`);
  const sizes = names
    .flatMap((name) => /^hugepages-([0-9]{1,12})kB$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
    .slice(0, hugeSizesMax);
  const found = await Promise.all(
    sizes.map(async (size) => {
      const pool = `${directory}/hugepages-${size}kB`;
      const total = wholeNumber(await textOf(source, `${pool}/nr_hugepages`));
      const free = wholeNumber(await textOf(source, `${pool}/free_hugepages`));
      return total === undefined || free === undefined ? [] : [{ sizeBytes: size * 1024, total, free }];
    }),
  );
  return known(found.flat());
}

/**
 * Connections that the kernel tracks in this network namespace, and how many it tracks at most
 * (Documentation/networking/nf_conntrack-sysctl.rst). None where the module is not loaded. Never rejects.
 */
export async function readKernelConnections(source: FilesUnderRoot = {}): Promise<Fact<readonly ConnectionTable[]>> {
  const directory = 'proc/sys/net/netfilter';
  const [count, limit] = await Promise.all([
    textOf(source, `${directory}/nf_conntrack_count`),
    textOf(source, `${directory}/nf_conntrack_max`),
  ]);
  if (count === undefined && limit === undefined) {
    // Without the module there are no such files, but there is proc.
    const isSeen = (await textOf(source, 'proc/sys/kernel/osrelease')) !== undefined;
    return isSeen ? known([]) : unknown('/proc/sys cannot be read');
  }
  const [connections, connectionsMax] = [wholeNumber(count), wholeNumber(limit)];
  if (connections === undefined || connectionsMax === undefined) {
    return unknown('nf_conntrack_count and nf_conntrack_max cannot be read');
  }
  return known([{ table: 'nf_conntrack', count: connections, limit: connectionsMax }]);
}

/**
 * Whether this kernel says of TC rules if they are in hardware: flags `in_hw` and `not_in_hw`, since Linux 4.11
 * (TCA_CLS_FLAGS_IN_HW of include/uapi/linux/pkt_cls.h). A vendor may have brought them to an older kernel; `silent` is then
 * the careful answer, for it only makes less of what Open vSwitch calls offloaded. Never rejects.
 */
export async function readTcFlags(source: FilesUnderRoot = {}): Promise<Fact<'said' | 'silent'>> {
  const release = /^([0-9]{1,4})\.([0-9]{1,4})/.exec((await textOf(source, 'proc/sys/kernel/osrelease')) ?? '');
  if (release === null) return unknown('/proc/sys/kernel/osrelease cannot be read');
  const [major, minor] = [Number(release[1]), Number(release[2])];
  return known(major > 4 || (major === 4 && minor >= 11) ? 'said' : 'silent');
}
