/**
 * Paths to a place in the configuration, such as `bridges[0].ports[1].otherConfig["a.b"]`: how problems, origins and
 * `--set` name a key. Used all over this folder; knows nothing of which paths exist.
 */

/** Keys are strings, positions in a list are numbers; a string in brackets selects a list's item by its `name`. */
export type PathStep = string | number;
export type ConfigPath = readonly PathStep[];

/** How the whole document is called where a key's path would stand. */
export const rootPath = '$';

const bareKey = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** The path as people write it; `$` for the empty path. */
export function formatPath(path: ConfigPath): string {
  if (path.length === 0) return rootPath;
  let text = '';
  for (const step of path) text += formatStep(step, text === '');
  return text;
}

function formatStep(step: PathStep, isFirst: boolean): string {
  if (typeof step === 'number') return `[${step}]`;
  if (!bareKey.test(step)) return `[${JSON.stringify(step)}]`;
  return isFirst ? step : `.${step}`;
}

// One step: [12], ["any text"], [name], or a key with its leading dot.
const stepPattern = /\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\[([^[\]"]+)\]|(?:^|\.)([^.[\]]+)/y;

/** Reads what `formatPath` writes, and `[name]` for an item of a list; undefined when it is no path. */
export function parsePath(text: string): ConfigPath | undefined {
  const path: PathStep[] = [];
  let at = 0;
  while (at < text.length) {
    stepPattern.lastIndex = at;
    const match = stepPattern.exec(text);
    if (match === null) return undefined;
    const step = stepOf(match);
    if (step === undefined) return undefined;
    path.push(step);
    at = stepPattern.lastIndex;
  }
  return path.length === 0 ? undefined : path;
}

function stepOf(match: RegExpExecArray): PathStep | undefined {
  const [, index, quoted, name, key] = match;
  if (index !== undefined) return Number(index);
  if (quoted !== undefined) return unquote(quoted);
  return name ?? key;
}

function unquote(quoted: string): string | undefined {
  try {
    const value: unknown = JSON.parse(quoted);
    return typeof value === 'string' ? value : undefined;
  } catch {
    // A bad escape is a bad path; the caller says so.
    return undefined;
  }
}
