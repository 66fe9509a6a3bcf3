/**
 * Asks the `devlink` tool for ports, eSwitches and device information. Used by the inventory and by the judgement of the
 * eSwitch mode. A system without the tool or without devlink in its kernel is normal (a laptop, the sandbox): the answer
 * then has a reason instead of a value and nothing is thrown.
 */
import { AgentError } from '../lib/errors.js';
import type { Clock } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import { parseDevlinkDevices, parseDevlinkEswitches, parseDevlinkInfo, parseDevlinkPorts } from './devlink.js';
import type { DevlinkEswitch, DevlinkInfo, DevlinkPorts } from './devlink.js';
import { devlinkTool, runTool } from './run-tool.js';
import type { Tool, ToolResult } from './run-tool.js';

/** Why there is no answer from devlink. */
export type DevlinkUnavailableCode =
  'TOOL_MISSING' | 'NOT_SUPPORTED' | 'REFUSED' | 'TIMED_OUT' | 'ABORTED' | 'MALFORMED';

/** An answer, or the reason why there is none. */
export type DevlinkAnswer<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'unavailable'; readonly code: DevlinkUnavailableCode; readonly reason: string };

/** What can be asked. No method rejects. */
export interface DevlinkReader {
  ports(signal?: AbortSignal): Promise<DevlinkAnswer<DevlinkPorts>>;
  /** The eSwitch of each PCI device that has one. */
  eswitches(signal?: AbortSignal): Promise<DevlinkAnswer<readonly DevlinkEswitch[]>>;
  info(signal?: AbortSignal): Promise<DevlinkAnswer<readonly DevlinkInfo[]>>;
}

export interface DevlinkReaderOptions {
  readonly clock: Clock;
  readonly tool?: Tool;
  /** Longest time of one call, ms. devlink waits for the driver's lock, which a firmware reset holds for seconds. */
  readonly timeoutMs?: number;
}

/** Each function is about 350 bytes of JSON: room for twenty thousand. */
const outputBytesMax = 8 * 1024 * 1024;
const timeoutMsDefault = 10_000;

/** What iproute2 writes when the kernel was built without devlink. */
const noDevlinkPattern = /Failed to connect to devlink Netlink/;

/** A reader that runs the tool once for each question. */
export function createDevlinkReader(options: DevlinkReaderOptions): DevlinkReader {
  const tool = options.tool ?? devlinkTool;
  const timeoutMs = options.timeoutMs ?? timeoutMsDefault;
  const ask = async <T>(
    args: readonly string[],
    parse: (json: string) => T,
    signal: AbortSignal | undefined,
  ): Promise<DevlinkAnswer<T>> =>
    judge(await runTool(tool, ['-j', ...args], { clock: options.clock, timeoutMs, signal, outputBytesMax }), parse);

  return {
    ports: (signal) => ask(['port', 'show'], parseDevlinkPorts, signal),
    info: (signal) => ask(['dev', 'info'], parseDevlinkInfo, signal),
    async eswitches(signal) {
      const devices = await ask(['dev', 'show'], parseDevlinkDevices, signal);
      if (devices.kind === 'unavailable') return devices;
      const found: DevlinkEswitch[] = [];
      // Only a PCI function can have an eSwitch; sub-functions on the auxiliary bus answer "not supported".
      for (const handle of devices.value.filter(isPciHandle)) {
        const answer = await ask(['dev', 'eswitch', 'show', handle], parseDevlinkEswitches, signal);
        if (answer.kind === 'answered') found.push(...answer.value);
        else if (answer.code !== 'REFUSED') return answer;
      }
      return { kind: 'answered', value: found };
    },
  };
}

function isPciHandle(handle: string): boolean {
  return /^pci\/[0-9a-fA-F:.]{1,32}$/.test(handle);
}

function unavailable(code: DevlinkUnavailableCode, reason: string): DevlinkAnswer<never> {
  return { kind: 'unavailable', code, reason };
}

function judge<T>(result: ToolResult, parse: (json: string) => T): DevlinkAnswer<T> {
  switch (result.kind) {
    case 'notStarted':
      return unavailable('TOOL_MISSING', `the devlink tool cannot be started (${result.reason})`);
    case 'timedOut':
      return unavailable('TIMED_OUT', 'the devlink tool did not answer in time');
    case 'aborted':
      return unavailable('ABORTED', 'the question was withdrawn');
    case 'broken':
      return unavailable('REFUSED', `the devlink tool broke off (${result.reason})`);
    case 'exited':
      return result.code === 0 ? parseAnswer(result.stdout, parse) : refused(result.stderr);
  }
}

function refused(stderr: string): DevlinkAnswer<never> {
  if (noDevlinkPattern.test(stderr)) return unavailable('NOT_SUPPORTED', 'the kernel has no devlink');
  return unavailable('REFUSED', `devlink refused: ${safeText(stderr.trim(), 200)}`);
}

function parseAnswer<T>(json: string, parse: (json: string) => T): DevlinkAnswer<T> {
  try {
    return { kind: 'answered', value: parse(json) };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return unavailable('MALFORMED', `devlink's answer cannot be read: ${String(error.facts['reason'])}`);
  }
}
