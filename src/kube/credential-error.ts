/**
 * The error of credentials that cannot be read or used: it names file and field, and never what they hold. Used by
 * everything here that reads credentials.
 */

import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

/** The place of a credential: which field of which file. */
export interface CredentialPlace {
  /** Path of the file, or `configuration`. */
  readonly file: string;
  /** For example `users[dpu].user.tokenFile`. */
  readonly field: string;
}

export interface CredentialErrorOptions {
  readonly remedy?: string;
  /** Of the operating system or of OpenSSL; must not hold anything of the credential. */
  readonly reason?: string | undefined;
}

/** Makes a KUBE_CREDENTIALS error whose message ends with the place. */
export function credentialError(
  sentence: string,
  place: CredentialPlace,
  options: CredentialErrorOptions = {},
): AgentError {
  const file = safeText(place.file, 512);
  const field = safeText(place.field);
  const why = options.reason === undefined ? '' : `: ${safeText(options.reason)}`;
  return new AgentError('KUBE_CREDENTIALS', `${sentence}${why} (${field}, ${file})`, {
    facts: { file, field, reason: options.reason === undefined ? undefined : safeText(options.reason) },
    ...(options.remedy === undefined ? {} : { remedy: options.remedy }),
  });
}
