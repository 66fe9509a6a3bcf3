import { execFileSync } from 'node:child_process';
import { mkdtemp, symlink, unlink, writeFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterAccessOptions } from '../../src/kube/access-options.js';
import { Credentials } from '../../src/kube/credentials.js';
import { AgentError } from '../../src/lib/errors.js';
import { ManualClock } from '../config/manual-clock.js';
import { CertificateFolder } from './certificates.js';

let folder: CertificateFolder;
let dir: string;
beforeAll(async () => {
  folder = await CertificateFolder.make();
  await folder.authority('ca');
  await folder.leaf('me', 'ca');
  await folder.leaf('you', 'ca');
}, 30_000);
afterAll(() => folder.remove());
beforeEach(async () => {
  dir = await mkdtemp(join(folder.dir, 'case-'));
});

const clock = new ManualClock();
const pem = (name: string): string => join(folder.dir, name);

function credentialsOf(access: ClusterAccessOptions, rereadMs = 2000): Credentials {
  return new Credentials({ access, clock, rereadMs });
}

async function problemOf(access: ClusterAccessOptions): Promise<AgentError> {
  const thrown: unknown = await credentialsOf(access)
    .current()
    .catch((error: unknown) => error);
  if (thrown instanceof AgentError) return thrown;
  throw new Error(`no AgentError: ${JSON.stringify(thrown)}`);
}

const server = 'https://api.example';

