import { execFile } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect as connectTls } from 'node:tls';
import { credentials, status, type ChannelCredentials, type Client } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Grant } from '../../../src/api/grants.js';
import type { GrpcLimits } from '../../../src/api/grpc/limits.js';
import { AgentError } from '../../../src/lib/errors.js';
import { systemClock } from '../../../src/lib/clock.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { CertificateFolder, type PemFiles } from '../../kube/certificates.js';
import { Rig, call, endOf, failureOf, list, stream, watch, type JournalHandlers } from './rig.js';

const run = promisify(execFile);

let folder: CertificateFolder;
let certs: Record<'ca' | 'otherCa' | 'server' | 'server2' | 'controller' | 'stranger' | 'foreign', PemFiles>;
beforeAll(async () => {
  folder = await CertificateFolder.make();
  certs = {
    ca: await folder.authority('ca'),
    otherCa: await folder.authority('other-ca'),
    server: await folder.leaf('server', 'ca'),
    server2: await folder.leaf('server2', 'ca'),
    controller: await folder.leaf('controller', 'ca', 'URI:spiffe://fleet/controller,DNS:controller.fleet'),
    stranger: await folder.leaf('stranger', 'ca', 'URI:spiffe://fleet/stranger'),
    foreign: await folder.leaf('foreign', 'other-ca', 'URI:spiffe://fleet/controller'),
  };
}, 60_000);
afterAll(() => folder.remove());

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});

const grants: readonly Grant[] = [{ identity: 'spiffe://fleet/controller', role: 'controller', owners: ['fleet'] }];

interface TlsRigOptions {
  readonly files?: { readonly certFile: string; readonly keyFile: string };
  readonly limits?: Partial<GrpcLimits>;
  readonly wallMs?: () => number;
  readonly listen?: readonly string[];
  readonly addressGuard?: (host: string) => void;
}

async function start(handlers: Partial<JournalHandlers>, options: TlsRigOptions = {}): Promise<Rig> {
  const {
    files = certs.server,
    limits = {},
    wallMs = () => systemClock.wallMs(),
    listen = ['127.0.0.1:0'],
    addressGuard,
  } = options;
  const rig = await Rig.start(handlers, {
    config: { listen, tls: { ...files, clientCaFile: certs.ca.certFile }, grants, reflection: false },
    clock: { ...systemClock, wallMs },
    limits,
    ...(addressGuard === undefined ? {} : { addressGuard }),
  });
  rigs.push(rig);
  return rig;
}

const tcpOf = (rig: Rig): string => rig.api.addresses().find((address) => !address.startsWith('unix:')) ?? 'none';

async function channelOf(files: PemFiles | undefined, ca = certs.ca): Promise<ChannelCredentials> {
  const root = await readFile(ca.certFile);
  if (files === undefined) return credentials.createSsl(root);
  return credentials.createSsl(root, await readFile(files.keyFile), await readFile(files.certFile));
}

async function clientOf(rig: Rig, files: PemFiles | undefined, options: object = {}): Promise<Client> {
  return rig.client(tcpOf(rig), await channelOf(files), options);
}

