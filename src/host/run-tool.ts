/**
 * Runs one of iproute2's tools once, without a shell, with a deadline and bounded output. Used where the kernel offers
 * only netlink, which Node cannot speak: `devlink` and `ip -batch`. Long-lived children are not its business.
 */
import { execFile } from 'node:child_process';
import type { ChildProcess, ExecFileException } from 'node:child_process';
import type { Clock } from '../lib/clock.js';
import { systemErrorCode, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

/** A program and the arguments that always come first, for example `ip` with `['-n', 'dpu']`. */
export interface Tool {
  /** An absolute path, or a name to be found on the fixed path of system directories. */
  readonly file: string;
  readonly args: readonly string[];
}

export const ipTool: Tool = { file: 'ip', args: [] };
export const devlinkTool: Tool = { file: 'devlink', args: [] };

/** How a run of a tool ended. */
export type ToolResult =
  /** It ended by itself. */
  | { readonly kind: 'exited'; readonly code: number; readonly stdout: string; readonly stderr: string }
  /** It could not be started: not installed, not executable, no process left. */
  | { readonly kind: 'notStarted'; readonly reason: string }
  /** It did not end in time and was killed; what it did is not known. */
  | { readonly kind: 'timedOut' }
  /** The caller's signal was aborted while it ran; what it did is not known. */
  | { readonly kind: 'aborted' }
  /** It was killed by somebody else, or wrote more than `outputBytesMax`. */
  | { readonly kind: 'broken'; readonly reason: string };

export interface RunOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What the tool reads from its standard input; nothing unless given. */
  readonly stdin?: string;
  /** Most bytes of each of its two outputs; 64 KiB unless given. */
  readonly outputBytesMax?: number;
  /** What its environment has beside what every tool's has. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * The environment of every tool: C locale, because its words are read, and a fixed path, because the agent's own
 * environment is nobody's business there.
 */
export const toolEnvironment = { LC_ALL: 'C', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

/** Runs `tool` with `args` and reports how it ended. Never rejects. */
export function runTool(tool: Tool, args: readonly string[], options: RunOptions): Promise<ToolResult> {
  if (options.signal?.aborted) return Promise.resolve({ kind: 'aborted' });
  return new Promise((resolve) => {
    const finish = (result: ToolResult): void => {
      deadline.cancel();
      options.signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const child = startOrSay(tool, args, options, finish);
    if (typeof child === 'string') {
      resolve({ kind: 'notStarted', reason: child });
      return;
    }
    // The promise is settled at once and not when the child is gone: a process in an uninterruptible call (rtnl_lock)
    // outlives even SIGKILL for as long as the call takes.
    const stop = (result: ToolResult): void => {
      child.kill('SIGKILL');
      finish(result);
    };
    const onAbort = (): void => stop({ kind: 'aborted' });
    const deadline = options.clock.after(options.timeoutMs, () => stop({ kind: 'timedOut' }));
    options.signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * The child, or why there is none: spawn reports a handful of errors later, by an event, and throws all others (ETXTBSY, ENOMEM,
 * ENOTDIR, an argument with a zero byte: ChildProcess.prototype.spawn of Node's internal/child_process).
 */
function startOrSay(
  tool: Tool,
  args: readonly string[],
  options: RunOptions,
  finish: (result: ToolResult) => void,
): ChildProcess | string {
  try {
    return start(tool, args, options, finish);
  } catch (error) {
    return systemErrorCode(error) ?? safeText(toError(error).message, 200);
  }
}

function start(
  tool: Tool,
  args: readonly string[],
  options: RunOptions,
  finish: (result: ToolResult) => void,
): ChildProcess {
  const env = { ...options.env, ...toolEnvironment };
  const settings = { env, maxBuffer: options.outputBytesMax ?? 65_536, windowsHide: true };
  const child = execFile(tool.file, [...tool.args, ...args], settings, (error, stdout, stderr) => {
    finish(error === null ? { kind: 'exited', code: 0, stdout, stderr } : failed(error, stdout, stderr));
  });
  // A tool that ends before it has read everything breaks the pipe; how it ended tells why.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.stdin);
  return child;
}

function failed(error: ExecFileException, stdout: string, stderr: string): ToolResult {
  if (typeof error.code === 'number') return { kind: 'exited', code: error.code, stdout, stderr };
  const code = systemErrorCode(error);
  if (error.syscall?.startsWith('spawn')) return { kind: 'notStarted', reason: code ?? error.message };
  return { kind: 'broken', reason: code ?? `signal ${String(error.signal)}` };
}
