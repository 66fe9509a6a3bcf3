/**
 * Queueing disciplines and addresses of the devices of this network namespace, as `tc` and `ip` say. Asked seldom: each writes
 * something of every device (a thousand veth devices: 86 kB and 425 kB, 15 ms and 26 ms of CPU).
 */

import type { Clock } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import { known, type Fact } from '../model/fact.js';
import { ipTool, runTool, type Tool } from './run-tool.js';
import { isObject, outputOf, rowsOf, toolOutputBytesMax, toolTimeoutMs, type JsonObject } from './tool-answer.js';

export interface LinkFactsOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly tool?: Tool;
}

export const tcTool: Tool = { file: 'tc', args: [] };

/** A device with a discipline for each of its queues has two or three kinds of them. */
const kindsMax = 16;

/** Kinds of queueing disciplines (`ingress`, `clsact`, `noqueue` …), each once, by name of the device. */
export function qdiscKinds(rows: readonly JsonObject[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { dev, kind } of rows) {
    if (typeof dev !== 'string' || typeof kind !== 'string') continue;
    const kinds = found.get(dev) ?? [];
    const shown = safeText(kind, 32);
    if (kinds.length < kindsMax && !kinds.includes(shown)) kinds.push(shown);
    found.set(dev, kinds);
  }
  return found;
}

/** Addresses of `ip -j addr show`, without prefix length, as inet_ntop(3) writes them. */
export function localAddresses(rows: readonly JsonObject[]): ReadonlySet<string> {
  const infos = rows.flatMap(({ addr_info }): readonly unknown[] => (Array.isArray(addr_info) ? addr_info : []));
  const addresses = infos.flatMap((info) =>
    isObject(info) && typeof info['local'] === 'string' ? [info['local']] : [],
  );
  return new Set(addresses.map((address) => safeText(address, 64)));
}

async function ask(
  name: string,
  tool: Tool,
  args: readonly string[],
  options: LinkFactsOptions,
): Promise<Fact<readonly JsonObject[]>> {
  const { clock, signal } = options;
  const limits = { clock, signal, timeoutMs: toolTimeoutMs, outputBytesMax: toolOutputBytesMax };
  return rowsOf(name, outputOf(name, await runTool(tool, args, limits)));
}

/** Never rejects. */
export async function readQdiscs(options: LinkFactsOptions): Promise<Fact<ReadonlyMap<string, readonly string[]>>> {
  const rows = await ask('tc', options.tool ?? tcTool, ['-j', 'qdisc', 'show'], options);
  return rows.kind === 'unknown' ? rows : known(qdiscKinds(rows.value));
}

/**
 * Every address of this network namespace. Node's own list leaves out those of devices that are down, which are lost to nobody.
 * Never rejects.
 */
export async function readAddresses(options: LinkFactsOptions): Promise<Fact<ReadonlySet<string>>> {
  const rows = await ask('ip', options.tool ?? ipTool, ['-j', 'addr', 'show'], options);
  return rows.kind === 'unknown' ? rows : known(localAddresses(rows.value));
}
