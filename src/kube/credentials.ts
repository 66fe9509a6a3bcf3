/**
 * The credentials for one cluster, kept current: every file is read again every few seconds while requests are made, and
 * at once when the server refused what it was shown. Used by KubeClient. What cannot be used is not taken over: a rotation
 * that is half done leaves the former credentials in force.
 */

import { isIP } from 'node:net';
import { AgentError } from '../lib/errors.js';
import type { Clock } from '../lib/clock.js';
import type { ClusterAccessOptions } from './access-options.js';
import { inClusterRecipe, serverRecipe } from './access-recipe.js';
import type { AccessRecipe } from './access-recipe.js';
import { credentialError } from './credential-error.js';
import { pemOf, readCredentialFile, readSource } from './credential-source.js';
import type { CredentialSource } from './credential-source.js';
import { parseKubeconfig } from './kubeconfig.js';
import { checkCertificates, checkClientPair } from './tls-material.js';
import type { TlsMaterial } from './tls-material.js';

export interface CredentialsOptions {
  readonly access: ClusterAccessOptions;
  readonly clock: Clock;
  /** The files are not looked at more often than this, ms, unless the server refuses them. */
  readonly rereadMs?: number | undefined;
  /** Whether a kubeconfig may switch the verification of the server off. Default false. */
  readonly allowsUnverifiedTls?: boolean | undefined;
}

/** Which credentials are in force, for people: no secret in it. */
export interface AccessSummary {
  readonly server: string;
  /** `PEM (certificate-authority-data, FILE)`, `system`, `none` … */
  readonly ca: string;
  readonly token: string;
  readonly clientCertificate: string;
  /** When the first of the client's certificates ends, ms since 1970; undefined without one. */
  readonly clientCertificateEndsMs: number | undefined;
}

/** Address and credentials as they are now. */
export interface Access {
  readonly url: URL;
  readonly token: string | undefined;
  readonly tls: TlsMaterial;
  /** Another number: connections that exist were made for another address or with other certificates. */
  readonly generation: number;
  readonly summary: AccessSummary;
}

const rereadMsDefault = 2000;

export class Credentials {
  readonly #options: CredentialsOptions;
  readonly #rereadMs: number;
  #access: Access | undefined;
  #readMs = -Infinity;
  #reading: Promise<void> | undefined;
  #problem: AgentError | undefined;

  constructor(options: CredentialsOptions) {
    this.#options = options;
    this.#rereadMs = options.rereadMs ?? rereadMsDefault;
  }

  /** What was in force when it was last asked for. */
  get last(): Access | undefined {
    return this.#access;
  }

  /** Why the files cannot be taken over as they are now; older credentials may be in force all the same. */
  get problem(): AgentError | undefined {
    return this.#problem;
  }

  /**
   * The credentials in force.
   * @throws AgentError KUBE_CREDENTIALS when there are none
   */
  async current(): Promise<Access> {
    const isFresh = this.#options.clock.nowMs() - this.#readMs < this.#rereadMs;
    return this.#access !== undefined && isFresh ? this.#access : this.refresh();
  }

  /** Reads everything now. */
  async refresh(): Promise<Access> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    await this.#reading;
    if (this.#access !== undefined) return this.#access;
    throw this.#problem ?? credentialError('there are no credentials', { file: 'configuration', field: 'access' });
  }

  async #read(): Promise<void> {
    this.#readMs = this.#options.clock.nowMs();
    try {
      const next = await loadAccess(this.#options);
      this.#access = sameOrNext(this.#access, next);
      this.#problem = undefined;
    } catch (thrown) {
      if (!(thrown instanceof AgentError)) throw thrown;
      this.#problem = thrown;
    }
  }
}

type LoadedAccess = Omit<Access, 'generation'>;

/** Keeps the object, so that nothing is done anew for files that were read again and say the same. */
function sameOrNext(last: Access | undefined, next: LoadedAccess): Access {
  if (last === undefined) return { ...next, generation: 0 };
  const isSameEnd = last.url.href === next.url.href && JSON.stringify(last.tls) === JSON.stringify(next.tls);
  if (isSameEnd && last.token === next.token) return last;
  return { ...next, generation: isSameEnd ? last.generation : last.generation + 1 };
}

