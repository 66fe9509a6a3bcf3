/**
 * Loads the configuration again when its file changes, and hands on what is new and valid. A bad file is reported and
 * changes nothing. Used by the daemon's entry, which also calls `reload` on SIGHUP.
 */
import { watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Clock, Timer } from '../lib/clock.js';
import { AgentError, toError } from '../lib/errors.js';
import type { Config } from './config.js';
import { readConfigText } from './config-text.js';
import { loadConfig, type ConfigSources, type LoadedConfig } from './load.js';
import { ConfigError, formatProblems } from './problem.js';

export interface ConfigWatcherOptions {
  readonly file: string;
  readonly env?: ConfigSources['env'];
  readonly sets?: ConfigSources['sets'];
  readonly clock: Clock;
  /** The configuration in effect. Without it the first reload counts as a change whatever the file says. */
  readonly config?: Config;
  /** How long a burst of changes is waited out, ms; a ConfigMap's update is five operations in one directory. */
  readonly debounceMs?: number;
  /** The file is read again this often whatever happens, ms: watches can be lost, and links can lead elsewhere. */
  readonly rereadMs?: number;
  /** A valid configuration that differs from the last; one that differs in comments alone is not told. */
  readonly onChange: (loaded: LoadedConfig) => void;
  /** The file cannot be read or is not valid; told once for each new reason. The old configuration stays. */
  readonly onProblem: (error: AgentError) => void;
}

/** What a reload came to. */
export type ReloadResult = 'changed' | 'unchanged' | 'refused';

const debounceMsDefault = 200;
const rereadMsDefault = 60_000;

export class ConfigWatcher {
  readonly #options: ConfigWatcherOptions;
  readonly #directory: string;
  /** What the file said when it was last valid, so that reading the same again costs nothing. */
  #text: string | undefined;
  #config: Config | undefined;
  #lastProblem: string | undefined;
  #watch: FSWatcher | undefined;
  /** Told once, until a watch succeeds again. */
  #isWatchLost = false;
  #debounce: Timer | undefined;
  #reread: Timer | undefined;
  #isRunning = false;

  constructor(options: ConfigWatcherOptions) {
    this.#options = options;
    this.#config = options.config;
    // Editors and Kubernetes replace the file or a link beside it (`..data`), so a watch on the file itself would see nothing.
    this.#directory = dirname(options.file);
  }

  /** Starts watching. Does not load: the caller has just done so. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#openWatch();
    this.#scheduleReread();
  }

  /** Stops for good or until the next start; nothing is called afterwards. */
  stop(): void {
    this.#isRunning = false;
    this.#closeWatch();
    this.#debounce?.cancel();
    this.#debounce = undefined;
    this.#reread?.cancel();
    this.#reread = undefined;
  }

  /** Reads the file now. Calls `onChange` or `onProblem` before it returns; never throws for what the file says. */
  reload(): ReloadResult {
    const { file, env = {}, sets = [] } = this.#options;
    let loaded: LoadedConfig;
    try {
      const text = readConfigText(file);
      if (text === this.#text) {
        this.#lastProblem = undefined;
        return 'unchanged';
      }
      loaded = loadConfig({ text, env, sets });
      this.#text = text;
      this.#lastProblem = undefined;
    } catch (thrown) {
      if (!(thrown instanceof AgentError)) throw thrown;
      this.#report(thrown);
      return 'refused';
    }
    if (isDeepStrictEqual(loaded.config, this.#config)) return 'unchanged';
    this.#config = loaded.config;
    this.#options.onChange(loaded);
    return 'changed';
  }

  #report(error: AgentError): void {
    const reason = error instanceof ConfigError ? formatProblems(error, '') : error.message;
    if (reason === this.#lastProblem) return;
    this.#lastProblem = reason;
    this.#options.onProblem(error);
  }

  #openWatch(): void {
    this.#closeWatch();
    try {
      // Events carry no information but "look again": their names and kinds differ between file systems.
      this.#watch = watch(this.#directory, { persistent: false }, () => this.#onEvent());
      this.#watch.on('error', (error) => this.#onWatchLost(error));
      this.#isWatchLost = false;
    } catch (thrown) {
      this.#onWatchLost(toError(thrown));
    }
  }

  #closeWatch(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  /** No watch is no reason to stop: the slow re-read goes on, and tries to watch again. */
  #onWatchLost(cause: Error): void {
    this.#closeWatch();
    if (this.#isWatchLost) return;
    this.#isWatchLost = true;
    const message = `the directory of the configuration file cannot be watched: ${cause.message}`;
    const remedy = 'Changes are still noticed, but later.';
    const facts = { directory: this.#directory };
    this.#options.onProblem(new AgentError('CONFIG_UNREADABLE', message, { facts, cause, remedy }));
  }

  #onEvent(): void {
    if (!this.#isRunning || this.#debounce !== undefined) return;
    this.#debounce = this.#options.clock.after(this.#options.debounceMs ?? debounceMsDefault, () => {
      this.#debounce = undefined;
      this.reload();
    });
  }

  #scheduleReread(): void {
    const onTime = (): void => {
      // The directory may have been replaced by another of the same name, which the old watch would never notice.
      this.#openWatch();
      this.reload();
      this.#scheduleReread();
    };
    this.#reread = this.#options.clock.after(this.#options.rereadMs ?? rereadMsDefault, onTime, true);
  }
}
