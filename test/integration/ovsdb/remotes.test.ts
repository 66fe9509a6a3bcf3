import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { OvsdbClient } from '../../../src/ovsdb/index.js';
import type { Json, OvsdbClientOptions, TlsFiles } from '../../../src/ovsdb/index.js';
import { eventually } from '../lab/daemon.js';
import { labEnv, makeLabDir, OvsLab, removeLabDir, runTool } from '../lab/ovs.js';
import { freePort, ServerProcess } from './cluster.js';

type AnyDatabase = Record<string, object>;
const run = promisify(execFile);
const schemaFile = '/usr/share/openvswitch/vswitch.ovsschema';

const clients: OvsdbClient<AnyDatabase>[] = [];
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function clientOf(endpoint: string, options: Partial<OvsdbClientOptions<AnyDatabase>> = {}): OvsdbClient<AnyDatabase> {
  const client = new OvsdbClient<AnyDatabase>({
    endpoints: [endpoint],
    database: 'Open_vSwitch',
    monitor: { Open_vSwitch: { columns: ['bridges'] }, Bridge: { columns: ['name'] } },
    timing: { backoff: { baseMs: 20, capMs: 100 } },
    ...options,
  });
  clients.push(client);
  client.start();
  return client;
}

async function startLab(serverArgs: readonly string[] = []): Promise<OvsLab> {
  const lab = await OvsLab.start({ serverArgs });
  cleanups.push(() => lab.stop());
  return lab;
}

const nameList = (client: OvsdbClient<AnyDatabase>): unknown[] =>
  [...client.replica.table('Bridge').rows()].map(({ name }) => name).sort();

/** Certificates: one authority, a server and two clients, and a stranger's authority. */
async function makeCertificates(): Promise<{ readonly dir: string; files: (name: string, ca?: string) => TlsFiles }> {
  const dir = await makeLabDir();
  cleanups.push(() => removeLabDir(dir));
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args, { cwd: dir });
  for (const ca of ['ca', 'stranger']) {
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${ca}`, '-days', '2'];
    await openssl(...request, '-keyout', `${ca}.key`, '-out', `${ca}.pem`);
  }
  await writeFile(join(dir, 'san.cnf'), 'subjectAltName=DNS:ovsdb.example\n');
  for (const name of ['server', 'client', 'renewed']) {
    const request = ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${name}.key`];
    await openssl(...request, '-out', `${name}.csr`);
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san.cnf'];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-out', `${name}.pem`);
  }
  const files = (name: string, ca = 'ca'): TlsFiles => ({
    keyFile: join(dir, `${name}.key`),
    certificateFile: join(dir, `${name}.pem`),
    caFile: join(dir, `${ca}.pem`),
  });
  return { dir, files };
}

