/** The server's key, certificate and the authorities of its clients, read from files again and again and checked before use. */

import { readFile } from 'node:fs/promises';
import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { AgentError, toError } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string;
}

/** Contents of the files that belong together. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

// Tickets are off: with one, a client would be let in again on a certificate that was checked against authorities of yesterday.
const secureOptions = constants.SSL_OP_NO_TICKET;

/** The options of a TLS context: nothing older than TLS 1.3. */
export function contextOptions({ cert, key, ca }: TlsMaterial): SecureContextOptions {
  return { cert, key, ca, minVersion: 'TLSv1.3', secureOptions };
}

function check({ certFile, clientCaFile }: TlsFiles, material: TlsMaterial): void {
  // What is empty counts as not given, and a file is empty for a moment while it is written: a context without a certificate
  // refuses everybody, and one without authorities takes those that Node was built with.
  for (const [file, text] of [
    [certFile, material.cert],
    [clientCaFile, material.ca],
  ] as const) {
    if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error(`${file} holds no certificate`);
  }
  if (!new X509Certificate(material.cert).checkPrivateKey(createPrivateKey(material.key))) {
    throw new Error('the key does not belong to the certificate');
  }
  createSecureContext(contextOptions(material));
}

/**
 * Reads the files.
 * @throws AgentError TLS_INVALID when one cannot be read, or they do not belong together
 */
export async function readTlsFiles(files: TlsFiles): Promise<TlsMaterial> {
  try {
    const [cert, key, ca] = await Promise.all(
      [files.certFile, files.keyFile, files.clientCaFile].map((file) => readFile(file, 'utf8')),
    );
    const material = { cert: cert ?? '', key: key ?? '', ca: ca ?? '' };
    check(files, material);
    return material;
  } catch (cause) {
    throw new AgentError('TLS_INVALID', `certificates of the gRPC API: ${safeText(toError(cause).message)}`, {
      facts: { certFile: files.certFile, keyFile: files.keyFile, clientCaFile: files.clientCaFile },
      remedy:
        'Put a key and the certificate that belongs to it, and the authorities of clients, at the paths in api.grpc.tls.',
      cause,
    });
  }
}
