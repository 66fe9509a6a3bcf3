/** The `config` commands: check, show, schema. */

import { ConfigError, formatProblems } from '../config/problem.js';
import { configJsonSchema } from '../config/schema.js';
import { formatEffective } from '../config/effective.js';
import { loadConfig, type LoadedConfig } from '../config/load.js';
import type { ConfigSource } from './arguments.js';

export interface CommandOutput {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Loads the configuration, or tells the person what is wrong with it and gives undefined. */
export function loadOrExplain(source: ConfigSource, env: Env, output: CommandOutput): LoadedConfig | undefined {
  try {
    return loadConfig({ file: source.file, env, sets: source.sets });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    output.stderr(formatProblems(error, source.file));
    return undefined;
  }
}

/** `config check`: exit status 0 when the file is right, 2 when not. */
export function checkConfig(source: ConfigSource, env: Env, output: CommandOutput): number {
  const loaded = loadOrExplain(source, env, output);
  if (loaded === undefined) return 2;
  const { bridges } = loaded.config;
  const portCount = bridges.reduce((sum, bridge) => sum + bridge.ports.length, 0);
  output.stdout(`${source.file}: valid; ${bridges.length} bridge(s), ${portCount} port(s)\n`);
  return 0;
}

/** `config show`. */
export function showConfig(source: ConfigSource, env: Env, output: CommandOutput): number {
  const loaded = loadOrExplain(source, env, output);
  if (loaded === undefined) return 2;
  output.stdout(formatEffective(loaded.config, loaded.origins));
  return 0;
}

/** `config schema`. */
export function printSchema(output: CommandOutput): number {
  output.stdout(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
  return 0;
}