describe('a client over the network', () => {
  it('speaks TCP, answers the probes of the server and outlives its patience', async () => {
    const port = await freePort();
    const lab = await startLab([`--remote=ptcp:${port}:127.0.0.1`]);
    const client = clientOf(`tcp:127.0.0.1:${port}`);
    await client.synced(AbortSignal.timeout(10_000));
    // The server asks after 5 s of silence (its echo), and hangs up after 5 s more.
    const before = client.stats.messagesIn;
    await eventually(() => client.stats.messagesIn > before, 'the server probes', 12_000);
    await lab.vsctl('add-br', 'br0');
    await client.waitFor((replica) => replica.table('Bridge').size === 1, { deadlineMs: 10_000 });
    expect(client.stats.connections).toBe(1);
  });

  it('speaks TLS with certificates of both sides, and uses renewed ones on the next connection', async () => {
    const port = await freePort();
    const { dir, files } = await makeCertificates();
    const server = files('server');
    await startLab([
      `--remote=pssl:${port}:127.0.0.1`,
      `--private-key=${server.keyFile}`,
      `--certificate=${server.certificateFile}`,
      `--ca-cert=${server.caFile}`,
    ]);
    const endpoint = `ssl:127.0.0.1:${port}`;
    const tls = files('client');
    const client = clientOf(endpoint, { tls });
    await client.synced(AbortSignal.timeout(10_000));
    await copyFile(join(dir, 'renewed.key'), tls.keyFile);
    await copyFile(join(dir, 'renewed.pem'), tls.certificateFile);
    client.reconnect();
    await eventually(() => client.stats.connections === 2 && client.state.kind === 'synced', 'the client is back');

    const wary = clientOf(endpoint, { tls: { ...tls, checksServerName: true, serverName: 'ovsdb.example' } });
    await wary.synced(AbortSignal.timeout(10_000));
    const misled = clientOf(endpoint, { tls: { ...tls, checksServerName: true, serverName: 'other.example' } });
    await eventually(() => misled.state.kind === 'backoff', 'the wrong name is refused');
    expect(misled.state.lastError?.code).toBe('TLS_INVALID');
    const stranger = clientOf(endpoint, { tls: files('client', 'stranger') });
    await eventually(() => stranger.state.kind === 'backoff', 'the stranger is refused');
    expect(stranger.state.lastError?.code).toBe('TLS_INVALID');
  });

  it('says what is wrong with the files of TLS', async () => {
    const { dir, files } = await makeCertificates();
    const missing = clientOf('ssl:127.0.0.1:1', { tls: { ...files('client'), keyFile: join(dir, 'no.key') } });
    await eventually(() => missing.state.kind === 'backoff', 'the missing file is noticed');
    expect(missing.state.lastError).toMatchObject({ code: 'TLS_INVALID', facts: { systemError: 'ENOENT' } });
    const mixed = clientOf('ssl:127.0.0.1:1', { tls: { ...files('client'), keyFile: files('server').keyFile } });
    await eventually(() => mixed.state.kind === 'backoff', 'the wrong key is noticed');
    expect(mixed.state.lastError?.code).toBe('TLS_INVALID');
    const none = clientOf('ssl:127.0.0.1:1');
    await eventually(() => none.state.kind === 'backoff', 'the lack of files is noticed');
    expect(none.state.lastError?.code).toBe('TLS_INVALID');
  });
});

