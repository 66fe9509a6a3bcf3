/**
 * The header Retry-After of RFC 9110 section 10.2.3, seconds or a date, and dates as HTTP writes them (section 5.6.7). Used
 * by KubeClient.
 */

/** Ms since 1970 UTC; undefined when it is no date. Date.parse alone would take `1.5` for one. */
export function httpDateMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/**
 * How long the server asks to wait, ms; undefined when the header says nothing usable.
 * @param serverMs the server's own clock (its Date header), or ours where it did not tell
 */
export function retryAfterMs(header: string | undefined, serverMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = httpDateMs(text);
  return atMs === undefined ? undefined : Math.max(0, atMs - serverMs);
}
