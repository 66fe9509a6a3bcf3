import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterAccessOptions } from '../../src/kube/access-options.js';
import { KubeClient } from '../../src/kube/client.js';
import { AgentError } from '../../src/lib/errors.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import { CertificateFolder } from './certificates.js';
import type { PemFiles } from './certificates.js';
import { FakeApiServer, sendJson } from './fake-api-server.js';

let folder: CertificateFolder;
let [ca, otherCa, serverCert, otherServerCert, foreignName, alice, bob]: PemFiles[] = [];
beforeAll(async () => {
  folder = await CertificateFolder.make();
  ca = await folder.authority('ca');
  otherCa = await folder.authority('other-ca');
  serverCert = await folder.leaf('server', 'ca');
  otherServerCert = await folder.leaf('other-server', 'other-ca');
  foreignName = await folder.leaf('foreign', 'ca', 'DNS:kubernetes.default');
  alice = await folder.leaf('alice', 'ca');
  bob = await folder.leaf('bob', 'ca');
}, 30_000);
afterAll(() => folder.remove());

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function tlsOf(files: PemFiles | undefined): Promise<ServerOptions> {
  return { key: await readFile(files!.keyFile), cert: await readFile(files!.certFile) };
}

async function makeServer(options: ServerOptions): Promise<FakeApiServer> {
  const server = await new FakeApiServer(options).listen();
  cleanups.push(() => server.stop());
  return server;
}

function makeClient(access: ClusterAccessOptions): KubeClient {
  const client = new KubeClient({ access, deadlineMs: 5_000, rereadMs: 0 });
  cleanups.push(() => client.close());
  return client;
}

/** Who the client says it is. */
function commonNameOf({ socket }: IncomingMessage): string {
  const name: unknown = socket instanceof TLSSocket ? socket.getPeerCertificate().subject.CN : undefined;
  return typeof name === 'string' ? name : 'nobody';
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'success',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );
}

const get = { method: 'GET', path: '/api/v1/pods' } as const;

