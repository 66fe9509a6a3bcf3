/** Who may do what, by the kernel's word on the socket and by certificates over TCP, and what the journal says of it afterwards. */

import { execFile } from 'node:child_process';
import { chmod, copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { promisify } from 'node:util';
import { credentials, status, type ChannelCredentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { CertificateFolder, type PemFiles } from '../../kube/certificates.js';
import { dpuctlFile } from '../agent/build.js';
import { call } from '../agent/call.js';
import { Rig } from '../agent/rig.js';
import { eventually } from '../lab/daemon.js';
import { PublishedClient, refusalOf, type Failure, type Fields } from './published-client.js';
import { callFromPython, type PythonCall, type User } from './python-client.js';
import { addressesOf, logLines } from './stage.js';

const run = promisify(execFile);

// Users that no machine has.
const viewer: User = { uid: 61_001, gid: 61_000 };
const member: User = { uid: 61_002, gid: 61_002, groups: [61_000] };
const controller: User = { uid: 61_003, gid: 61_000 };
const outsider: User = { uid: 61_004, gid: 61_004 };

const bundle = (bridge: string): Fields => ({ bridges: [{ name: bridge, failMode: 'FAIL_MODE_SECURE' }] });

interface AuditEntry {
  readonly kind: string;
  readonly actor: string;
}

let folder: CertificateFolder;
let rig: Rig;
let agent: AgentProcess;
let unix: string;
let tcp: string;
let served: PemFiles;
const certificates = new Map<string, PemFiles>();

const filesOf = (name: string): PemFiles => {
  const found = certificates.get(name);
  if (found === undefined) throw new Error(`no certificate ${name}`);
  return found;
};

async function makeCertificates(): Promise<void> {
  for (const name of ['ca', 'other-ca', 'self-signed']) certificates.set(name, await folder.authority(name));
  const leaves: readonly (readonly [string, string, string?])[] = [
    ['server', 'ca'],
    ['server2', 'ca'],
    ['fleet', 'ca', 'URI:spiffe://lab/fleet'],
    ['nobody', 'ca', 'URI:spiffe://lab/nobody'],
    ['foreign', 'other-ca', 'URI:spiffe://lab/fleet'],
    ['expired', 'ca', 'URI:spiffe://lab/fleet'],
  ];
  for (const [name, authority, names] of leaves) certificates.set(name, await folder.leaf(name, authority, names));
  const again = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-extfile', 'expired.cnf', '-days', '-1', '-out', 'expired.pem'];
  await run('openssl', ['x509', '-req', '-in', 'expired.csr', ...again], { cwd: folder.dir });
  served = { certFile: join(folder.dir, 'served.pem'), keyFile: join(folder.dir, 'served.key') };
  await serve('server');
}

/** Puts a certificate where the agent reads its own. */
async function serve(name: string): Promise<void> {
  const { keyFile, certFile } = filesOf(name);
  await copyFile(keyFile, served.keyFile);
  await copyFile(certFile, served.certFile);
}

async function tlsOptions(name: string): Promise<ConnectionOptions> {
  const { keyFile, certFile } = filesOf(name);
  const ca = await readFile(filesOf('ca').certFile);
  return { ca, key: await readFile(keyFile), cert: await readFile(certFile), servername: 'localhost' };
}

async function channelOf(name: string): Promise<ChannelCredentials> {
  const { ca, key, cert } = await tlsOptions(name);
  return credentials.createSsl(ca as Buffer, key as Buffer, cert as Buffer);
}

beforeAll(async () => {
  folder = await CertificateFolder.make();
  await makeCertificates();
  rig = await Rig.start({ vswitchd: true, devices: ['a', 'b'] });
  // What stands in the way of others is the socket itself.
  await chmod(rig.lab.dir, 0o711);
  const port = (name: string): object => ({ name, kind: 'system', interfaceExternalIds: { 'dpf-id': `ns/${name}` } });
  const ports = ['a', 'b'].map((name) => ({ kind: 'service', dpfId: `ns/${name}` }));
  agent = await rig.agent({
    bridges: [{ name: 'br-sfc', failMode: 'secure', ports: [port('a'), port('b')] }],
    chains: [{ name: 'wire', switches: [{ ports }] }],
    api: {
      http: { mode: 'off' },
      grpc: {
        group: String(viewer.gid),
        listen: ['127.0.0.1:0'],
        tls: { ...served, clientCaFile: filesOf('ca').certFile },
        grants: [
          { identity: `uid:${controller.uid}`, role: 'controller', owners: ['tenant'] },
          { identity: 'spiffe://lab/fleet', role: 'controller', owners: ['fleet'] },
        ],
      },
    },
  });
  await agent.ready(0);
  const addresses = await addressesOf(agent);
  unix = addresses.unix;
  tcp = addresses.tcp[0] ?? '';
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await folder.remove();
});

describe('on the socket of the agent', () => {
  const calls: readonly PythonCall[] = [
    { method: 'dpu.agent.v1.NodeService/GetStatus' },
    {
      method: 'dpu.agent.v1.IntentService/Apply',
      request: { owner: 'tenant', generation: 1, bundle: bundle('br-t') },
    },
    {
      method: 'dpu.agent.v1.IntentService/Apply',
      request: { owner: 'other', generation: 1, bundle: bundle('br-o'), isDryRun: true },
    },
    { method: 'dpu.agent.v1.ExplainService/Trace', request: { chain: 'wire' } },
  ];
  const outcomes = async (user?: User): Promise<readonly string[]> => {
    const { answers, code } = await callFromPython(unix, calls, user);
    return code === undefined ? answers.map((answer) => answer.code ?? 'OK') : [code];
  };
  const denied = 'PERMISSION_DENIED';

  it('a user of its group may look and no more, be it by the primary group or another', async () => {
    expect(await outcomes(viewer)).toEqual(['OK', denied, denied, denied]);
    expect(await outcomes(member)).toEqual(['OK', denied, denied, denied]);
    expect((await rig.lab.vsctl('list-br')).trim()).toBe('br-sfc');
  });

  it('a user of another group does not get in', async () => {
    expect(await outcomes(outsider)).toEqual(['UNAVAILABLE']);
  });

  it('a user with a grant writes under its owner and no other, and root may all', async () => {
    expect(await outcomes(controller)).toEqual(['OK', 'OK', denied, denied]);
    await eventually(async () => (await rig.lab.vsctl('list-br')).includes('br-t'), 'what it wants is there');
    expect(await outcomes()).toEqual(['OK', 'OK', 'OK', 'OK']);
    const gone = await callFromPython(
      unix,
      [{ method: 'dpu.agent.v1.IntentService/Delete', request: { owner: 'tenant' } }],
      controller,
    );
    expect(gone.answers).toEqual([{ messages: [{ wasPresent: true }] }]);
  });
});

describe('over TCP', () => {
  const refused = async (name: string, method = 'NodeService/GetStatus', request: Fields = {}): Promise<Failure> => {
    using client = new PublishedClient(`localhost:${tcp.split(':')[1]}`, await channelOf(name));
    return await refusalOf(client.call(method, request));
  };

  it('a certificate with a granted name writes under its owner, and under no other', async () => {
    using client = new PublishedClient(`localhost:${tcp.split(':')[1]}`, await channelOf('fleet'));
    await client.call('IntentService/Apply', { owner: 'fleet', generation: 1, bundle: bundle('br-f') });
    await eventually(async () => (await rig.lab.vsctl('list-br')).includes('br-f'), 'what it wants is there');
    const other = { owner: 'tenant', generation: 1, bundle: bundle('br-u') };
    expect(await refusalOf(client.call('IntentService/Apply', other))).toMatchObject({
      code: status.PERMISSION_DENIED,
      reason: 'API_FORBIDDEN',
      message: expect.stringContaining('spiffe://lab/fleet') as string,
    });
    const traced = await refusalOf(client.call('ExplainService/Trace', { chain: 'wire' }));
    expect(traced.code).toBe(status.PERMISSION_DENIED);
    expect(await client.call('IntentService/Delete', { owner: 'fleet' })).toEqual({ wasPresent: true });
    const nobody = await refused('nobody');
    expect(nobody).toMatchObject({ code: status.PERMISSION_DENIED, reason: 'API_FORBIDDEN' });
  });

  /** How the agent ends a bare connection; with TLS 1.3 a client learns only after its own part that it is not wanted. */
  const endOf = (options: ConnectionOptions): Promise<string> =>
    new Promise((resolve) => {
      const port = Number(tcp.split(':')[1]);
      const socket = connectTls({ ...options, host: '127.0.0.1', port, ALPNProtocols: ['h2'] }, () => socket.resume());
      socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'error'));
      socket.on('close', () => resolve('closed'));
    });

  it.each([
    ['foreign', /UNKNOWN_CA|DECRYPT_ERROR|closed|RESET/],
    ['expired', /EXPIRED|closed|RESET/],
    ['self-signed', /UNKNOWN_CA|closed|RESET/],
  ])('a certificate that is %s gets no connection', async (name, end) => {
    expect((await refused(name)).code).toBe(status.UNAVAILABLE);
    expect(await endOf(await tlsOptions(name))).toMatch(end);
  });

  it('TLS 1.2 and a client without a certificate get no connection, and that is logged once', async () => {
    const options = await tlsOptions('fleet');
    const { ca } = options;
    expect(await endOf({ ...options, maxVersion: 'TLSv1.2' })).toMatch(/PROTOCOL_VERSION/);
    expect(await endOf({ ca, servername: 'localhost' })).toMatch(/CERTIFICATE_REQUIRED|closed|RESET/);
    const failed = logLines(agent, 'API call refused').filter(({ code }) => code === 'API_UNAUTHENTICATED');
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({ who: '127.0.0.1' });
  });

  it('new certificates are shown to new connections, while a stream that is open lives on', async () => {
    const shown = async (): Promise<string> => {
      const options = await tlsOptions('fleet');
      const port = Number(tcp.split(':')[1]);
      return new Promise((resolve, reject) => {
        const socket = connectTls({ ...options, host: '127.0.0.1', port, ALPNProtocols: ['h2'] }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        });
        socket.on('error', reject);
      });
    };
    using client = new PublishedClient(`localhost:${tcp.split(':')[1]}`, await channelOf('fleet'));
    const watch = client.watch<{ readonly delta?: { readonly changed: readonly { ref: { name: string } }[] } }>(
      'TopologyService/WatchTopology',
    );
    await eventually(() => watch.messages.length > 0, 'the snapshot');
    expect(await shown()).toBe('server');
    await serve('server2');
    await eventually(async () => (await shown()) === 'server2', 'the new certificate is shown');
    await rig.lab.vsctl('--no-wait', 'add-br', 'br-late');
    const hasLate = (): boolean =>
      watch.messages.some(({ delta }) => delta?.changed.some(({ ref }) => ref.name === 'br-late') === true);
    await eventually(hasLate, 'the old stream tells what is new');
    expect(watch.isOpen).toBe(true);
    watch.cancel();
    await rig.lab.vsctl('--no-wait', 'del-br', 'br-late');
  });
});

it('the journal says on whose behalf each change was made', async () => {
  const { code, stdout } = await call([
    process.execPath,
    dpuctlFile,
    'journal',
    '--run-dir',
    agent.runDir,
    '-o',
    'json',
  ]);
  expect(code).toBe(0);
  const { entries } = JSON.parse(stdout) as { readonly entries: readonly AuditEntry[] };
  const audits = entries.filter(({ kind }) => kind === 'KIND_AUDIT').map(({ actor }) => actor.replace(/ \(pid .*/, ''));
  expect([...new Set(audits)].sort()).toEqual(['spiffe://lab/fleet', `uid ${controller.uid}`]);
  // What root repeated was there already, and nobody else got so far. The switch is changed by the agent itself.
  expect(entries.filter(({ kind }) => kind === 'KIND_CHANGE').every(({ actor }) => actor === 'agent')).toBe(true);
});
