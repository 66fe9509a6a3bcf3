import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../../src/agent/status.js';
import { mainFile, ensureBuilt } from './build.js';
import { call } from './call.js';
import { Rig } from './rig.js';
import { makeLabDir, removeLabDir, runTool } from '../lab/ovs.js';

const bridges = [{ name: 'br-int', failMode: 'secure', mtu: 1400 }];
const schemaFile = '/usr/share/openvswitch/vswitch.ovsschema';

interface SchemaJson {
  readonly name: string;
  version: string;
  readonly tables: Record<string, { readonly columns: Record<string, unknown> }>;
}

async function schemaWith(change: (schema: SchemaJson) => void): Promise<string> {
  const schema = JSON.parse(await readFile(schemaFile, 'utf8')) as SchemaJson;
  change(schema);
  return JSON.stringify(schema);
}

const words = (status: AgentStatus): string => status.conditions.map((entry) => entry.message).join(' ');

describe('the agent, with a database server that is not as it should be', () => {
  it('says what is wrong with a socket that nobody listens at, and does not end', async () => {
    await using rig = await Rig.start();
    const agent = rig.inner({ bridges, ovsdb: { endpoints: ['unix:/nonexistent/db.sock'] } });
    const status = await agent.until(({ ovsdb }) => ovsdb.kind === 'connecting' && ovsdb.code !== undefined, 'why');
    expect(status.conditions[0]?.reason).toBe('OvsdbUnavailable');
    expect(words(status)).toContain('/nonexistent/db.sock');
    await agent.rounds(3);
    expect(agent.bugs).toEqual([]);
  });

  it('gives up on a server that accepts and never answers, says so, and frees what it took', async () => {
    await using rig = await Rig.start();
    const path = join(rig.lab.runDir, 'mute.sock');
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket)));
      socket.resume();
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      const agent = rig.inner({ bridges, ovsdb: { endpoints: [`unix:${path}`], probeMs: 200 } });
      const status = await agent.until(({ ovsdb }) => ovsdb.kind === 'connecting' && ovsdb.code !== undefined, 'why');
      expect(words(status)).toMatch(/no sign of life|did not answer/);
      await agent.rounds(3);
      expect(sockets.size).toBeLessThanOrEqual(1);
      expect(agent.bugs).toEqual([]);
    } finally {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
    }
  });

  it.skipIf(process.getuid?.() !== 0)('says who may open a socket that it may not', async () => {
    await using rig = await Rig.start();
    await ensureBuilt();
    const file = join(rig.lab.dir, 'config.json');
    await writeFile(file, rig.configText({ bridges }));
    for (const path of [rig.lab.dir, rig.lab.runDir]) await chmod(path, 0o755);
    const unprivileged = ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const result = await call([...unprivileged, process.execPath, mainFile, 'plan', '-c', file]);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('PERMISSION_DENIED');
    expect(result.stderr).toContain(rig.lab.socket);
    expect(result.stderr.trim().split('\n').length).toBeGreaterThan(1);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'tells a socket of vswitchd that it may not open from a dead vswitchd',
    async () => {
      await using rig = await Rig.start({ vswitchd: true });
      await ensureBuilt();
      const dir = await mkdtemp(join(rig.lab.dir, 'unprivileged-'));
      await chmod(dir, 0o777);
      const file = join(dir, 'config.json');
      await writeFile(file, rig.configText({ bridges }, dir));
      for (const path of [rig.lab.dir, rig.lab.runDir]) await chmod(path, 0o755);
      await chmod(rig.lab.socket, 0o666);
      const unprivileged = ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
      const result = await call([
        ...unprivileged,
        ...[process.execPath, mainFile, 'apply', '--once', '--json', '--wait', '3', '-c', file],
      ]);
      expect(result.code).toBe(3);
      const status = JSON.parse(result.stdout) as AgentStatus;
      expect(new Set(status.conditions.map(({ reason }) => reason))).toEqual(new Set(['VswitchdDenied']));
    },
  );

  it('works with an older schema, and refuses only what it has no words for', async () => {
    const dir = await makeLabDir();
    try {
      const schema = join(dir, 'old.ovsschema');
      const text = await schemaWith(({ tables }) => {
        for (const column of ['mtu_request', 'mtu', 'ifindex', 'error']) delete tables['Interface']?.columns[column];
        for (const column of ['datapath_types', 'iface_types', 'dpdk_initialized']) {
          delete tables['Open_vSwitch']?.columns[column];
        }
        delete tables['Bridge']?.columns['datapath_version'];
      });
      await writeFile(schema, text);
      await using rig = await Rig.start({ schema });
      await rig.lab.vsctl('--no-wait', 'init').catch(String);
      const ports = [
        { kind: 'internal', name: 'int0', mtu: 1400 },
        { kind: 'internal', name: 'int1' },
      ];
      const agent = rig.inner({ bridges: [{ name: 'br-int', failMode: 'secure', ports }] });
      await agent.until(({ appliedRounds }) => appliedRounds > 0, 'it wrote');
      const refused = await agent.until(
        ({ conditions }) => conditions.some((entry) => entry.reason === 'TransactionRefused'),
        'what the schema has no column for is refused',
      );
      const names = refused.conditions.filter((entry) => entry.reason === 'TransactionRefused');
      expect(names.map((entry) => `${entry.object.kind} ${entry.object.name}`)).toEqual(['port int0']);
      expect(names[0]?.message).toContain('mtu_request');
      expect((await rig.lab.vsctl('list-ports', 'br-int')).trim()).toBe('int1');
      expect(agent.bugs).toEqual([]);
    } finally {
      await removeLabDir(dir);
    }
  });

  it("works with NVIDIA's newer schema, whose columns it reads where they are", async () => {
    const dir = await makeLabDir();
    try {
      const schema = join(dir, 'doca.ovsschema');
      const text = await schemaWith((parsed) => {
        parsed.version = '8.9.0';
        const columns = parsed.tables['Open_vSwitch']!.columns;
        columns['doca_initialized'] = { type: 'boolean' };
        columns['doca_version'] = { type: { key: 'string', min: 0, max: 1 } };
      });
      await writeFile(schema, text);
      await using rig = await Rig.start({ schema });
      await rig.lab.vsctl('--no-wait', 'init');
      const update = { op: 'update', table: 'Open_vSwitch', where: [], row: { doca_initialized: true } };
      await rig.lab.rawCall('transact', ['Open_vSwitch', update]);
      const agent = rig.inner({ bridges });
      await agent.until(({ appliedRounds }) => appliedRounds === 1, 'it wrote');
      expect(agent.assembly.reconciler.look()?.input.observed.root.isDocaInitialized).toBe(true);
      expect(agent.bugs).toEqual([]);
    } finally {
      await removeLabDir(dir);
    }
  });

  it('starts over on a database that was replaced under the running server', async () => {
    await using rig = await Rig.start();
    const agent = rig.inner({ bridges });
    await agent.until(({ appliedRounds, pendingCount }) => appliedRounds === 1 && pendingCount === 0, 'it wrote');
    await rig.lab.killOvsdbServer();
    await writeFile(rig.lab.dbFile, '');
    await runTool(rig.lab.env, 'rm', [rig.lab.dbFile]);
    await runTool(rig.lab.env, 'ovsdb-tool', ['create', rig.lab.dbFile, schemaFile]);
    await rig.lab.startOvsdbServer();
    const status = await agent.until(
      ({ ovsdb, conditions }) => ovsdb.kind === 'synced' && conditions[0]?.reason === 'OvsdbUnavailable',
      'the database is empty',
    );
    expect(words(status)).toContain('never initialised');
    await rig.lab.vsctl('--no-wait', 'init');
    await agent.until(({ appliedRounds }) => appliedRounds === 2, 'it wrote again');
    expect((await rig.lab.vsctl('list-br')).trim()).toBe('br-int');
  });

  it('says so when the server has no database of that name', async () => {
    const dir = await makeLabDir();
    try {
      const schema = join(dir, 'other.ovsschema');
      await writeFile(schema, JSON.stringify({ name: 'Other', version: '1.0.0', tables: {} }));
      await using rig = await Rig.start({ schema });
      const agent = rig.inner({ bridges });
      const status = await agent.until(({ ovsdb }) => ovsdb.kind === 'connecting' && ovsdb.code !== undefined, 'why');
      expect(status.ovsdb).toMatchObject({ code: 'OVSDB_UNKNOWN_DATABASE' });
      expect(words(status)).toContain('Open_vSwitch');
      expect(agent.bugs).toEqual([]);
    } finally {
      await removeLabDir(dir);
    }
  });
});
