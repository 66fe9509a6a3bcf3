/**
 * Reads a kubeconfig file, in YAML or JSON, into a recipe: one context, its cluster and its user. What it cannot honour it
 * refuses by name instead of leaving it out, because leaving it out would mean other rights than the file says. Reads no
 * other file; used by Credentials. The format is `Config` v1 of client-go's clientcmd.
 */

import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { parseServerUrl } from './access-recipe.js';
import type { AccessRecipe } from './access-recipe.js';
import { credentialError } from './credential-error.js';
import type { CredentialPlace } from './credential-error.js';
import type { CredentialSource } from './credential-source.js';

export interface KubeconfigOptions {
  /** Where the text was read from: relative paths start at its folder. */
  readonly file: string;
  readonly context?: string | undefined;
  /** Whether `insecure-skip-tls-verify` may be honoured. */
  readonly allowsUnverifiedTls: boolean;
}

/**
 * The recipe of one context of the file.
 * @throws AgentError KUBE_CREDENTIALS naming the field
 */
export function parseKubeconfig(text: string, options: KubeconfigOptions): AccessRecipe {
  const root = new Section(parseRoot(text, options.file), '', options.file);
  const contextName = options.context ?? root.text('current-context');
  if (contextName === undefined) {
    throw credentialError('the kubeconfig names no current context', root.place('current-context'), {
      remedy: 'Configure the name of the context to use, or set it with `kubectl config use-context`.',
    });
  }
  const context = root.named('contexts', 'context', contextName);
  const cluster = root.named('clusters', 'cluster', context.needed('cluster'));
  const userName = context.text('user');
  const user = userName === undefined ? undefined : root.named('users', 'user', userName);
  refuseUnsupported(cluster, user, options);
  return {
    url: parseServerUrl(cluster.needed('server'), cluster.place('server')),
    tlsServerName: cluster.text('tls-server-name'),
    verifiesServer: !cluster.flag('insecure-skip-tls-verify'),
    ca: cluster.pem('certificate-authority'),
    certificate: user?.pem('client-certificate'),
    key: user?.pem('client-key'),
    token: user?.token(),
  };
}

/** Settings that change who one is or whom one talks to, and that this client does not have. */
function refuseUnsupported(cluster: Section, user: Section | undefined, options: KubeconfigOptions): void {
  if (cluster.flag('insecure-skip-tls-verify') && !options.allowsUnverifiedTls) {
    throw credentialError(
      'the kubeconfig asks not to verify the server, which is not allowed',
      cluster.place('insecure-skip-tls-verify'),
      { remedy: 'Remove it and give certificate-authority-data: whoever answers would get the token otherwise.' },
    );
  }
  cluster.refuse('proxy-url', 'a proxy is not supported', 'Use an address that can be reached directly.');
  const remedy = 'Make a service account with a token for this program, and give a token file or a client certificate.';
  user?.refuse('exec', 'credential plugins (exec) are not supported', remedy);
  user?.refuse('auth-provider', 'credential plugins (auth-provider) are not supported', remedy);
  user?.refuse('username', 'user name and password are not supported', remedy);
  user?.refuse('password', 'user name and password are not supported', remedy);
  for (const field of ['as', 'as-uid', 'as-groups', 'as-user-extra']) {
    user?.refuse(field, 'impersonation is not supported', 'Give credentials of the user who is meant.');
  }
}

function parseRoot(text: string, file: string): unknown {
  const fail = (reason: string): never => {
    throw credentialError('the kubeconfig is not valid YAML', { file, field: 'whole file' }, { reason });
  };
  try {
    // Pretty errors quote the text around them, and here that can be a key.
    const document = parseDocument(text, { prettyErrors: false });
    const [first] = document.errors;
    if (first === undefined) return document.toJS({ maxAliasCount: 100 });
    const line = text.slice(0, first.pos[0]).split('\n').length;
    return fail(`${first.code} in line ${line}`);
  } catch (thrown) {
    if (thrown instanceof RangeError || thrown instanceof ReferenceError) return fail('too deep, or too many aliases');
    throw thrown;
  }
}

/** One map of the file, with the path that leads to it. */
class Section {
  readonly #record: ReadonlyMap<string, unknown>;
  readonly #path: string;
  readonly #file: string;

  constructor(value: unknown, path: string, file: string) {
    this.#path = path;
    this.#file = file;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw credentialError('the kubeconfig lacks a map', { file, field: path === '' ? 'whole file' : path });
    }
    this.#record = new Map(Object.entries(value));
  }

  place(field: string): CredentialPlace {
    return { file: this.#file, field: this.#path === '' ? field : `${this.#path}.${field}` };
  }

  /** A text that is not empty; client-go takes an empty one for none. */
  text(field: string): string | undefined {
    const value = this.#record.get(field) ?? undefined;
    if (value === undefined || value === '') return undefined;
    if (typeof value !== 'string') throw credentialError('a field of the kubeconfig is not text', this.place(field));
    return value;
  }

  needed(field: string): string {
    const value = this.text(field);
    if (value === undefined) throw credentialError('the kubeconfig lacks a field', this.place(field));
    return value;
  }

  flag(field: string): boolean {
    const value = this.#record.get(field) ?? false;
    if (typeof value !== 'boolean') {
      throw credentialError('a field of the kubeconfig is neither true nor false', this.place(field));
    }
    return value;
  }

  refuse(field: string, sentence: string, remedy: string): void {
    const value = this.#record.get(field) ?? '';
    if (value !== '') throw credentialError(sentence, this.place(field), { remedy });
  }

  /** `field-data` goes before `field`, as in client-go. */
  pem(field: string): CredentialSource | undefined {
    const text = this.text(`${field}-data`);
    if (text !== undefined) return { kind: 'pemData', text, ...this.place(`${field}-data`) };
    return this.#fileSource(field);
  }

  /** `tokenFile` goes before `token`, as in client-go. */
  token(): CredentialSource | undefined {
    const text = this.text('token');
    const fallback: CredentialSource | undefined =
      text === undefined ? undefined : { kind: 'text', text, ...this.place('token') };
    return this.#fileSource('tokenFile') ?? fallback;
  }

  /** The map `inner` of the entry called `name` in the list `list`. */
  named(list: string, inner: string, name: string): Section {
    const entries: unknown = this.#record.get(list) ?? [];
    if (!Array.isArray(entries)) throw credentialError('the kubeconfig lacks a list', this.place(list));
    const found = entries
      .map((entry: unknown, index) => new Section(entry, `${list}[${index}]`, this.#file))
      .find((entry) => entry.text('name') === name);
    if (found === undefined) {
      throw credentialError(`the kubeconfig has no ${inner} of this name`, this.place(`${list}[${name}]`));
    }
    return new Section(found.#record.get(inner) ?? {}, `${list}[${name}].${inner}`, this.#file);
  }

  #fileSource(field: string): CredentialSource | undefined {
    const path = this.text(field);
    if (path === undefined) return undefined;
    const { field: full } = this.place(field);
    const absolute = resolve(dirname(this.#file), path);
    return { kind: 'file', path: absolute, file: absolute, field: full };
  }
}
