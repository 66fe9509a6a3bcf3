/**
 * What is wrong with a configuration, as data and as text for people. `ConfigError` carries every problem that was found;
 * the command line prints them with `formatProblems`, the watcher passes them on.
 */
import { AgentError } from '../lib/errors.js';

/** Where a value was given: a line of the file, an environment variable, `--set`, or nowhere. */
export type Origin = 'default' | `file:${number}` | `env:${string}` | 'flag';

/** One thing that is wrong. All texts are safe to print: bounded, and free of control characters and secrets. */
export interface ConfigProblem {
  /** Path of the key, `$` for the document as a whole, the variable's name or the flag's text when it is no path at all. */
  readonly path: string;
  readonly origin: Origin;
  /** From 1; only when the origin is the file. */
  readonly line?: number;
  /** From 1, in UTF-16 units; only when the origin is the file. */
  readonly column?: number;
  /** What is wrong, and what is allowed; no full stop. */
  readonly message: string;
  /** What to do about it, when there is something better to say than what is allowed. */
  readonly remedy?: string;
  /** The line of the file, unless it may hold a secret. */
  readonly excerpt?: string;
}

/** A configuration that is refused as a whole (CONFIG_INVALID). */
export class ConfigError extends AgentError {
  override readonly name = 'ConfigError';
  /** Not empty; those of the file by line, then those of the environment, then those of the flags. */
  readonly problems: readonly ConfigProblem[];

  /** @param problems at least one, in any order */
  constructor(problems: readonly ConfigProblem[]) {
    const sorted = [...problems].sort(compareProblems);
    const first = sorted[0];
    const more = sorted.length > 1 ? ` (and ${sorted.length - 1} more)` : '';
    super('CONFIG_INVALID', `the configuration is not valid: ${first ? summary(first) : 'no reason given'}${more}`, {
      facts: { problems: sorted.length, path: first?.path, line: first?.line },
      remedy: first?.remedy ?? 'Correct the configuration; nothing was changed.',
    });
    this.problems = sorted;
  }
}

function summary(problem: ConfigProblem): string {
  const place = problem.line === undefined ? '' : `line ${problem.line}: `;
  return `${place}${problem.path}: ${problem.message}`;
}

function compareProblems(a: ConfigProblem, b: ConfigProblem): number {
  return (
    originRank(a) - originRank(b) ||
    (a.line ?? 0) - (b.line ?? 0) ||
    (a.column ?? 0) - (b.column ?? 0) ||
    compareText(a.path, b.path) ||
    compareText(a.message, b.message)
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function originRank(problem: ConfigProblem): number {
  if (problem.origin.startsWith('file:')) return 0;
  if (problem.origin.startsWith('env:')) return 1;
  return problem.origin === 'flag' ? 2 : 3;
}

/**
 * The problems for people: place, path and message; the line with a caret below it; the remedy. Several lines per
 * problem, a blank line between two, and a count at the end.
 * @param fileName how to call the file
 */
export function formatProblems(error: ConfigError, fileName: string): string {
  const blocks = error.problems.map((problem) => formatProblem(problem, fileName));
  const count = error.problems.length === 1 ? '1 problem' : `${error.problems.length} problems`;
  return `${blocks.join('\n\n')}\n\n${count}; nothing was changed.\n`;
}

function formatProblem(problem: ConfigProblem, fileName: string): string {
  const place = formatPlace(problem, fileName);
  const lines = [
    place.endsWith(problem.path) ? `${place}: ${problem.message}` : `${place}: ${problem.path}: ${problem.message}`,
  ];
  if (problem.excerpt !== undefined && problem.line !== undefined) {
    const label = String(problem.line).padStart(5);
    lines.push(`${label} | ${problem.excerpt}`);
    const column = problem.column ?? 1;
    if (column <= problem.excerpt.length + 1) lines.push(`${' '.repeat(label.length)} | ${' '.repeat(column - 1)}^`);
  }
  if (problem.remedy !== undefined) lines.push(`      = ${problem.remedy}`);
  return lines.join('\n');
}

function formatPlace(problem: ConfigProblem, fileName: string): string {
  if (problem.line !== undefined) return `${fileName}:${problem.line}:${problem.column ?? 1}`;
  if (problem.origin.startsWith('env:')) return `environment variable ${problem.origin.slice('env:'.length)}`;
  return problem.origin === 'flag' ? '--set' : fileName;
}
