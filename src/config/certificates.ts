/**
 * Certificates that stand in the configuration itself: as PEM, or as base64 of PEM, which is how kubeconfig files and
 * Secrets carry them. Used by a rule and by the builder; does not judge validity in time or who signed what.
 */
import { X509Certificate } from 'node:crypto';

/** The certificates as PEM, or what is wrong, as the end of a sentence that begins with the key. Never holds the text. */
export type CertificatesRead = { readonly pem: string } | { readonly fault: string };

const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Reads either form; what stands between the certificates is left out. */
export function certificatesIn(text: string): CertificatesRead {
  const pem = text.includes('-----BEGIN') ? text : decoded(text);
  if (pem === undefined || !pem.includes('-----BEGIN')) return { fault: 'is neither PEM nor base64 of PEM' };
  if (pem.includes('PRIVATE KEY')) return { fault: 'holds a private key, which belongs in a file of its own' };
  const blocks = pem.match(block) ?? [];
  if (blocks.length === 0) return { fault: 'holds no certificate' };
  const broken = blocks.findIndex((certificate) => !isCertificate(certificate));
  return broken >= 0
    ? { fault: `holds a certificate that cannot be read, number ${broken + 1}` }
    : { pem: `${blocks.join('\n')}\n` };
}

function decoded(text: string): string | undefined {
  const packed = text.replace(/\s+/g, '');
  return /^[A-Za-z0-9+/]+={0,2}$/.test(packed) ? Buffer.from(packed, 'base64').toString('latin1') : undefined;
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
