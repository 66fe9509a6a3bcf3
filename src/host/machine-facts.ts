/**
 * What the machine is, read from the kernel's files under an injected root. What cannot change while the kernel runs is read
 * once. Nothing here throws for what a file says or that it is not there: what cannot be read is undefined.
 *
 * | fact                      | where                                                                          |
 * | ------------------------- | ------------------------------------------------------------------------------ |
 * | product, serial           | /sys/class/dmi/id (Documentation/ABI: sysfs-firmware-dmi), else the device tree |
 * | kernel, host name, boot id | /proc/sys/kernel (proc_sys_kernel(5))                                          |
 * | time of the boot          | btime of /proc/stat (proc_stat(5))                                              |
 * | huge pages                | kernel-facts.ts                                                                |
 */

import { cpus, hostname, machine, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { safeText } from '../lib/text.js';
import type { MachineFacts } from '../model/machine.js';
import { systemFiles, type FileSource } from './file-source.js';
import { readHugePages } from './kernel-facts.js';

export interface MachineReaderOptions {
  /** The directory under which `proc`, `sys` and `etc` lie; `/` unless given. */
  readonly root?: string;
  readonly files?: FileSource;
}

/** All but the firmware of the adapter, which is no file. */
export type MachineReading = Omit<MachineFacts, 'firmware'>;

type FixedFacts = Pick<MachineFacts, 'product' | 'serial' | 'kernel' | 'architecture' | 'bootId' | 'bootedWallMs'>;

const smallBytesMax = 4_096;
/** /proc/stat has a number for each interrupt of the machine in one line. */
const statBytesMax = 1_048_576;
const textLengthMax = 256;
/** NR_CPUS of the largest kernels. */
const coresMax = 8_192;

/** Text as files of the kernel and of firmware hold it: ends with a line feed, or with a NUL in the device tree. */
function clean(text: string | undefined): string | undefined {
  const trimmed = text?.replace(/[\0\n][^]*$/, '').trim();
  return trimmed === undefined || trimmed === '' ? undefined : safeText(trimmed, textLengthMax);
}

function wholeNumber(text: string | undefined): number | undefined {
  const value = text?.trim();
  return value !== undefined && /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined;
}

/** How many numbers a list such as `0-7,9` has (Documentation/admin-guide/cputopology.rst). */
export function countCpuList(text: string | undefined): number | undefined {
  let count = 0;
  for (const part of (text ?? '').trim().split(',')) {
    const range = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(part);
    if (range === null) return undefined;
    const first = Number(range[1]);
    count += Math.max(0, Number(range[2] ?? first) - first + 1);
  }
  return count > 0 && count <= coresMax ? count : undefined;
}

/** PRETTY_NAME of os-release(5): a shell assignment, quoted or not. */
export function prettyName(text: string | undefined): string | undefined {
  const line = text?.split('\n').find((entry) => entry.startsWith('PRETTY_NAME='));
  const value = line?.slice('PRETTY_NAME='.length).trim();
  const quoted = value === undefined ? null : /^(["'])(.*)\1$/.exec(value);
  return clean(quoted?.[2]?.replaceAll(/\\(["$`\\])/g, '$1') ?? value);
}

/** Of firmware that nobody filled in. */
const fillers = /^(?:none|not specified|default string|to be filled by o\.e\.m\.|0+)$/i;

/** Reads the machine's files. */
export class MachineReader {
  readonly #root: string;
  readonly #files: FileSource;
  #fixed: Promise<FixedFacts> | undefined;

  constructor({ root = '/', files = systemFiles }: MachineReaderOptions = {}) {
    this.#root = root;
    this.#files = files;
  }

  async read(): Promise<MachineReading> {
    this.#fixed ??= this.#readFixed();
    const [fixed, name, os, cores, memory, hugePages] = await Promise.all([
      this.#fixed,
      this.#text('proc/sys/kernel/hostname'),
      this.#osName(),
      this.#text('sys/devices/system/cpu/online'),
      this.#text('proc/meminfo'),
      this.#hugePages(),
    ]);
    return {
      ...fixed,
      hostname: clean(name) ?? safeText(hostname()),
      os,
      cores: countCpuList(cores) ?? cpus().length,
      memoryBytes: memoryTotal(memory) ?? totalmem(),
      hugePages,
    };
  }

  /** Speed of a link, bits per second; undefined while it is down or the driver does not say (sysfs-class-net: -1). */
  async linkSpeedBps(device: string): Promise<number | undefined> {
    const megabits = wholeNumber(await this.#text(`sys/class/net/${device}/speed`));
    // Older kernels write the unsigned form of -1.
    return megabits === undefined || megabits === 0 || megabits >= 0xffff_ffff ? undefined : megabits * 1_000_000;
  }

  async #readFixed(): Promise<FixedFacts> {
    const dmi = 'sys/class/dmi/id';
    const tree = 'sys/firmware/devicetree/base';
    const stat = await this.#text('proc/stat', statBytesMax);
    const bootedSeconds = wholeNumber(/^btime ([0-9]+)$/m.exec(stat ?? '')?.[1]);
    return {
      product: (await this.#firmwareText(`${dmi}/product_name`)) ?? (await this.#firmwareText(`${tree}/model`)),
      serial:
        (await this.#firmwareText(`${dmi}/product_serial`)) ?? (await this.#firmwareText(`${tree}/serial-number`)),
      kernel: clean(await this.#text('proc/sys/kernel/osrelease')) ?? safeText(release()),
      // Kernels before 6.1 have no such file.
      architecture: clean(await this.#text('proc/sys/kernel/arch')) ?? machine(),
      bootId: clean(await this.#text('proc/sys/kernel/random/boot_id')),
      bootedWallMs: bootedSeconds === undefined ? undefined : bootedSeconds * 1000,
    };
  }

  async #osName(): Promise<string | undefined> {
    return prettyName((await this.#text('etc/os-release')) ?? (await this.#text('usr/lib/os-release')));
  }

  async #firmwareText(path: string): Promise<string | undefined> {
    const text = clean(await this.#text(path));
    return text === undefined || fillers.test(text) ? undefined : text;
  }

  async #hugePages(): Promise<MachineFacts['hugePages']> {
    const pools = await readHugePages({ root: this.#root, files: this.#files });
    return pools.kind === 'known' ? pools.value : [];
  }

  /** Any failure means that the fact is not known: no such file on this machine, no right to read it, too long to be it. */
  async #text(path: string, bytesMax = smallBytesMax): Promise<string | undefined> {
    return this.#files.read(join(this.#root, path), bytesMax).catch(() => undefined);
  }
}

/** MemTotal of proc_meminfo(5), bytes; written in kB. */
function memoryTotal(text: string | undefined): number | undefined {
  const kilobytes = wholeNumber(/^MemTotal:\s+([0-9]+) kB$/m.exec(text ?? '')?.[1]);
  return kilobytes === undefined ? undefined : kilobytes * 1024;
}
