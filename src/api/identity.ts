/** Who is at the other end of a connection, as the kernel or a verified certificate says; what that is worth is in `grants.ts`. */

import type { X509Certificate } from 'node:crypto';
import { safeText } from '../lib/text.js';

/** A process on the Unix socket. */
export interface ProcessIdentity {
  readonly kind: 'process';
  readonly uid: number;
  /** Its groups, the primary one first. */
  readonly gids: readonly number[];
  /** Undefined where several hold the connection. */
  readonly pid: number | undefined;
}

/** A process on the Unix socket of which nobody could tell whose it is. */
export interface UnknownIdentity {
  readonly kind: 'unknown';
  /** Why, one sentence. */
  readonly reason: string;
}

/** The names in a client certificate that was verified. */
export interface CertificateIdentity {
  readonly kind: 'certificate';
  /** Each as a grant writes it: `spiffe://…`, `uri:…`, `dns:…`, `cn:…`; the most telling first. */
  readonly names: readonly string[];
  /** Milliseconds since 1970 UTC. */
  readonly endsMs: number;
}

export type Identity = ProcessIdentity | UnknownIdentity | CertificateIdentity;

/** The identity for logs and the journal, safe to print. */
export function identityText(identity: Identity): string {
  switch (identity.kind) {
    case 'process':
      return identity.pid === undefined ? `uid ${identity.uid}` : `uid ${identity.uid} (pid ${identity.pid})`;
    case 'unknown':
      return 'unknown process';
    case 'certificate':
      return safeText(identity.names[0] ?? 'certificate without a name');
  }
}

/** The peer whose connections and calls count together. */
export function peerKey(identity: Identity): string {
  switch (identity.kind) {
    case 'process':
      return `uid:${identity.uid}`;
    case 'unknown':
      return 'unknown';
    case 'certificate':
      return identityText(identity);
  }
}

interface AltName {
  readonly kind: string;
  readonly value: string;
}

// An entry of Node's list: the kind, then a JSON string where the value holds anything that could be taken for the list's own
// punctuation (Node since CVE-2021-44532), else the bare value. A comma in a bare value cannot be, so it ends the entry.
const altName = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/**
 * The entries of `X509Certificate.subjectAltName`.
 * @returns undefined for text that is not wholly understood, of which then nothing is believed
 */
export function parseAltNames(text: string): readonly AltName[] | undefined {
  const names: AltName[] = [];
  altName.lastIndex = 0;
  while (altName.lastIndex < text.length) {
    const [, kind, raw] = altName.exec(text) ?? [];
    if (kind === undefined || raw === undefined) return undefined;
    const value = unquoted(raw);
    if (value === undefined) return undefined;
    names.push({ kind, value });
  }
  return names;
}

function unquoted(raw: string): string | undefined {
  if (!raw.startsWith('"')) return raw;
  try {
    return JSON.parse(raw) as string;
  } catch (error) {
    // Node escapes some bytes in ways that JSON has not; such a name is nobody's.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

// What a grant can name: printable ASCII without space. Anything else in a certificate matches nothing.
const uriForm = /^[a-z][a-z0-9+.-]*:[!-~]+$/i;
const dnsForm = /^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
const commonNameForm = /^[ -~]{1,64}$/;

function commonNameOf(certificate: X509Certificate): string | undefined {
  // From the parsed form and not from `subject`, which is text with line breaks. Beyond its type, a certificate may have no
  // subject, and several names are an array.
  const { subject } = certificate.toLegacyObject() as { readonly subject?: { readonly CN?: unknown } };
  const name = subject?.CN;
  return typeof name === 'string' && commonNameForm.test(name) ? name : undefined;
}

function namesOf(altNames: readonly AltName[]): string[] {
  const uris = altNames.filter(({ kind }) => kind === 'URI').map(({ value }) => value);
  const dns = altNames.filter(({ kind }) => kind === 'DNS').map(({ value }) => value);
  const names: string[] = [];
  for (const uri of uris.filter((value) => uriForm.test(value))) {
    if (!/^spiffe:/i.test(uri)) names.push(`uri:${uri}`);
    // SPIFFE X.509-SVID section 2: exactly one URI. A certificate with more is no SVID.
    else if (uris.length === 1 && uri.startsWith('spiffe://')) names.unshift(uri);
  }
  for (const name of dns.filter((value) => dnsForm.test(value))) names.push(`dns:${name.toLowerCase()}`);
  return names;
}

/** What a verified certificate says of its holder. */
export function certificateIdentity(certificate: X509Certificate): CertificateIdentity {
  const names = namesOf(parseAltNames(certificate.subjectAltName ?? '') ?? []);
  const commonName = commonNameOf(certificate);
  if (commonName !== undefined) names.push(`cn:${commonName}`);
  return { kind: 'certificate', names, endsMs: Date.parse(certificate.validTo) };
}
