/**
 * Commands that a person may paste into a shell, with names in them that somebody else chose. A name that cannot be written
 * exactly and harmlessly gives no command at all: a command that means another object is worse than none. Used by `why`.
 */

/** Needs no quotes in any POSIX shell. */
const bareWord = /^[A-Za-z0-9_./:@%+=,-]+$/;
// Escaped control characters (`\u001b`) and cut texts (`…`) are not the name any more: no backslash, ASCII only.
const exactText = /^[\x20-\x5b\x5d-\x7e]{1,600}$/;
/** A name in a database's own notation that needs no quotes (ovs-vsctl(8), "Database Values"). */
const bareAtom = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** A name for use as an argument of its own; undefined when it would be taken for an option or cannot be written exactly. */
export function plain(name: string | undefined): string | undefined {
  return name === undefined || name.startsWith('-') || !exactText.test(name) ? undefined : name;
}

/** A name as a value in a condition of `ovs-vsctl` or `ovn-sbctl`: `column=value`. */
export function databaseText(name: string | undefined): string | undefined {
  if (name === undefined || !exactText.test(name)) return undefined;
  return bareAtom.test(name) ? name : JSON.stringify(name);
}

/** Whether a row can be named by it directly, as in `ovs-vsctl list Interface NAME`. */
export function isBareName(name: string): boolean {
  return bareAtom.test(name);
}

/** `text` as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return bareWord.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The words as one command line; undefined as soon as one of them is. */
export function shellCommand(...words: readonly (string | undefined)[]): string | undefined {
  const known = words.filter((word) => word !== undefined);
  return known.length < words.length ? undefined : known.map(shellWord).join(' ');
}
