/**
 * A cluster's address and the sources of the credentials for it, before any of them is read. Made from the configuration
 * (or by kubeconfig.ts from a file), used by Credentials.
 */

import { join } from 'node:path';
import type { ClusterAccessOptions } from './access-options.js';
import { credentialError } from './credential-error.js';
import type { CredentialPlace } from './credential-error.js';
import type { CredentialSource } from './credential-source.js';

export interface AccessRecipe {
  readonly url: URL;
  /** The name to expect in the server's certificate, when it is not the host of the URL. */
  readonly tlsServerName: string | undefined;
  /** False: any certificate of the server is taken. */
  readonly verifiesServer: boolean;
  readonly ca: CredentialSource | undefined;
  readonly certificate: CredentialSource | undefined;
  readonly key: CredentialSource | undefined;
  readonly token: CredentialSource | undefined;
}

type Options<Kind> = Extract<ClusterAccessOptions, { readonly kind: Kind }>;

/**
 * The URL of an API server. A missing scheme means https.
 * @throws AgentError KUBE_CREDENTIALS
 */
export function parseServerUrl(text: string, place: CredentialPlace): URL {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  const remedy = 'Write it as https://host:port.';
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw credentialError('the address of the API server is not a URL', place, { remedy });
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw credentialError('the address of the API server holds more than host, port and path', place, { remedy });
  }
  return url;
}

/** The recipe of a pod's own service account. */
export function inClusterRecipe(options: Options<'inCluster'>): AccessRecipe {
  const host = options.host.includes(':') && !options.host.startsWith('[') ? `[${options.host}]` : options.host;
  const place = { file: 'environment', field: 'KUBERNETES_SERVICE_HOST' };
  if (host === '') {
    throw credentialError('this process does not run in a pod of the cluster', place, {
      remedy: 'Configure a kubeconfig file, or a server with a token file.',
    });
  }
  const fileOf = (name: string): CredentialSource => {
    const path = join(options.dir, name);
    return { kind: 'file', path, file: path, field: 'service account' };
  };
  return {
    url: parseServerUrl(`https://${host}:${options.port === '' ? '443' : options.port}`, place),
    tlsServerName: undefined,
    verifiesServer: true,
    ca: fileOf('ca.crt'),
    certificate: undefined,
    key: undefined,
    token: fileOf('token'),
  };
}

/** The recipe of an address with files beside it. */
export function serverRecipe(options: Options<'server'>): AccessRecipe {
  const placeOf = (field: string): CredentialPlace => ({ file: 'configuration', field });
  if (options.caFile !== undefined && options.caData !== undefined) {
    throw credentialError('the CA is given twice, as a file and as text', placeOf('caData'));
  }
  if ((options.certFile === undefined) !== (options.keyFile === undefined)) {
    throw credentialError('a client certificate needs its key, and a key its certificate', placeOf('certFile'));
  }
  const { caData } = options;
  return {
    url: parseServerUrl(options.server, placeOf('server')),
    tlsServerName: undefined,
    verifiesServer: true,
    ca:
      caData === undefined
        ? fileSource(options.caFile, 'caFile')
        : { kind: 'pemData', text: caData, ...placeOf('caData') },
    certificate: fileSource(options.certFile, 'certFile'),
    key: fileSource(options.keyFile, 'keyFile'),
    token: fileSource(options.tokenFile, 'tokenFile'),
  };
}

function fileSource(path: string | undefined, field: string): CredentialSource | undefined {
  return path === undefined ? undefined : { kind: 'file', path, file: path, field };
}
