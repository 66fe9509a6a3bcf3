/**
 * Whether a text is a uuid as Open vSwitch prints it: 8-4-4-4-12 lower-case hexadecimal digits. Asked for every row and
 * reference of a dump, where a regular expression would take a tenth of the whole time.
 */

const length = 36;
const dash = 0x2d;
const isDashAt: readonly boolean[] = Array.from({ length }, (_, at) => at === 8 || at === 13 || at === 18 || at === 23);

/** Whether all of `text` is one uuid. */
export function isUuidText(text: string): boolean {
  if (text.length !== length) return false;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    const isDigit = (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66);
    if (isDashAt[at] === true ? code !== dash : !isDigit) return false;
  }
  return true;
}
