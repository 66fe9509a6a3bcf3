/**
 * Text that somebody else wrote, made safe to show. Names, annotations and error strings from OVS or from the host
 * cluster are hostile until proved otherwise: control characters could forge log lines or drive a terminal.
 */

// C0, DEL, C1, the bidirectional overrides and the line separators of Unicode, and lone surrogates.
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu;

/** `text` with control and direction characters escaped as \uXXXX and at most `lengthMax` characters long. */
export function safeText(text: string, lengthMax = 256): string {
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text;
  return cut.replace(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
