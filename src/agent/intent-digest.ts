/** One text for equal bundles, whatever the order of their keys, and its digest. Pure. */

import { createHash } from 'node:crypto';

/** Far more levels than the schema of a bundle has. */
const depthMax = 64;

/** JSON with sorted keys, without keys that are absent; undefined for what is nested too deeply, or is no plain data. */
export function canonicalText(value: unknown, depth = 0): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : undefined;
  if (typeof value !== 'object' || depth >= depthMax) return undefined;
  const isList = Array.isArray(value);
  const parts: string[] = [];
  if (isList) {
    for (const item of value as readonly unknown[]) {
      const text = canonicalText(item, depth + 1);
      if (text === undefined) return undefined;
      parts.push(text);
    }
    return `[${parts.join(',')}]`;
  }
  const entries = (Object.entries(value) as [string, unknown][]).filter(([, child]) => child !== undefined);
  for (const [key, child] of entries.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const text = canonicalText(child, depth + 1);
    if (text === undefined) return undefined;
    parts.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${parts.join(',')}}`;
}

/** SHA-256 in hexadecimal digits. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
