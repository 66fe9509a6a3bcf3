/** Names that a person may have meant. Used by those who answer questions about objects by their name. */

/** The longest name of a Kubernetes object (RFC 1123); longer ones are no slip of anybody's. */
const askedLengthMax = 253;
/** Names that are compared for one suggestion, and those that are kept to be sorted: it is a courtesy, and has to cost little. */
const lookedCountMax = 20_000;
const nearCountMax = 1_000;

/** Whether somebody who wrote `asked` may have meant `name`: one of them goes on where the other ends, or one letter is off. */
export function isSimilar(asked: string, name: string): boolean {
  if (asked === '' || asked.length > askedLengthMax) return false;
  if (name.startsWith(asked) || asked.startsWith(name)) return true;
  if (Math.abs(asked.length - name.length) > 1) return false;
  let start = 0;
  while (start < asked.length && asked[start] === name[start]) start += 1;
  const rests = [asked.slice(start), name.slice(start)] as const;
  return [0, 1].some((cut) => rests[0].slice(cut) === rests[1].slice(1) || rests[0].slice(1) === rests[1].slice(cut));
}

/** The names among `names` that may have been meant, sorted, each once, at most `countMax`; of very many names those that come first. */
export function similarNames(asked: string, names: Iterable<string>, countMax: number): readonly string[] {
  const near = new Set<string>();
  let lookedCount = 0;
  if (asked.length > askedLengthMax) return [];
  for (const name of names) {
    lookedCount += 1;
    if (lookedCount > lookedCountMax || near.size >= nearCountMax) break;
    if (isSimilar(asked, name)) near.add(name);
  }
  return [...near].sort().slice(0, countMax);
}
