/**
 * The entry of this folder: from a file, the environment and flags to a configuration that holds every rule, or to one
 * error that names everything that is wrong. Used at start, for a dry run and by the watcher; changes nothing.
 */
import { buildConfig } from './build.js';
import { checkSchema } from './check-schema.js';
import { configBytesMax, readConfigText, wholeFileError } from './config-text.js';
import type { Config } from './config.js';
import { draftOf } from './draft.js';
import { originsOf } from './origins.js';
import { withEnvironment, withSets } from './overrides.js';
import { ProblemList } from './problem-list.js';
import { ConfigError, type Origin } from './problem.js';
import { checkRules } from './rules.js';
import type { SourceNode } from './source-tree.js';
import { readYaml } from './yaml-source.js';

export interface ConfigSources {
  /** The file to read; not read when `text` is given. Without both there are only defaults and overrides. */
  readonly file?: string;
  /** The text of the file, when the caller has it. */
  readonly text?: string;
  /** The environment; only variables that begin with DPU_AGENT_ are looked at. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `path=value` texts of `--set`, in the order given. */
  readonly sets?: readonly string[];
}

export interface LoadedConfig {
  readonly config: Config;
  /** Where each single value (and list of words or numbers) comes from, by its path, in the order of the file format. */
  readonly origins: ReadonlyMap<string, Origin>;
}

/**
 * Loads and checks a configuration.
 * @throws AgentError CONFIG_UNREADABLE when the file cannot be read
 * @throws ConfigError (CONFIG_INVALID) with every problem that was found
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const text = sources.text ?? (sources.file === undefined ? '' : readConfigText(sources.file));
  if (Buffer.byteLength(text) > configBytesMax) throw wholeFileError(`the file is larger than ${configBytesMax} bytes`);
  const problems = new ProblemList(text);
  const root = readSources(text, sources, problems);
  if (root === undefined) throw new ConfigError(problems.all);
  const { plain, config: input } = checkSchema(root, problems);
  checkRules(draftOf(plain), root, problems);
  if (input === undefined || !problems.isEmpty) throw new ConfigError(problems.all);
  const config = buildConfig(input);
  return { config, origins: originsOf(config, root) };
}

const emptyTree: SourceNode = { kind: 'map', place: { kind: 'file', line: 1, column: 1 }, entries: new Map() };

/** The file with everything that overrides it. Of an unreadable file the variables are still checked on their own. */
function readSources(text: string, sources: ConfigSources, problems: ProblemList): SourceNode | undefined {
  const file = readYaml(text, problems);
  if (file === undefined) {
    withEnvironment(emptyTree, sources.env ?? {}, problems);
    return undefined;
  }
  const withEnv = withEnvironment(file, sources.env ?? {}, problems);
  return withSets(withEnv, sources.sets ?? [], problems);
}