async function loadRecipe(options: CredentialsOptions): Promise<AccessRecipe> {
  const { access, allowsUnverifiedTls = false } = options;
  switch (access.kind) {
    case 'kubeconfig': {
      const text = await readCredentialFile(access.file, { file: access.file, field: 'kubeconfig' });
      return parseKubeconfig(text, { file: access.file, context: access.context, allowsUnverifiedTls });
    }
    case 'inCluster':
      return inClusterRecipe(access);
    case 'server':
      return serverRecipe(access);
  }
}

async function loadAccess(options: CredentialsOptions): Promise<LoadedAccess> {
  const recipe = await loadRecipe(options);
  refuseOpenTransport(recipe);
  const ca = await loadPem(recipe.ca);
  if (ca !== undefined) checkCertificates(ca.pem, ca.place);
  const client = await loadClientPair(recipe);
  const token = recipe.token === undefined ? undefined : checkToken(await readSource(recipe.token), recipe.token);
  return {
    url: recipe.url,
    token,
    tls: {
      ca: ca?.pem,
      certificate: client?.certificate,
      key: client?.key,
      serverName: recipe.tlsServerName,
      verifiesServer: recipe.verifiesServer,
    },
    summary: {
      server: recipe.url.href,
      ca: recipe.verifiesServer ? (ca === undefined ? 'system' : shown(ca.form, ca.place)) : 'not verified',
      token: recipe.token === undefined ? 'none' : shown(recipe.token.kind, recipe.token),
      clientCertificate: client === undefined ? 'none' : shown(client.form, client.place),
      clientCertificateEndsMs: client?.endsMs,
    },
  };
}

function shown(form: string, place: CredentialSource): string {
  return `${form} (${place.field}, ${place.file})`;
}

interface LoadedPem {
  readonly pem: string;
  readonly form: string;
  readonly place: CredentialSource;
}

async function loadPem(source: CredentialSource | undefined): Promise<LoadedPem | undefined> {
  return source === undefined ? undefined : { ...pemOf(await readSource(source), source), place: source };
}

interface LoadedPair {
  readonly certificate: string;
  readonly key: string;
  readonly form: string;
  readonly place: CredentialSource;
  readonly endsMs: number | undefined;
}

async function loadClientPair(recipe: AccessRecipe): Promise<LoadedPair | undefined> {
  const [certificate, key] = [await loadPem(recipe.certificate), await loadPem(recipe.key)];
  const lonely = certificate === undefined ? key : key === undefined ? certificate : undefined;
  if (lonely !== undefined) {
    throw credentialError('a client certificate needs its key, and a key its certificate', lonely.place);
  }
  if (certificate === undefined || key === undefined) return undefined;
  const chain = checkClientPair(certificate, key);
  const ends = chain.map((entry) => Date.parse(entry.validTo)).filter((ms) => !Number.isNaN(ms));
  return {
    certificate: certificate.pem,
    key: key.pem,
    form: certificate.form,
    place: certificate.place,
    endsMs: ends.length === 0 ? undefined : Math.min(...ends),
  };
}

/** A bearer token is one word of visible ASCII (RFC 6750 section 2.1); anything else would be refused, or forge a header. */
function checkToken(text: string, source: CredentialSource): string {
  const token = text.trim();
  if (token === '') throw credentialError('the token is empty', source);
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw credentialError('the token holds characters that no token has', source, {
      remedy: 'The file must hold the token alone, as it is and not in base64 lines.',
    });
  }
  return token;
}

/** Credentials in the clear would be everybody's: client-go sends none over http either. */
function refuseOpenTransport(recipe: AccessRecipe): void {
  const { url, token } = recipe;
  if (url.protocol !== 'http:' || token === undefined || isLoopback(url.hostname)) return;
  throw credentialError('the token would be sent in the clear: the address of the API server is http', token, {
    remedy: 'Use https. Plain http with a token is for addresses of this machine alone.',
  });
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}
