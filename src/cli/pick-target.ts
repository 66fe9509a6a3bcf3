/** Which agent is meant: options before the environment before the contexts file; else the agent of this machine. */

import { join, resolve } from 'node:path';
import { safeText } from '../lib/text.js';
import { parseAddress, type ApiTarget } from './api-target.js';
import type { CommandInput } from './command-spec.js';
import type { ContextEntry, ContextsFile } from './contexts-file.js';
import { usage } from './usage.js';

export const runDirDefault = '/run/dpu-node-agent';
/** The agent's socket in its run directory. */
export const socketName = 'api.sock';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the contexts file is: DPUCTL_CONFIG, else in the home directory; undefined where there is none. */
export function contextsPath(env: Environment): string | undefined {
  const named = env['DPUCTL_CONFIG'];
  if (named !== undefined && named !== '') return resolve(named);
  const home = env['HOME'];
  return home === undefined || home === '' ? undefined : join(home, '.config', 'dpuctl', 'config.yaml');
}

type Options = CommandInput['options'];

const text = (options: Options, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

/** The run directory of an agent on this machine. */
export function runDirOf(options: Options, env: Environment): string {
  return resolve(text(options, 'run-dir') ?? env['DPU_AGENT_RUN_DIR'] ?? runDirDefault);
}

function toTarget(address: string, certificates: ContextEntry): ApiTarget {
  const parsed = parseAddress(address);
  if (parsed.kind === 'unix') return parsed;
  const { ca: caFile, cert: certFile, key: keyFile, serverName } = certificates;
  if (caFile === undefined || certFile === undefined || keyFile === undefined) {
    throw usage(
      `${safeText(address)} is reached over TLS, and certificates are missing`,
      'Name them with --ca, --cert and --key, or in a context (--context).',
    );
  }
  const { host, port } = parsed;
  return { kind: 'tls', host, port, caFile, certFile, keyFile, serverName };
}

function findContext({ file, contexts }: ContextsFile, name: string): ContextEntry {
  const found = contexts.get(name);
  if (found !== undefined) return found;
  const names = [...contexts.keys()].map((entry) => safeText(entry));
  throw usage(
    `there is no context "${safeText(name)}" in ${safeText(file)}`,
    names.length === 0 ? 'The file names none.' : `There are: ${names.join(', ')}.`,
  );
}

/**
 * The agent that is meant. `load` reads the contexts file, if it has to be read at all.
 * @throws AgentError USAGE when it cannot be told, CONFIG_INVALID and CONFIG_UNREADABLE for the contexts file
 */
export async function pickTarget(
  options: Options,
  env: Environment,
  load: () => Promise<ContextsFile | undefined>,
): Promise<ApiTarget> {
  const named = text(options, 'context');
  const address = text(options, 'address');
  const isLocal = text(options, 'run-dir') !== undefined;
  const fromEnv = env['DPUCTL_ADDRESS'] ?? (env['DPU_AGENT_RUN_DIR'] === undefined ? undefined : 'local');
  const needsFile = named !== undefined || (address === undefined && !isLocal && fromEnv === undefined);
  const contexts = needsFile ? await load() : undefined;
  if (named !== undefined && contexts === undefined) {
    throw usage(`there is no contexts file that could hold "${safeText(named)}"`, 'See docs/cli.md, contexts.');
  }
  const current = named ?? (needsFile ? contexts?.current : undefined);
  const context = current === undefined || contexts === undefined ? {} : findContext(contexts, current);
  const certificates: ContextEntry = {
    ca: text(options, 'ca') ?? context.ca,
    cert: text(options, 'cert') ?? context.cert,
    key: text(options, 'key') ?? context.key,
    serverName: text(options, 'server-name') ?? context.serverName,
  };
  const local = `unix:${join(runDirOf(options, env), socketName)}`;
  if (address !== undefined) return toTarget(address, certificates);
  if (isLocal) return toTarget(local, certificates);
  if (named === undefined && env['DPUCTL_ADDRESS'] !== undefined) return toTarget(env['DPUCTL_ADDRESS'], certificates);
  return toTarget(context.address ?? local, certificates);
}
