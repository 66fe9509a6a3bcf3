/**
 * Version of the firmware of the adapter behind a network device: what `devlink dev info` says is running, else what the
 * driver tells `ethtool -i`. Both only read.
 */

import type { Clock } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import type { DevlinkInfo } from './devlink.js';
import type { DevlinkReader } from './devlink-reader.js';
import { isNetdevName } from './netdev-name.js';
import { runTool, type Tool } from './run-tool.js';

export const ethtoolTool: Tool = { file: 'ethtool', args: [] };

export interface FirmwareOptions {
  readonly clock: Clock;
  readonly devlink: DevlinkReader;
  readonly ethtool?: Tool;
  /** Longest time of ethtool, ms; the driver's lock may be held by a reset. */
  readonly timeoutMs?: number;
}

const timeoutMsDefault = 5_000;

/** `fw.version` of the running firmware, or `fw` (Documentation/networking/devlink/devlink-info.rst); of PCI devices only. */
export function runningFirmware(devices: readonly DevlinkInfo[]): string | undefined {
  for (const { handle, versions } of devices) {
    const running = versions.get('running');
    const version = handle.startsWith('pci/') ? (running?.get('fw.version') ?? running?.get('fw')) : undefined;
    if (version !== undefined && version !== '') return safeText(version, 128);
  }
  return undefined;
}

/** The line `firmware-version:` of `ethtool -i`; drivers without firmware write `N/A` or nothing. */
export function firmwareLine(output: string): string | undefined {
  const version = /^firmware-version:[ \t]*(.*)$/m.exec(output)?.[1]?.trim();
  return version === undefined || version === '' || version === 'N/A' ? undefined : safeText(version, 128);
}

/**
 * Undefined when nobody knows. Never rejects.
 * @param device an uplink; undefined: there is none to ask ethtool about
 */
export async function readFirmware(device: string | undefined, options: FirmwareOptions): Promise<string | undefined> {
  const answer = await options.devlink.info();
  const running = answer.kind === 'answered' ? runningFirmware(answer.value) : undefined;
  if (running !== undefined || device === undefined || !isNetdevName(device)) return running;
  const { clock, ethtool = ethtoolTool, timeoutMs = timeoutMsDefault } = options;
  const result = await runTool(ethtool, ['-i', device], { clock, timeoutMs });
  return result.kind === 'exited' && result.code === 0 ? firmwareLine(result.stdout) : undefined;
}
