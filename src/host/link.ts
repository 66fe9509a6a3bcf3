/**
 * Sets a device up or down and sets its MTU. Used by the executors that plug representors. Each call is one
 * `ip link set`, which is one netlink message: it happens whole or not at all, and doing it twice does no harm.
 */
import { AgentError } from '../lib/errors.js';
import type { Clock } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import { isNetdevName } from './netdev-name.js';
import { ipTool, runTool } from './run-tool.js';
import type { Tool, ToolResult } from './run-tool.js';

export interface LinkOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly tool?: Tool;
  /** Longest time of one call, ms. The kernel's rtnl lock is held for seconds while many functions come or go. */
  readonly timeoutMs?: number;
}

/** The MTUs that the kernel accepts for a device, bytes. */
export interface MtuRange {
  readonly min: number;
  /** Undefined when the driver sets no limit. */
  readonly max: number | undefined;
}

const timeoutMsDefault = 10_000;

/** IPv4's least MTU (RFC 791), and the greatest length that an IP packet can have. */
const mtuLimits = { min: 68, max: 65_535 } as const;

/**
 * Sets a device up (IFF_UP).
 * @throws AgentError NETDEV_MISSING, NETDEV_REFUSED, DEADLINE_EXCEEDED, ABORTED, ABORTED_IN_FLIGHT
 */
export function setLinkUp(name: string, options: LinkOptions): Promise<void> {
  return setLink(name, ['up'], options);
}

/**
 * Sets a device down.
 * @throws AgentError NETDEV_MISSING, NETDEV_REFUSED, DEADLINE_EXCEEDED, ABORTED, ABORTED_IN_FLIGHT
 */
export function setLinkDown(name: string, options: LinkOptions): Promise<void> {
  return setLink(name, ['down'], options);
}

/**
 * Sets the MTU of a device.
 * @param mtu bytes, 68 to 65535; the driver may accept less
 * @throws AgentError NETDEV_MISSING, NETDEV_REFUSED, DEADLINE_EXCEEDED, ABORTED, ABORTED_IN_FLIGHT
 */
export async function setMtu(name: string, mtu: number, options: LinkOptions): Promise<void> {
  if (!Number.isInteger(mtu) || mtu < mtuLimits.min || mtu > mtuLimits.max) {
    throw refused(name, `an MTU is a whole number from ${mtuLimits.min} to ${mtuLimits.max}`);
  }
  await setLink(name, ['mtu', String(mtu)], options);
}

/**
 * The MTUs that the kernel accepts for a device, or undefined where it does not say. sysfs has them not.
 * @throws AgentError NETDEV_MISSING, NETDEV_REFUSED, DEADLINE_EXCEEDED, ABORTED, ABORTED_IN_FLIGHT
 */
export async function observeMtuRange(name: string, options: LinkOptions): Promise<MtuRange | undefined> {
  return parseMtuRange(await runIp(name, ['-d', '-j', 'link', 'show', 'dev', name], options));
}

async function setLink(name: string, change: readonly string[], options: LinkOptions): Promise<void> {
  await runIp(name, ['link', 'set', 'dev', name, ...change], options);
}

/** Runs `ip` and returns what it wrote. */
async function runIp(name: string, args: readonly string[], options: LinkOptions): Promise<string> {
  if (!isNetdevName(name)) throw refused(name, 'not a valid name of a network device');
  const { clock, signal } = options;
  if (signal?.aborted)
    throw new AgentError('ABORTED', 'the change of a network device was withdrawn', { facts: { name } });
  const timeoutMs = options.timeoutMs ?? timeoutMsDefault;
  return outputOf(name, await runTool(options.tool ?? ipTool, args, { clock, timeoutMs, signal }));
}

function outputOf(name: string, result: ToolResult): string {
  switch (result.kind) {
    case 'exited':
      if (result.code !== 0) throw failure(name, result.stderr);
      return result.stdout;
    case 'notStarted':
      throw refused(name, `the ip tool cannot be started (${result.reason})`);
    case 'aborted':
      throw new AgentError('ABORTED_IN_FLIGHT', 'the change of a network device was given up while it ran', {
        facts: { name },
      });
    case 'timedOut':
      throw new AgentError('DEADLINE_EXCEEDED', 'the kernel did not answer while a network device was changed', {
        facts: { name },
      });
    case 'broken':
      throw new AgentError('DEADLINE_EXCEEDED', 'the ip tool broke off while a network device was changed', {
        facts: { name, reason: result.reason },
      });
  }
}

/** iproute2 finds no device by itself (first form), or the kernel finds none since it went in between (ENODEV). */
const missingPattern = /Cannot find device|does not exist|No such device/;

function failure(name: string, stderr: string): AgentError {
  const reason = safeText(stderr.trim(), 200);
  if (!missingPattern.test(stderr)) return refused(name, reason);
  return new AgentError('NETDEV_MISSING', 'there is no such network device', { facts: { name, reason } });
}

function refused(name: string, reason: string): AgentError {
  return new AgentError('NETDEV_REFUSED', 'the change of a network device was refused', {
    facts: { name: safeText(name, 32), reason },
  });
}

function parseMtuRange(json: string): MtuRange | undefined {
  const [link] = parseLinks(json);
  if (typeof link !== 'object' || link === null || !('min_mtu' in link) || typeof link.min_mtu !== 'number')
    return undefined;
  const max = 'max_mtu' in link && typeof link.max_mtu === 'number' ? link.max_mtu : 0;
  // Zero is the kernel's word for "no limit".
  return { min: link.min_mtu, max: max === 0 ? undefined : max };
}

function parseLinks(json: string): readonly unknown[] {
  try {
    const links: unknown = JSON.parse(json);
    return Array.isArray(links) ? links : [];
  } catch (error) {
    throw new AgentError('PEER_PROTOCOL', 'ip wrote something that is not JSON', { cause: error });
  }
}