describe('over TCP', () => {
  it('a caller is who its certificate says, with the roles and owners that it was granted', async () => {
    const seen: unknown[] = [];
    const rig = await start({
      listEntries: (_request, { caller }) => {
        seen.push(caller);
        return {};
      },
    });
    await call(await clientOf(rig, certs.controller), list);
    expect(seen).toEqual([
      { identity: 'spiffe://fleet/controller', roles: new Set(['controller']), owners: new Set(['fleet']) },
    ]);
  });

  it('a certificate that nothing was granted to may not even look', async () => {
    const rig = await start({});
    const error = await failureOf(call(await clientOf(rig, certs.stranger), list));
    expect(error).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: 'nothing is granted to spiffe://fleet/stranger',
    });
    expect(rig.refusals.map(({ who }) => who)).toEqual(['spiffe://fleet/stranger']);
  });

  it('a certificate that nothing was granted to is counted, and its connection does not stay', async () => {
    const rig = await start({}, { limits: { peerConnectionsMax: 2, graceMs: 300 } });
    const strangers = await Promise.all(Array.from({ length: 3 }, () => clientOf(rig, certs.stranger)));
    const failures = await Promise.all(strangers.map((client) => failureOf(call(client, list))));
    // The third has no connection, or a call on it that says so.
    expect(failures.filter(({ code }) => code === status.PERMISSION_DENIED).length).toBeLessThanOrEqual(2);
    await eventually(() => rig.api.figures().connections === 0, 'the connections are closed by the server');
  });

  it('no certificate, one of another authority, and one that has expired get no connection; others are served', async () => {
    const rig = await start({});
    const good = await clientOf(rig, certs.controller);
    const expired = await expiredLeaf();
    for (const files of [undefined, certs.foreign, expired]) {
      const error = await failureOf(call(await clientOf(rig, files), list, {}, { deadlineMs: 3_000 }));
      expect([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]).toContain(error.code);
      await call(good, list);
    }
    expect(new Set(rig.refusals.map(({ error }) => error.code))).toEqual(new Set(['API_UNAUTHENTICATED']));
    // Told once for an address, however often it is tried.
    expect(rig.refusals).toHaveLength(1);
  });

  it('nothing older than TLS 1.3 is spoken', async () => {
    const rig = await start({});
    const [host = '', port = ''] = tcpOf(rig).split(':');
    const [key, cert, ca] = await Promise.all(
      [certs.controller.keyFile, certs.controller.certFile, certs.ca.certFile].map((file) => readFile(file)),
    );
    const tls = { host, port: Number(port), key: key!, cert: cert!, ca: ca!, ALPNProtocols: ['h2'] };
    const outcomes = [];
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      outcomes.push(
        await new Promise((resolve) => {
          const socket = connectTls({ ...tls, maxVersion }, () => {
            resolve(socket.getProtocol());
            socket.destroy();
          });
          socket.once('error', () => resolve('refused'));
        }),
      );
    }
    expect(outcomes).toEqual(['refused', 'TLSv1.3']);
  });

  it('certificates are exchanged under an open stream, and a bad pair changes nothing', async () => {
    const files = { certFile: join(folder.dir, 'live.pem'), keyFile: join(folder.dir, 'live.key') };
    await copyFile(certs.server.certFile, files.certFile);
    await copyFile(certs.server.keyFile, files.keyFile);
    let release = (): void => undefined;
    const rig = await start(
      {
        watchEntries: async function* () {
          yield { instanceId: 'before' };
          await new Promise<void>((resolve) => (release = resolve));
          yield { instanceId: 'after' };
        },
      },
      { files, limits: { rereadMs: 10 } },
    );
    const seen: string[] = [];
    const opened = stream(await clientOf(rig, certs.controller), watch);
    opened.on('data', (message: { instanceId: string }) => seen.push(message.instanceId));
    const ended = endOf(opened);
    await eventually(() => seen.length === 1, 'the stream is open');
    expect(await serverNameOf(rig)).toBe('server');
    await copyFile(certs.server2.certFile, files.certFile);
    const told = (): boolean => rig.troubles.some(({ message }) => message.includes('does not belong'));
    await eventually(told, 'it is told that the pair is none');
    expect(await serverNameOf(rig)).toBe('server');
    await copyFile(certs.server2.keyFile, files.keyFile);
    await eventually(async () => (await serverNameOf(rig)) === 'server2', 'new connections see the new certificate');
    release();
    expect(await ended).toBeUndefined();
    expect(seen).toEqual(['before', 'after']);
  });

  it('a stream ends when the certificate that it rests on does', async () => {
    const end = Date.parse('2100-01-01');
    const nearEnd = new X509End(certs.controller);
    const rig = await start(
      {
        watchEntries: async function* (_request, { signal }) {
          yield { instanceId: 'first' };
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      },
      // The wall clock of the server is a moment before the end of the certificate; OpenSSL's is not.
      { wallMs: await nearEnd.clock(300, end) },
    );
    const opened = stream(await clientOf(rig, certs.controller), watch);
    expect(await endOf(opened)).toMatchObject({ code: status.UNAUTHENTICATED, details: 'the certificate has expired' });
  });

  it('an address on a link to the host is not listened at, and the rest of the API is there', async () => {
    const rig = await start(
      {},
      {
        addressGuard: () => {
          throw new AgentError('API_ADDRESS', 'a link to the host');
        },
      },
    );
    expect(rig.api.addresses()).toEqual([`unix:${rig.socket}`]);
    expect(rig.troubles.map(({ code }) => code)).toEqual(['API_ADDRESS']);
    await call(rig.client(), list);
  });

  it('an address that becomes one of the host is left, with its connections', async () => {
    let isHostFacing = false;
    const rig = await start(
      {},
      {
        limits: { guardMs: 10 },
        addressGuard: () => {
          if (isHostFacing) throw new AgentError('API_ADDRESS', 'a link to the host');
        },
      },
    );
    const client = await clientOf(rig, certs.controller);
    await call(client, list);
    isHostFacing = true;
    await eventually(() => rig.api.addresses().length === 1, 'it listens at the socket alone');
    expect((await failureOf(call(client, list, {}, { deadlineMs: 2_000 }))).code).toBe(status.UNAVAILABLE);
  });
});

/** The moment at which a certificate ends. */
class X509End {
  readonly #files: PemFiles;

  constructor(files: PemFiles) {
    this.#files = files;
  }

  /** A clock that shows `beforeMs` before it now. */
  async clock(beforeMs: number, latestMs: number): Promise<() => number> {
    const { stdout } = await run('openssl', ['x509', '-noout', '-enddate', '-in', this.#files.certFile]);
    const endMs = Math.min(Date.parse(stdout.replace('notAfter=', '')), latestMs);
    const startMs = performance.now();
    return () => endMs - beforeMs + (performance.now() - startMs);
  }
}

/** Signed by the right authority, for a time that is over. */
async function expiredLeaf(): Promise<PemFiles> {
  const files = await folder.leaf('expired', 'ca', 'URI:spiffe://fleet/controller');
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '-1', '-extfile', 'expired.cnf'];
  await run('openssl', ['x509', '-req', '-in', 'expired.csr', ...signer, '-out', 'expired.pem'], { cwd: folder.dir });
  return files;
}

/** The common name that the server shows to a new connection. */
async function serverNameOf(rig: Rig): Promise<string> {
  const [host = '', port = ''] = tcpOf(rig).split(':');
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'] }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
