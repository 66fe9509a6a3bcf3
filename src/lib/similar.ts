/** Names that a person may have meant. Used by those who answer questions about objects by their name. */

/** Whether somebody who wrote `asked` may have meant `name`: one of them goes on where the other ends, or one letter is off. */
export function isSimilar(asked: string, name: string): boolean {
  if (asked === '') return false;
  if (name.startsWith(asked) || asked.startsWith(name)) return true;
  if (Math.abs(asked.length - name.length) > 1) return false;
  let start = 0;
  while (start < asked.length && asked[start] === name[start]) start += 1;
  const rests = [asked.slice(start), name.slice(start)] as const;
  return [0, 1].some((cut) => rests[0].slice(cut) === rests[1].slice(1) || rests[0].slice(1) === rests[1].slice(cut));
}

/** The names among `names` that may have been meant, sorted, each once, at most `countMax`. */
export function similarNames(asked: string, names: Iterable<string>, countMax: number): readonly string[] {
  return [...new Set([...names].filter((name) => isSimilar(asked, name)))].sort().slice(0, countMax);
}
