/**
 * What a failure of the network or of TLS means, by how far the request got. Used by the exchange of requests and answers.
 */

import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { CallScope } from './call-scope.js';

/** Codes of Node and OpenSSL that speak of certificates or of the handshake, whenever they come. */
const tlsCode =
  /^(?:EPROTO$|ERR_SSL_|ERR_TLS_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|HOSTNAME_MISMATCH)/;

/** Codes of Node's HTTP parser: the peer does not speak HTTP. */
const httpCode = /^HPE_/;

/** The typed error of what a socket or a request threw. */
export function networkError(thrown: unknown, scope: CallScope): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const system = systemErrorCode(thrown);
  const reason = system ?? safeText(toError(thrown).message);
  const options = { facts: { ...scope.facts, reason, detail: safeText(toError(thrown).message) }, cause: thrown };
  if (system !== undefined && tlsCode.test(system)) {
    return new AgentError('TLS_INVALID', `the TLS connection to the API server failed: ${reason}`, {
      ...options,
      remedy: 'Check the CA that is configured, the name in the certificate of the server, and that it is valid now.',
    });
  }
  if (system !== undefined && httpCode.test(system)) {
    return new AgentError('PEER_PROTOCOL', `the server does not speak HTTP: ${reason}`, options);
  }
  if (scope.phase !== 'sent') {
    return new AgentError('CONNECT_FAILED', `the API server cannot be reached: ${reason}`, {
      ...options,
      remedy: 'Check the address, that the API server runs, and that the network lets it through.',
    });
  }
  return new AgentError('CONNECTION_LOST', `the connection to the API server was lost: ${reason}`, options);
}
