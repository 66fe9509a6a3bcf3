/** What is wrong with a configuration, in the short form in which the tests of this folder state it. */
import { loadConfig, type ConfigSources } from '../../src/config/load.js';
import { ConfigError, type ConfigProblem } from '../../src/config/problem.js';

/** The problems that loading finds; empty when it finds none. Any other error is thrown on. */
export function problemsIn(sources: ConfigSources): readonly ConfigProblem[] {
  try {
    loadConfig(sources);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return thrown.problems;
  }
}

/** Each problem of `text` as `line path: message`. */
export function problemLines(text: string): readonly string[] {
  return problemsIn({ text }).map(({ line, path, message }) => `${line ?? '-'} ${path}: ${message}`);
}

/** The one problem of `text`. */
export function onlyProblem(text: string): ConfigProblem {
  const problems = problemsIn({ text });
  if (problems.length !== 1) throw new Error(`${problems.length} problems: ${JSON.stringify(problems, undefined, 1)}`);
  return problems[0]!;
}
