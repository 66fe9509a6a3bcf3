/** The command line of `dpu-node-agent`, parsed into one command. */

import { parseArgs } from 'node:util';
import { AgentError } from '../lib/errors.js';

/** Where the configuration is looked for when nobody names a file. */
export const configFileDefault = '/etc/dpu-node-agent/config.yaml';

export interface ConfigSource {
  readonly file: string;
  /** `path=value` overrides, in order. */
  readonly sets: readonly string[];
}

export type Command =
  | { readonly kind: 'run'; readonly source: ConfigSource }
  | { readonly kind: 'plan'; readonly source: ConfigSource; readonly isJson: boolean }
  | { readonly kind: 'apply'; readonly source: ConfigSource; readonly isJson: boolean; readonly waitMs: number }
  | { readonly kind: 'configCheck' | 'configShow'; readonly source: ConfigSource }
  | { readonly kind: 'configSchema' }
  | { readonly kind: 'version' }
  | { readonly kind: 'help' };

export const helpText = `dpu-node-agent: keeps the Open vSwitch bridges of a DPU as configured

Usage: dpu-node-agent [run] [options]     run the agent
       dpu-node-agent plan [--json]       print what would be changed, and change nothing
       dpu-node-agent apply --once        bring the switch to what is configured, once, and say what is ready
       dpu-node-agent config check [FILE] say what is wrong with a configuration file
       dpu-node-agent config show         print the effective configuration, with the origin of each value
       dpu-node-agent config schema       print the JSON Schema of the configuration
       dpu-node-agent version

Options:
  -c, --config FILE      configuration file (default ${configFileDefault}; or DPU_AGENT_CONFIG)
      --set PATH=VALUE   override one value, for example --set log.level=debug; may be repeated
      --json             machine-readable output (plan, apply)
      --wait SECONDS     how long apply --once waits for evidence (default 30)
  -h, --help             print this

Exit status: 0 success; 1 failure; 2 wrong usage or configuration; 3 plan: there is something to change,
apply: something is not ready.
`;

function usage(message: string, cause?: unknown): AgentError {
  return new AgentError('USAGE', message, { cause, remedy: 'See dpu-node-agent --help.' });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: 'string', short: 'c' },
        set: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        once: { type: 'boolean', default: false },
        wait: { type: 'string', default: '30' },
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', default: false },
      },
    });
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function parseWaitMs(text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !Number.isFinite(seconds) || seconds < 0 || seconds > 86_400) {
    throw usage(`--wait takes seconds from 0 to 86400, not "${text}"`);
  }
  return seconds * 1_000;
}

/**
 * The command that the arguments ask for.
 * @throws AgentError USAGE
 */
export function parseCommand(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Command {
  const { values, positionals } = parse(args);
  const [name = 'run', ...rest] = positionals;
  if (values.help) return { kind: 'help' };
  if (values.version || name === 'version') return { kind: 'version' };
  const source = { file: values.config ?? env['DPU_AGENT_CONFIG'] ?? configFileDefault, sets: values.set };
  if (name === 'config') return parseConfigCommand(rest, source);
  if (rest.length > 0) throw usage(`unexpected argument "${rest[0] ?? ''}"`);
  switch (name) {
    case 'run':
      return { kind: 'run', source };
    case 'plan':
      return { kind: 'plan', source, isJson: values.json };
    case 'apply':
      if (!values.once) throw usage('apply needs --once; to keep the switch as configured, use run');
      return { kind: 'apply', source, isJson: values.json, waitMs: parseWaitMs(values.wait) };
    default:
      throw usage(`there is no command "${name}"`);
  }
}

function parseConfigCommand(rest: readonly string[], source: ConfigSource): Command {
  const [action = '', file, extra] = rest;
  if (extra !== undefined) throw usage(`unexpected argument "${extra}"`);
  const named = file === undefined ? source : { ...source, file };
  if (action === 'check') return { kind: 'configCheck', source: named };
  if (action === 'show') return { kind: 'configShow', source: named };
  if (action === 'schema') return { kind: 'configSchema' };
  throw usage('config takes one of: check, show, schema');
}
