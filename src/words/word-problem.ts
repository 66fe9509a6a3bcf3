/** What is wrong with a bundle, and where: the one shape for both directions of the mapping. */

/** Keys are strings, places in a list are numbers. */
export type WordPath = readonly (string | number)[];

/** One thing that is wrong. All texts are safe to print. */
export interface WordProblem {
  /** Path in the bundle: `bridges[0].ports[2].vlan.tag`; `$` is the whole. */
  readonly field: string;
  /** The value, what is wrong with it, and what is allowed. */
  readonly message: string;
  readonly remedy: string | undefined;
}

const bareKey = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const keyLengthMax = 64;

/** The path as people write it, as in the problems of the configuration file. */
export function formatWordPath(path: WordPath): string {
  const steps = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    return bareKey.test(step) ? `.${step}` : `[${quoted(step)}]`;
  });
  return steps.length === 0 ? '$' : steps.join('').replace(/^\./, '');
}

// JSON escapes control characters; what it leaves of Unicode is escaped here.
function quoted(key: string): string {
  const text = JSON.stringify(key.slice(0, keyLengthMax));
  return text.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
