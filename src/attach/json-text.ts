/**
 * Looks at the text of a JSON value that `JSON.parse` has accepted already: how deep it nests, and the raw text of each
 * member of an object. The readers of annotations use it where a value must survive a rewrite exactly: a number of twenty
 * digits does not survive parsing, and neither does the order of keys that look like numbers.
 */

// Linear on a valid text: every string has its end. On an invalid one it could be quadratic, hence the precondition.
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;

/** How many objects and lists are inside one another at the deepest place. @param text valid JSON */
export function nestingDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(tokens)) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth);
    else if (token === '}' || token === ']') depth--;
  }
  return deepest;
}

/** The members of an object as they are written; of members with the same key the last, as `JSON.parse` has it. @param text valid JSON, an object */
export function rawMembers(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let depth = 0;
  let key: string | undefined;
  let valueStart = 0;
  for (const match of text.matchAll(tokens)) {
    const [token] = match;
    const isEnd = depth === 1 && (token === ',' || token === '}');
    if (isEnd && key !== undefined) {
      members.set(key, text.slice(valueStart, match.index).trim());
      key = undefined;
    } else if (depth === 1 && token === ':') valueStart = match.index + 1;
    else if (depth === 1 && key === undefined && token.startsWith('"')) key = String(JSON.parse(token));
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
  }
  return members;
}
