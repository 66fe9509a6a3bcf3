/**
 * Checks certificates and keys before they are used, so that a mistake is reported with its file and field, and not as a
 * failed handshake. Used by Credentials; opens no connection.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { toError } from '../lib/errors.js';
import { credentialError } from './credential-error.js';
import type { CredentialPlace } from './credential-error.js';

/** What a TLS connection to the server needs. */
export interface TlsMaterial {
  /** Authorities of the server, PEM; undefined for those of the system. */
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly serverName: string | undefined;
  readonly verifiesServer: boolean;
}

const certificateBlock =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** As many as all public authorities there are, and more. */
const certificatesMax = 1000;

/**
 * The certificates of a PEM text.
 * @throws AgentError KUBE_CREDENTIALS when there is none, or one is not a certificate
 */
export function checkCertificates(pem: string, place: CredentialPlace): readonly X509Certificate[] {
  const blocks = (pem.match(certificateBlock) ?? []).slice(0, certificatesMax);
  if (blocks.length === 0) throw credentialError('there is no certificate where one should be', place);
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw credentialError('a certificate cannot be read', place, { reason: toError(cause).message });
    }
  });
}

/**
 * Whether a client certificate and its key are usable and belong together; gives the certificates of the chain.
 * @throws AgentError KUBE_CREDENTIALS
 */
export function checkClientPair(
  certificate: { readonly pem: string; readonly place: CredentialPlace },
  key: { readonly pem: string; readonly place: CredentialPlace },
): readonly X509Certificate[] {
  const chain = checkCertificates(certificate.pem, certificate.place);
  const [leaf] = chain;
  const privateKey = readKey(key.pem, key.place);
  if (leaf !== undefined && !leaf.checkPrivateKey(privateKey)) {
    throw credentialError('the client key does not belong to the client certificate', key.place, {
      remedy: 'If both are being renewed, nothing: they are read again in a moment.',
    });
  }
  return chain;
}

function readKey(pem: string, place: CredentialPlace): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    throw credentialError('the client key is encrypted', place, {
      remedy: 'Store the key without a passphrase, readable for this process alone.',
    });
  }
  try {
    return createPrivateKey(pem);
  } catch {
    // What OpenSSL says of a key is of no use, and nobody has proved that it never quotes it.
    throw credentialError('the client key cannot be read', place);
  }
}
