/**
 * Where one credential comes from, a file or a text inside another file, and how it is read, within bounds. Used by
 * Credentials. Knows nothing of what the text means, but for PEM that may be wrapped in base64.
 */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { AgentError, systemErrorCode } from '../lib/errors.js';
import { credentialError } from './credential-error.js';
import type { CredentialPlace } from './credential-error.js';

/** A place and how to get the text that belongs there. Never shown as a whole: `text` is a secret. */
export type CredentialSource = CredentialPlace &
  (
    | { readonly kind: 'file'; readonly path: string }
    /** PEM, or base64 of PEM. */
    | { readonly kind: 'pemData'; readonly text: string }
    | { readonly kind: 'text'; readonly text: string }
  );

/** What a PEM text was written as. */
export type PemForm = 'PEM' | 'base64 of PEM';

/** A hundred times the usual: a kubeconfig of many clusters, a bundle of all public authorities. */
export const credentialSizeMax = 1 << 20;

/**
 * Reads a text file of bounded size.
 * @throws AgentError KUBE_CREDENTIALS
 */
export async function readCredentialFile(path: string, place: CredentialPlace): Promise<string> {
  try {
    return await readBounded(path, place);
  } catch (thrown) {
    const reason = systemErrorCode(thrown);
    if (reason === undefined || thrown instanceof AgentError) throw thrown;
    throw credentialError('a file with credentials cannot be read', place, {
      reason,
      remedy: 'Check that the file exists, is mounted, and that the user of this process may read it.',
    });
  }
}

async function readBounded(path: string, place: CredentialPlace): Promise<string> {
  // A pipe must not hold this up before it can be refused.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw credentialError('a file with credentials is not a regular file', place);
    const buffer = Buffer.alloc(Math.min(status.size, credentialSizeMax) + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    if (bytesRead > credentialSizeMax) {
      throw credentialError('a file with credentials is larger than 1 MiB', place);
    }
    // A file that grew while it was read is read again soon.
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The text of a source, as it is written. */
export async function readSource(source: CredentialSource): Promise<string> {
  return source.kind === 'file' ? readCredentialFile(source.path, source) : source.text;
}

const pemMark = '-----BEGIN ';

/**
 * PEM out of a text that is PEM or base64 of PEM, and which of the two it was: kubeconfig files hold base64, what people
 * put into a configuration may be either.
 * @throws AgentError KUBE_CREDENTIALS when it is neither
 */
export function pemOf(text: string, place: CredentialPlace): { readonly pem: string; readonly form: PemForm } {
  if (text.includes(pemMark)) return { pem: text, form: 'PEM' };
  const packed = text.replaceAll(/\s+/g, '');
  const isBase64 = packed !== '' && /^[A-Za-z0-9+/_-]+={0,2}$/.test(packed);
  const pem = isBase64 ? Buffer.from(packed, 'base64').toString('latin1') : '';
  if (pem.includes(pemMark)) return { pem, form: 'base64 of PEM' };
  throw credentialError(pemProblem(packed, isBase64), place, {
    remedy: 'Give the text between and with the lines -----BEGIN … and -----END …, or the base64 of it.',
  });
}

function pemProblem(packed: string, isBase64: boolean): string {
  if (packed === '') return 'a certificate or key is empty';
  return isBase64
    ? 'what should be a certificate or key is base64, but not of PEM'
    : 'what should be a certificate or key is neither PEM nor base64 of PEM';
}