describe('a client of a real server', () => {
  it('takes turns with another client by a lock, and takes it over when the holder goes', async () => {
    const lab = await startLab();
    const endpoint = `unix:${lab.socket}`;
    const [first, second, thief] = [clientOf(endpoint), clientOf(endpoint), clientOf(endpoint)];
    await Promise.all([first.synced(), second.synced(), thief.synced()]);
    const write: readonly Json[] = [{ op: 'comment', comment: 'x' }];
    first.lock('writer');
    await eventually(() => first.lockState('writer') === 'held', 'the first has it');
    second.lock('writer');
    await eventually(() => second.lockState('writer') === 'waiting', 'the second waits');
    await first.transact(write);
    await expect(second.transact(write)).rejects.toMatchObject({ code: 'OVSDB_NOT_OWNER' });
    await first.close();
    await eventually(() => second.lockState('writer') === 'held', 'the second has it');
    await second.transact(write);
    thief.lock('writer', 'steal');
    await eventually(() => thief.lockState('writer') === 'held', 'it is stolen');
    await eventually(() => second.lockState('writer') === 'waiting', 'the second knows');
    thief.unlock('writer');
    await eventually(() => second.lockState('writer') === 'held', 'it is given back');
    await lab.killOvsdbServer();
    await eventually(() => second.lockState('writer') === 'none', 'the lock went with the connection');
    await lab.startOvsdbServer();
    await eventually(() => second.lockState('writer') === 'held', 'it is asked for again');
  });

  it('sees the rows of its condition only, also after the condition changed and the server was restarted', async () => {
    const lab = await startLab();
    await lab.vsctl('add-br', 'one', '--', 'add-br', 'two');
    const client = clientOf(`unix:${lab.socket}`, {
      monitor: { Bridge: { columns: ['name'], condition: [['name', '==', 'one']] } },
    });
    await client.synced(AbortSignal.timeout(10_000));
    expect(nameList(client)).toEqual(['one']);
    await client.setCondition('Bridge', [['name', '==', 'two']], { deadlineMs: 10_000 });
    expect(nameList(client)).toEqual(['two']);
    await lab.killOvsdbServer();
    await lab.startOvsdbServer();
    await eventually(() => client.stats.syncs === 2, 'the client is back');
    expect(nameList(client)).toEqual(['two']);
    await client.setCondition('Bridge', false, { deadlineMs: 10_000 });
    expect(nameList(client)).toEqual([]);
    await client.setCondition('Bridge', true, { deadlineMs: 10_000 });
    expect(nameList(client)).toEqual(['one', 'two']);
  });

  it('follows a conversion of the schema without losing its connection', async () => {
    const server = await ServerProcess.create([], (dbFile) => ['ovsdb-tool', 'create', dbFile, schemaFile]);
    cleanups.push(() => server.stop());
    await server.start();
    const client = clientOf(`unix:${server.socket}`, { monitor: { Bridge: {} } });
    await client.synced(AbortSignal.timeout(10_000));
    const schema = JSON.parse(await readFile(schemaFile, 'utf8')) as {
      version: string;
      tables: { Bridge: { columns: Record<string, unknown> } };
    };
    schema.version = '99.0.0';
    schema.tables.Bridge.columns['colour'] = { type: 'string' };
    const converted = join(server.dir, 'converted.ovsschema');
    await writeFile(converted, JSON.stringify(schema));
    await runTool(labEnv(server.dir), 'ovsdb-client', ['--timeout=10', 'convert', `unix:${server.socket}`, converted]);
    await client.waitFor(() => client.presence('Bridge', 'colour'), { deadlineMs: 10_000 });
    expect(client.replica.has('Bridge', 'colour')).toBe(true);
    expect(client.schema.version).toBe('99.0.0');
    expect(client.stats.connections).toBe(1);
  });

  it('knows that another server stands behind the same socket', async () => {
    const lab = await startLab();
    const client = clientOf(`unix:${lab.socket}`);
    await client.synced();
    expect(await client.listDbs()).toContain('Open_vSwitch');
    expect(await client.getSchema('Open_vSwitch')).toMatchObject({ name: 'Open_vSwitch' });
    expect(await client.call('echo', ['a', 1])).toEqual(['a', 1]);
    const before = await client.getServerId();
    expect(await client.getServerId()).toBe(before);
    await lab.killOvsdbServer();
    await lab.startOvsdbServer();
    await eventually(() => client.stats.syncs === 2, 'the client is back');
    expect(await client.getServerId()).not.toBe(before);
  });

  it('waits while the database is gone, and loads it when it is back with other contents', async () => {
    const lab = await startLab();
    await lab.vsctl('add-br', 'old');
    const client = clientOf(`unix:${lab.socket}`);
    await client.synced();
    await lab.killOvsdbServer('SIGTERM');
    await runTool(lab.env, 'rm', ['-f', lab.dbFile, lab.dbFile.replace('conf.db', '.conf.db.~lock~')]);
    await runTool(lab.env, 'ovsdb-tool', ['create', lab.dbFile, schemaFile]);
    await lab.startOvsdbServer();
    await client.waitFor(() => nameList(client).length === 0, { deadlineMs: 10_000 });
    await lab.serverctl('ovsdb-server/remove-db', 'Open_vSwitch');
    await eventually(() => client.state.lastError?.code === 'OVSDB_UNKNOWN_DATABASE', 'the database is missed');
    await lab.serverctl('ovsdb-server/add-db', lab.dbFile);
    await client.synced(AbortSignal.timeout(10_000));
  });

  it('says how to get access to a socket that belongs to somebody else', async () => {
    if (process.getuid?.() !== 0) return; // Needs another user to become.
    const lab = await startLab();
    await runTool(lab.env, 'chmod', ['755', lab.dir, lab.runDir]);
    process.seteuid?.(65_534);
    try {
      const client = clientOf(`unix:${lab.socket}`);
      await eventually(() => client.state.kind === 'backoff', 'the socket is refused');
      expect(client.state.lastError?.code).toBe('PERMISSION_DENIED');
      expect(client.state.lastError?.remedy).toContain('group');
    } finally {
      process.seteuid?.(0);
    }
  });
});
