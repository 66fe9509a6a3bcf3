import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseKubeconfig } from '../../src/kube/kubeconfig.js';
import type { AccessRecipe } from '../../src/kube/access-recipe.js';
import { AgentError } from '../../src/lib/errors.js';

interface Parts {
  readonly cluster?: object;
  readonly user?: object;
  readonly root?: object;
}

function textOf({ cluster = {}, user = {}, root = {} }: Parts = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    contexts: [
      { name: 'other', context: { cluster: 'c2', user: 'u' } },
      { name: 'main', context: { cluster: 'c', user: 'u', namespace: 'ignored' } },
      { name: 'nobody', context: { cluster: 'c' } },
    ],
    clusters: [
      { name: 'c', cluster: { server: 'https://api.example:6443', ...cluster } },
      { name: 'c2', cluster: { server: 'https://other.example' } },
    ],
    users: [{ name: 'u', user }],
    ...root,
  });
}

function parse(text: string, options: { context?: string; allowsUnverifiedTls?: boolean } = {}): AccessRecipe {
  return parseKubeconfig(text, { file: '/etc/dpu/kubeconfig', allowsUnverifiedTls: false, ...options });
}

function problemOf(text: string, options: { context?: string } = {}): AgentError {
  try {
    parse(text, options);
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('a kubeconfig', () => {
  it('gives the cluster and the user of the current context, or of the one that is named', () => {
    expect(parse(textOf()).url.href).toBe('https://api.example:6443/');
    expect(parse(textOf(), { context: 'other' }).url.href).toBe('https://other.example/');
    expect(parse(textOf({ user: { token: 't' } }), { context: 'nobody' }).token).toBeUndefined();
  });

  it('resolves relative paths from the folder of the file', () => {
    const cluster = { 'certificate-authority': 'pki/ca.crt' };
    const user = { 'client-certificate': '../me.crt', 'client-key': '/keys/me.key', tokenFile: 'token' };
    const recipe = parse(textOf({ cluster, user }));
    const paths = [recipe.ca, recipe.certificate, recipe.key, recipe.token].map((source) =>
      source?.kind === 'file' ? source.path : undefined,
    );
    expect(paths).toEqual(['/etc/dpu/pki/ca.crt', '/etc/me.crt', '/keys/me.key', '/etc/dpu/token']);
    expect(recipe.ca?.field).toBe('clusters[c].cluster.certificate-authority');
  });

  it('prefers data to files and the token file to the token', () => {
    const cluster = { 'certificate-authority': 'ca.crt', 'certificate-authority-data': 'QQ==' };
    const recipe = parse(textOf({ cluster, user: { token: 't', tokenFile: '/t' } }));
    expect(recipe.ca).toMatchObject({ kind: 'pemData', text: 'QQ==' });
    expect(recipe.token).toMatchObject({ kind: 'file', path: '/t' });
  });

  it('reads JSON, and fields that are empty or null as absent', () => {
    const text = JSON.stringify({
      'current-context': 'a',
      contexts: [{ name: 'a', context: { cluster: 'c', user: '' } }],
      clusters: [{ name: 'c', cluster: { server: 'https://h', 'certificate-authority': '', 'proxy-url': null } }],
      users: null,
    });
    expect(parse(text)).toMatchObject({ ca: undefined, token: undefined, verifiesServer: true });
  });

  it('does not leave the server unverified unless that is allowed', () => {
    const text = textOf({ cluster: { 'insecure-skip-tls-verify': true } });
    expect(problemOf(text).message).toContain('insecure-skip-tls-verify');
    expect(parse(text, { allowsUnverifiedTls: true }).verifiesServer).toBe(false);
  });

  it.each([
    ['a credential plugin', { user: { exec: { command: 'aws' } } }, 'users[u].user.exec'],
    ['a built-in plugin', { user: { 'auth-provider': { name: 'gcp' } } }, 'users[u].user.auth-provider'],
    ['a password', { user: { username: 'me', password: 'secret-word' } }, 'users[u].user.username'],
    ['impersonation', { user: { as: 'root' } }, 'users[u].user.as'],
    ['a proxy', { cluster: { 'proxy-url': 'http://p' } }, 'clusters[c].cluster.proxy-url'],
    ['no server', { cluster: { server: '' } }, 'clusters[c].cluster.server'],
    ['a server that is no URL', { cluster: { server: 'https://' } }, 'clusters[c].cluster.server'],
    ['a strange scheme', { cluster: { server: 'unix:///run/api' } }, 'clusters[c].cluster.server'],
    ['credentials in the URL', { cluster: { server: 'https://me:pw@h' } }, 'clusters[c].cluster.server'],
    ['a token that is a number', { user: { token: 12345 } }, 'users[u].user.token'],
    ['a flag that is text', { cluster: { 'insecure-skip-tls-verify': 'yes' } }, 'insecure-skip-tls-verify'],
    ['no current context', { root: { 'current-context': '' } }, 'current-context'],
    ['an unknown context', { root: { 'current-context': 'gone' } }, 'contexts[gone]'],
    ['no list of clusters', { root: { clusters: { c: {} } } }, 'clusters'],
    ['no clusters', { root: { clusters: null } }, 'clusters[c]'],
  ])('refuses %s by name', (_what, parts: Parts, field) => {
    const error = problemOf(textOf(parts));
    expect(error.code).toBe('KUBE_CREDENTIALS');
    expect(error.facts).toMatchObject({ file: '/etc/dpu/kubeconfig' });
    expect(error.facts['field']).toContain(field);
    expect(error.message).toContain('/etc/dpu/kubeconfig');
  });

  it('tells what to do about a credential plugin', () => {
    expect(problemOf(textOf({ user: { exec: { command: 'aws' } } })).remedy).toContain('service account');
  });

  it.each([
    ['broken YAML', 'a: [secret-word\nb: }'],
    ['a list', '- secret-word'],
    ['nothing', ''],
    ['a deep nest', '['.repeat(200_000)],
    [
      'aliases that multiply',
      `a: &a [secret-word, x]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((k, i) => `${k}: &${k} [${`*${String.fromCharCode(97 + i)},`.repeat(9)}]`).join('\n')}`,
    ],
    ['an unknown alias', 'a: *secret-word'],
  ])('refuses %s without quoting it', (_what, text) => {
    const error = problemOf(text);
    expect(error.code).toBe('KUBE_CREDENTIALS');
    expect(`${error.message} ${JSON.stringify(error.facts)} ${String(error.cause)}`).not.toContain('secret-word');
  });

  it('is not misled by keys that mean something to JavaScript', () => {
    const text =
      'current-context: a\n__proto__: {contexts: []}\nconstructor: x\ncontexts: [{name: a, context: {cluster: __proto__}}]';
    expect(problemOf(text).facts['field']).toBe('clusters[__proto__]');
  });
});
