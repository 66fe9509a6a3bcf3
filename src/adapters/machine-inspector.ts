/**
 * The machine under the switch, for the supervisor of offload: small files of the kernel, and `ip`, `tc`, `ethtool`, `devlink` and
 * `systemctl` where they are to be had. All of it is what this process can see: in a container of its own network or pid namespace
 * a fact is unknown, and says why.
 */

import type { MachineInspector } from '../agent/offload-ports.js';
import type { MachineQuickReading, MachineSlowReading, ReadingCost } from '../offload/readings.js';
import { createDevlinkReader, type DevlinkAnswer, type DevlinkReader } from '../host/devlink-reader.js';
import type { DevlinkEswitch } from '../host/devlink.js';
import type { FilesUnderRoot } from '../host/file-source.js';
import { readHugePages, readKernelConnections, readMemory, readTcFlags } from '../host/kernel-facts.js';
import { LinkCounterReader } from '../host/link-counter-reader.js';
import { readAddresses, readQdiscs } from '../host/link-facts.js';
import { PlatformBootReader } from '../host/platform-boot.js';
import { readDaemonProcess, readUptimeMs } from '../host/process-facts.js';
import type { Tool } from '../host/run-tool.js';
import { toolTimeoutMs } from '../host/tool-answer.js';
import type { Clock } from '../lib/clock.js';
import { known, unknown } from '../model/fact.js';

export interface HostMachineInspectorOptions extends FilesUnderRoot {
  readonly clock: Clock;
  /** Other tools than those of the system: another network namespace, or stand-ins. */
  readonly tools?: {
    readonly ip?: Tool;
    readonly tc?: Tool;
    readonly ethtool?: Tool;
    readonly systemctl?: Tool;
    readonly devlink?: Tool;
  };
}

export class HostMachineInspector implements MachineInspector {
  readonly #clock: Clock;
  readonly #source: FilesUnderRoot;
  readonly #tools: NonNullable<HostMachineInspectorOptions['tools']>;
  readonly #counters: LinkCounterReader;
  readonly #platform: PlatformBootReader;
  readonly #devlink: DevlinkReader;

  constructor({ clock, tools = {}, ...source }: HostMachineInspectorOptions) {
    const { ip, ethtool, systemctl, devlink } = tools;
    this.#clock = clock;
    this.#source = source;
    this.#tools = tools;
    this.#counters = new LinkCounterReader({
      clock,
      ...source,
      ...(ip === undefined ? {} : { ipTools: [ip] }),
      ...(ethtool === undefined ? {} : { ethtool }),
    });
    this.#platform = new PlatformBootReader({ clock, ...source, ...(systemctl === undefined ? {} : { systemctl }) });
    this.#devlink = createDevlinkReader({
      clock,
      timeoutMs: toolTimeoutMs,
      ...(devlink === undefined ? {} : { tool: devlink }),
    });
  }

  async readQuick(
    pid: number | undefined,
    names: ReadonlySet<string> | undefined,
    signal: AbortSignal,
  ): Promise<MachineQuickReading> {
    const began = this.#begin();
    const [memory, hugePages, process, devices, connections, uptimeMs] = await Promise.all([
      readMemory(this.#source),
      readHugePages(this.#source),
      readDaemonProcess(pid, this.#source),
      names === undefined ? unknown('counters were not asked for') : this.#counters.read(names, signal),
      readKernelConnections(this.#source),
      readUptimeMs(this.#source),
    ]);
    return { ...this.#end(began), memory, hugePages, process, devices, connections, uptimeMs };
  }

  async readSlow(signal: AbortSignal): Promise<MachineSlowReading> {
    const began = this.#begin();
    const { ip, tc } = this.#tools;
    const ask = { clock: this.#clock, signal };
    // One after the other: these are processes, on cores that have other work.
    const platform = await this.#platform.read(signal);
    const eswitches = eswitchesOf(await this.#devlink.eswitches(signal));
    const qdiscs = await readQdiscs({ ...ask, ...(tc === undefined ? {} : { tool: tc }) });
    const addresses = await readAddresses({ ...ask, ...(ip === undefined ? {} : { tool: ip }) });
    const tcFlags = await readTcFlags(this.#source);
    return { ...this.#end(began), platform, eswitches, qdiscs, addresses, tcFlags };
  }

  readPlatform(signal: AbortSignal): Promise<MachineSlowReading['platform']> {
    return this.#platform.read(signal);
  }

  #begin(): { readonly readAtMs: number; readonly wallMs: number } {
    return { readAtMs: this.#clock.nowMs(), wallMs: this.#clock.wallMs() };
  }

  /** Of the time when it began: a counter is at least as new. Open vSwitch is asked nothing here. */
  #end(began: { readonly readAtMs: number; readonly wallMs: number }): typeof began & { readonly cost: ReadingCost } {
    return { ...began, cost: { tookMs: this.#clock.nowMs() - began.readAtMs, mainThreadMs: 0, roundTripMs: 0 } };
  }
}

function eswitchesOf(answer: DevlinkAnswer<readonly DevlinkEswitch[]>): MachineSlowReading['eswitches'] {
  if (answer.kind === 'unavailable') return unknown(answer.reason);
  return known(answer.value.map(({ handle, mode, encapMode }) => ({ device: handle, mode, encapMode })));
}
