/**
 * Sets MTUs of network devices and sets them up or down, any number of them by one `ip` process. Used by the adapter that
 * plugs representors: a process per device would take longer than all the rest of a burst.
 */
import type { Clock } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import type { LinkChange } from '../model/netdev.js';
import { isNetdevName } from './netdev-name.js';
import { ipTool, runTool } from './run-tool.js';
import type { Tool, ToolResult } from './run-tool.js';

export interface LinkBatchOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly tool?: Tool;
  /**
   * Longest time of the whole batch, ms. Unless given 10 s and 100 ms more per device: the kernel's rtnl lock is held for
   * seconds while many functions come or go, and a driver takes its time to bring a representor up.
   */
  readonly timeoutMs?: number;
}

/** IPv4's least MTU (RFC 791), and the greatest length that an IP packet can have. */
const mtuLimits = { min: 68, max: 65_535 } as const;

/** Characters that `ip -batch` takes for quotes, comments and continued lines wherever they stand. */
const batchSyntax = /[#'"\\]/;

/** Longest complaint about one device that is expected; what is beyond ends the batch. */
const complaintBytesMax = 512;

/**
 * Carries the changes out in their order and gives, for each device whose change failed, a sentence on why. One failure
 * does not keep the others from happening. The change of one device is one netlink message in which the MTU comes first:
 * where it is refused, the device is not set up either. Doing a change twice does no harm. Never rejects.
 */
export async function applyLinkChanges(
  changes: readonly LinkChange[],
  options: LinkBatchOptions,
): Promise<ReadonlyMap<string, string>> {
  const failures = new Map<string, string>();
  const lines: { readonly name: string; readonly text: string }[] = [];
  for (const change of changes) {
    const fault = faultOf(change);
    const words = wordsOf(change);
    if (fault !== undefined) failures.set(change.name, fault);
    else if (words.length > 0)
      lines.push({ name: change.name, text: `link set dev ${change.name} ${words.join(' ')}` });
  }
  if (lines.length === 0) return failures;
  const result = await runTool(options.tool ?? ipTool, ['-force', '-batch', '-'], {
    clock: options.clock,
    timeoutMs: options.timeoutMs ?? 10_000 + 100 * lines.length,
    signal: options.signal,
    stdin: lines.map(({ text }) => `${text}\n`).join(''),
    outputBytesMax: 65_536 + complaintBytesMax * lines.length,
  });
  const names = lines.map(({ name }) => name);
  for (const [name, sentence] of judge(names, result)) failures.set(name, sentence);
  return failures;
}

/** Why a change is not even tried; undefined when it is. */
function faultOf({ name, mtu }: LinkChange): string | undefined {
  if (!isNetdevName(name)) return 'This is not a name that a network device can have.';
  if (batchSyntax.test(name))
    return 'The name of the device has a character that the ip tool would not take as it stands.';
  if (mtu !== undefined && (!Number.isInteger(mtu) || mtu < mtuLimits.min || mtu > mtuLimits.max)) {
    return `An MTU is a whole number from ${mtuLimits.min} to ${mtuLimits.max}, not ${mtu}.`;
  }
  return undefined;
}

function wordsOf({ mtu, isUp }: LinkChange): readonly string[] {
  const words = mtu === undefined ? [] : ['mtu', String(mtu)];
  return isUp === undefined ? words : [...words, isUp ? 'up' : 'down'];
}

function judge(names: readonly string[], result: ToolResult): ReadonlyMap<string, string> {
  const all = (sentence: string): ReadonlyMap<string, string> => new Map(names.map((name) => [name, sentence]));
  switch (result.kind) {
    case 'exited':
      return complaints(names, result);
    case 'notStarted':
      return all(`The ip tool cannot be started (${result.reason}).`);
    case 'aborted':
      return all('The change was given up before its end was seen.');
    case 'timedOut':
      return all('The kernel did not answer in time; whether the change was made is not known.');
    case 'broken':
      return all(`The ip tool broke off (${result.reason}); whether the change was made is not known.`);
  }
}

/**
 * What a batch complained about, by device. Behind its words on a command that failed iproute2 writes `Command failed -:`
 * and the number of the line, and ends with 1 when it has come to the end of the batch. What it cannot parse ends it at
 * once, with 255 and without the number of a line (iproute2, lib/utils.c, do_batch and invarg).
 */
function complaints(
  names: readonly string[],
  { code, stderr }: { readonly code: number; readonly stderr: string },
): ReadonlyMap<string, string> {
  const failures = new Map<string, string>();
  let words: string[] = [];
  let lastFailed = 0;
  for (const line of stderr.split('\n')) {
    const number = Number(/^Command failed -:(\d{1,9})$/.exec(line)?.[1] ?? 0);
    const name = names[number - 1];
    if (name === undefined) {
      words.push(line);
      continue;
    }
    failures.set(name, sentenceOf(words));
    lastFailed = number;
    words = [];
  }
  const isBrokenOff = code > 1 || (code === 1 && failures.size === 0);
  if (isBrokenOff) breakOff(names.slice(lastFailed), words, failures);
  return failures;
}

/** Which command it was is not known: any behind the last one that is known to have failed. */
function breakOff(names: readonly string[], words: readonly string[], failures: Map<string, string>): void {
  const reason = safeText(words.join(' ').trim(), 200);
  for (const name of names) {
    failures.set(name, `The ip tool broke off (${reason}); whether the change was made is not known.`);
  }
}

/** iproute2 finds no device by itself (first form), or the kernel finds none since it went in between (ENODEV). */
const missingPattern = /Cannot find device|does not exist|No such device/;

function sentenceOf(words: readonly string[]): string {
  const reason = safeText(words.join(' ').trim(), 200);
  if (missingPattern.test(reason)) return 'There is no such network device.';
  return reason === '' ? 'The kernel refused the change.' : `The kernel refused the change: ${reason}`;
}
