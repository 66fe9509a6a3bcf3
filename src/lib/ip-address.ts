/** IP addresses in one spelling, so that they can be compared as texts. */

import { isIP } from 'node:net';

/**
 * The address in one spelling and without its zone; what is IPv4 in IPv6 (RFC 4291 section 2.5.5.2) is IPv4. A text that is no
 * address comes back in small letters.
 */
export function canonicalAddress(address: string): string {
  const bare = address.replace(/%.*$/, '').toLowerCase();
  if (isIP(bare) !== 6) return bare;
  const plain = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain);
  if (mapped === null) return plain;
  const [high, low] = [Number.parseInt(mapped[1] ?? '0', 16), Number.parseInt(mapped[2] ?? '0', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Whether a socket that is bound to the address takes connections on every link. */
export function isWildcardAddress(address: string): boolean {
  return ['0.0.0.0', '::', '*', ''].includes(canonicalAddress(address));
}
