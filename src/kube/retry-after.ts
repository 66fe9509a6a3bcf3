/**
 * The header Retry-After of RFC 9110 section 10.2.3: seconds, or a date. Used for answers 429 and 503.
 */

/**
 * How long the server asks to wait, ms; undefined when the header says nothing usable.
 * @param serverMs the server's own clock (its Date header), or ours where it did not tell
 */
export function retryAfterMs(header: string | undefined, serverMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = text === '' ? NaN : Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - serverMs);
}