describe('a client over TLS', () => {
  it('trusts the authority that it was given, as file, PEM or base64, and says which it was', async () => {
    const server = await makeServer(await tlsOf(serverCert));
    const pem = await readFile(ca!.certFile, 'utf8');
    const base64 = Buffer.from(pem)
      .toString('base64')
      .replaceAll(/(.{76})/g, '$1\n');
    const kinds = [{ caFile: ca!.certFile }, { caData: pem }, { caData: base64 }];
    const shown: (string | undefined)[] = [];
    for (const kind of kinds) {
      const client = makeClient({ kind: 'server', server: server.url, ...kind });
      await client.request(get);
      shown.push(client.access?.ca);
    }
    expect(shown).toEqual([
      `PEM (caFile, ${ca!.certFile})`,
      'PEM (caData, configuration)',
      'base64 of PEM (caData, configuration)',
    ]);
  });

  it('sends nothing to a server that another authority signed, or that has another name', async () => {
    for (const files of [otherServerCert, foreignName]) {
      const server = await makeServer(await tlsOf(files));
      const client = makeClient({ kind: 'server', server: server.url, caFile: ca!.certFile });
      expect(await codeOf(client.request(get))).toBe('TLS_INVALID');
      expect(server.asked).toEqual([]);
    }
  });

  it('expects the name that the kubeconfig names, and shows the server the certificate in it', async () => {
    const server = await makeServer({
      ...(await tlsOf(foreignName)),
      requestCert: true,
      ca: await readFile(ca!.certFile),
    });
    let subject: string | undefined;
    server.always = (request, response) => {
      subject = commonNameOf(request);
      sendJson(response, 200, {});
    };
    const base64 = async (file: string): Promise<string> => (await readFile(file)).toString('base64');
    const file = join(folder.dir, 'kubeconfig');
    const cluster = { server: server.url, 'certificate-authority': 'ca.pem', 'tls-server-name': 'kubernetes.default' };
    const user = {
      'client-certificate-data': await base64(alice!.certFile),
      'client-key-data': await base64(alice!.keyFile),
    };
    const config = {
      'current-context': 'here',
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user }],
    };
    await writeFile(file, JSON.stringify(config));
    const client = makeClient({ kind: 'kubeconfig', file });
    expect(client.server).toBe(`kubeconfig ${file}`);
    await client.request(get);
    expect(subject).toBe('alice');
    expect(client.server).toBe(`${server.url}/`);
    expect(client.access?.clientCertificateEndsMs).toBeGreaterThan(Date.now());
  });

  it('can expect an address instead of a name', async () => {
    const server = await makeServer(await tlsOf(await folder.leaf('addressed', 'ca', 'IP:10.1.2.3')));
    const file = join(folder.dir, 'by-address');
    const codes: string[] = [];
    for (const name of ['10.1.2.3', '10.1.2.4']) {
      const cluster = { server: server.url, 'certificate-authority': ca!.certFile, 'tls-server-name': name };
      const contexts = [{ name: 'here', context: { cluster: 'c' } }];
      await writeFile(file, JSON.stringify({ contexts, clusters: [{ name: 'c', cluster }] }));
      codes.push(await codeOf(makeClient({ kind: 'kubeconfig', file, context: 'here' }).request(get)));
    }
    expect(codes).toEqual(['success', 'TLS_INVALID']);
  });

  it('goes over to another authority with the files, and leaves a stream on the old connection alone', async () => {
    const server = await makeServer(await tlsOf(serverCert));
    const caFile = join(folder.dir, 'rotating-ca.pem');
    await copyFile(ca!.certFile, caFile);
    const client = makeClient({ kind: 'server', server: server.url, caFile });
    let streamed = '';
    const stream = client.stream(
      { ...get, query: { watch: 'true' } },
      { onData: (chunk) => (streamed += chunk.toString()) },
    );
    await eventually(() => server.watchers.size === 1, 'the stream is open');
    await client.request(get);
    server.setTls(await tlsOf(otherServerCert));
    await copyFile(otherCa!.certFile, `${caFile}.new`);
    await rename(`${caFile}.new`, caFile);
    await client.request(get);
    server.write('still here\n');
    server.endWatches();
    await stream;
    expect(streamed).toBe('still here\n');
  });

  it('uses a renewed client certificate for its next connection, and none that lacks its key', async () => {
    const server = await makeServer({
      ...(await tlsOf(serverCert)),
      requestCert: true,
      ca: await readFile(ca!.certFile),
    });
    const seen: string[] = [];
    server.always = (request, response) => {
      seen.push(commonNameOf(request));
      sendJson(response, 200, {});
    };
    const [certFile, keyFile] = [join(folder.dir, 'tls.crt'), join(folder.dir, 'tls.key')];
    await copyFile(alice!.certFile, certFile);
    await copyFile(alice!.keyFile, keyFile);
    const client = makeClient({ kind: 'server', server: server.url, caFile: ca!.certFile, certFile, keyFile });
    await client.request(get);
    await copyFile(bob!.certFile, certFile);
    await client.request(get);
    expect(client.credentialsProblem?.message).toContain('does not belong');
    await copyFile(bob!.keyFile, keyFile);
    await client.request(get);
    expect(client.credentialsProblem).toBeUndefined();
    expect(seen).toEqual(['alice', 'alice', 'bob']);
  });

  it('says so when the server speaks no TLS, or wants a certificate', async () => {
    const plain = await new FakeApiServer().listen();
    cleanups.push(() => plain.stop());
    const client = makeClient({ kind: 'server', server: plain.url.replace('http:', 'https:') });
    expect(await codeOf(client.request(get))).toBe('TLS_INVALID');
    const strict = await makeServer({
      ...(await tlsOf(serverCert)),
      requestCert: true,
      rejectUnauthorized: true,
      ca: await readFile(ca!.certFile),
    });
    const nobody = makeClient({ kind: 'server', server: strict.url, caFile: ca!.certFile });
    expect(await codeOf(nobody.request(get))).toMatch(/TLS_INVALID|CONNECTION_LOST/);
    expect(strict.asked).toEqual([]);
  });

  it('reaches the API from within a pod', async () => {
    const server = await makeServer(await tlsOf(serverCert));
    await copyFile(ca!.certFile, join(folder.dir, 'ca.crt'));
    await writeFile(join(folder.dir, 'token'), 'of-the-pod');
    const { hostname, port } = new URL(server.url);
    await makeClient({ kind: 'inCluster', host: hostname, port, dir: folder.dir }).request(get);
    expect(server.asked[0]?.authorization).toBe('Bearer of-the-pod');
  });
});