describe('credentials', () => {
  it('are read again no sooner than the interval, unless they are asked for anew', async () => {
    const tokenFile = join(dir, 'token');
    await writeFile(tokenFile, 'one');
    const credentials = credentialsOf({ kind: 'server', server, tokenFile });
    expect((await credentials.current()).token).toBe('one');
    await writeFile(tokenFile, 'two');
    clock.advance(1999);
    expect((await credentials.current()).token).toBe('one');
    clock.advance(1);
    expect((await credentials.current()).token).toBe('two');
    await writeFile(tokenFile, 'three');
    expect((await credentials.refresh()).token).toBe('three');
  });

  it('follow the swap of a link beside the file, as Kubernetes mounts them', async () => {
    for (const name of ['v1', 'v2']) {
      await mkdir(join(dir, name));
      await writeFile(join(dir, name, 'token'), name);
    }
    await symlink('v1', join(dir, '..data'));
    await symlink('..data/token', join(dir, 'token'));
    const credentials = credentialsOf({ kind: 'server', server, tokenFile: join(dir, 'token') }, 0);
    expect((await credentials.current()).token).toBe('v1');
    await unlink(join(dir, '..data'));
    await symlink('v2', join(dir, '..data'));
    expect((await credentials.current()).token).toBe('v2');
  });

  it('keep the generation for another token, and change it for other certificates', async () => {
    const [tokenFile, caFile] = [join(dir, 'token'), join(dir, 'ca')];
    await writeFile(tokenFile, 'one');
    await writeFile(caFile, await readFile(pem('ca.pem')));
    const credentials = credentialsOf({ kind: 'server', server, tokenFile, caFile }, 0);
    const first = await credentials.current();
    expect(await credentials.current()).toBe(first);
    await writeFile(tokenFile, 'two');
    expect((await credentials.current()).generation).toBe(first.generation);
    await writeFile(caFile, Buffer.concat([await readFile(pem('ca.pem')), await readFile(pem('me.pem'))]));
    expect((await credentials.current()).generation).toBe(first.generation + 1);
  });

  it('read many requests worth of files once', async () => {
    const tokenFile = join(dir, 'token');
    await writeFile(tokenFile, 'one');
    const credentials = credentialsOf({ kind: 'server', server, tokenFile });
    const all = await Promise.all(Array.from({ length: 50 }, () => credentials.current()));
    expect(new Set(all).size).toBe(1);
  });

  it.each([
    ['empty', '\n', 'the token is empty'],
    ['of two lines', 'one\ntwo', 'characters that no token has'],
    ['with a forged header', 'one\r\nx-evil: 1', 'characters that no token has'],
    ['of binary', '\u0000\u0001', 'characters that no token has'],
  ])('refuse a token that is %s, without quoting it', async (_what, text, message) => {
    const tokenFile = join(dir, 'token');
    await writeFile(tokenFile, text);
    const error = await problemOf({ kind: 'server', server, tokenFile });
    expect(error.code).toBe('KUBE_CREDENTIALS');
    expect(error.message).toContain(message);
    expect(error.message).toContain(`(tokenFile, ${tokenFile})`);
    expect(JSON.stringify(error.facts)).not.toContain('one');
  });

  it('name a file that is missing, a folder, a pipe or too large', async () => {
    await writeFile(join(dir, 'large'), Buffer.alloc((1 << 20) + 1, 'x'));
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    const cases = [
      ['none', 'ENOENT'],
      ['.', 'not a regular file'],
      ['fifo', 'not a regular file'],
      ['large', 'larger than 1 MiB'],
    ];
    for (const [name = '', words] of cases) {
      const error = await problemOf({ kind: 'server', server, tokenFile: join(dir, name) });
      expect(error.code).toBe('KUBE_CREDENTIALS');
      expect(error.message).toContain(words);
    }
  });

  it('refuse CA data that is neither PEM nor base64 of PEM, and say which it is not', async () => {
    const about = async (caData: string): Promise<string> =>
      (await problemOf({ kind: 'server', server, caData })).message;
    expect(await about('')).toContain('is empty');
    expect(await about('not base64!')).toContain('neither PEM nor base64');
    expect(await about(Buffer.from('hello').toString('base64'))).toContain('base64, but not of PEM');
    expect(await about('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')).toContain('cannot be read');
    expect(await about(await readFile(pem('me.key'), 'utf8'))).toContain('no certificate');
    expect(await about(await readFile(pem('me.key'), 'utf8'))).not.toContain('BEGIN');
  });

  it('refuse a client certificate without its key, with another key, and with a key that is locked', async () => {
    const certFile = pem('me.pem');
    const about = async (keyFile: string): Promise<string> =>
      (await problemOf({ kind: 'server', server, certFile, keyFile })).message;
    expect((await problemOf({ kind: 'server', server, certFile })).message).toContain('needs its key');
    expect(await about(pem('you.key'))).toContain('does not belong');
    const locked = join(dir, 'locked.key');
    execFileSync('openssl', ['pkey', '-in', pem('me.key'), '-aes256', '-passout', 'pass:x', '-out', locked]);
    expect(await about(locked)).toContain('is encrypted');
    expect(await about(pem('ca.pem'))).toContain('key cannot be read');
  });

  it('refuse an authority that is given twice', async () => {
    const error = await problemOf({ kind: 'server', server, caFile: '/a', caData: 'b' });
    expect(error.message).toContain('given twice');
  });

  it('send no token in the clear, but to this machine', async () => {
    const tokenFile = join(dir, 'token');
    await writeFile(tokenFile, 'one');
    const tokenOf = async (url: string): Promise<string | undefined> =>
      (await credentialsOf({ kind: 'server', server: url, tokenFile }).current()).token;
    for (const url of ['http://127.0.0.1:8080', 'http://[::1]:8080', 'http://localhost']) {
      expect(await tokenOf(url)).toBe('one');
    }
    for (const url of [
      'http://10.0.0.1',
      'http://api.example',
      'http://localhost.example',
      'http://127.evil.example',
    ]) {
      await expect(tokenOf(url)).rejects.toThrow('in the clear');
    }
    expect((await credentialsOf({ kind: 'server', server: 'http://10.0.0.1' }).current()).token).toBeUndefined();
  });

  it('take an address without a scheme as https, and an IPv6 address from the environment', async () => {
    expect((await credentialsOf({ kind: 'server', server: '10.0.0.1:6443' }).current()).url.href).toBe(
      'https://10.0.0.1:6443/',
    );
    await writeFile(join(dir, 'token'), 'one');
    await writeFile(join(dir, 'ca.crt'), await readFile(pem('ca.pem')));
    const inCluster = { kind: 'inCluster', host: 'fd00::1', port: '443', dir } as const;
    expect((await credentialsOf(inCluster).current()).url.href).toBe('https://[fd00::1]/');
    expect((await problemOf({ ...inCluster, host: '' })).message).toContain('does not run in a pod');
  });

  it('keep the former ones while a kubeconfig is half written', async () => {
    const file = join(dir, 'config');
    const config = (token: string): string =>
      `current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: "https://h"}}]\nusers: [{name: u, user: {token: ${token}}}]\n`;
    await writeFile(file, config('one'));
    const credentials = credentialsOf({ kind: 'kubeconfig', file }, 0);
    expect((await credentials.current()).token).toBe('one');
    await writeFile(file, config('two').slice(0, 100));
    expect((await credentials.current()).token).toBe('one');
    expect(credentials.problem?.facts['file']).toBe(file);
    await writeFile(file, config('two'));
    expect((await credentials.current()).token).toBe('two');
    expect(credentials.problem).toBeUndefined();
  });
});
