import { afterEach, describe, expect, it } from 'vitest';
import { OvsdbClient } from '../../../src/ovsdb/index.js';
import type { Json, OvsdbClientOptions } from '../../../src/ovsdb/index.js';
import { eventually } from '../lab/daemon.js';
import { ServerProcess, startCluster } from './cluster.js';

type AnyDatabase = Record<string, object>;

const running: ServerProcess[] = [];
const clients: OvsdbClient<AnyDatabase>[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const server of running.splice(0)) await server.stop();
});

async function cluster(count: number): Promise<readonly ServerProcess[]> {
  const servers = await startCluster(count);
  running.push(...servers);
  return servers;
}

function clientOf(
  servers: readonly ServerProcess[],
  options: Partial<OvsdbClientOptions<AnyDatabase>> = {},
): OvsdbClient<AnyDatabase> {
  const client = new OvsdbClient<AnyDatabase>({
    endpoints: servers.map((server) => `unix:${server.socket}`),
    database: 'Open_vSwitch',
    monitor: { Open_vSwitch: { columns: ['bridges', 'next_cfg'] }, Bridge: { columns: ['name', 'datapath_type'] } },
    timing: { backoff: { baseMs: 50, capMs: 200 } },
    ...options,
  });
  clients.push(client);
  client.start();
  return client;
}

const waiting = { waitsForSync: true, deadlineMs: 30_000 } as const;
const root: readonly Json[] = [{ op: 'insert', table: 'Open_vSwitch', row: {} }];
const addBridge = (name: string): readonly Json[] => [
  { op: 'insert', table: 'Bridge', row: { name }, 'uuid-name': 'bridge' },
  { op: 'mutate', table: 'Open_vSwitch', where: [], mutations: [['bridges', 'insert', ['named-uuid', 'bridge']]] },
];

const mark = (name: string, datapath_type: string): readonly Json[] => [
  { op: 'update', table: 'Bridge', where: [['name', '==', name]], row: { datapath_type } },
];

const nameList = (client: OvsdbClient<AnyDatabase>): unknown[] =>
  [...client.replica.table('Bridge').rows()].map(({ name }) => name).sort();

async function isLeader(server: ServerProcess): Promise<boolean> {
  return (await server.appctl('cluster/status', 'Open_vSwitch')).includes('Role: leader');
}

describe('a client of a raft cluster', () => {
  it('gets only what it missed from a server that remembers it', async () => {
    const [server] = await cluster(1);
    const client = clientOf([server!]);
    await client.transact(root, waiting);
    for (let round = 0; round < 30; round += 1) await client.transact(addBridge(`br${round}`));
    const other = clientOf([server!]);
    await other.synced();
    // Small changes: the server's history holds no more values than its database (ovsdb-server(7)).
    await client.transact(mark('br0', 'first'));
    client.reconnect();
    for (let round = 1; round < 4; round += 1) await other.transact(mark(`br${round}`, 'missed'));
    const missedCount = (): number =>
      [...client.replica.table('Bridge').rows()].filter((row) => row['datapath_type'] === 'missed').length;
    await client.waitFor(() => missedCount() === 3, { deadlineMs: 20_000 });
    expect(nameList(client)).toEqual(nameList(other));
    expect(client.stats.resumes).toBe(1);
  });

  it('follows the leader of three servers when the leader dies, and loses nothing', async () => {
    const servers = await cluster(3);
    const client = clientOf(servers, { leaderOnly: true });
    await client.transact(root, waiting);
    await client.transact(addBridge('before'));
    const leader = await eventually(async () => {
      for (const server of servers) if (await isLeader(server)) return server;
      return undefined;
    }, 'somebody leads');
    expect(client.state.endpoint).toBe(`unix:${leader.socket}`);
    await leader.kill();
    await eventually(() => client.state.kind !== 'synced', 'the loss is noticed');
    await client.transact(addBridge('after'), { waitsForSync: true, deadlineMs: 40_000 });
    expect(client.state.endpoint).not.toBe(`unix:${leader.socket}`);
    expect(nameList(client)).toEqual(['after', 'before']);
  });

  it('leaves a server that lost its cluster', async () => {
    const servers = await cluster(3);
    const client = clientOf(servers);
    await client.transact(root, waiting);
    const own = servers.find((server) => client.state.endpoint === `unix:${server.socket}`);
    // Without a majority the others are no cluster either, and a lone server is not "connected".
    for (const server of servers) if (server !== own) await server.kill();
    await eventually(() => client.state.kind !== 'synced', 'the server is left', 30_000);
    expect(client.replica.table('Open_vSwitch').size).toBe(1);
    for (const server of servers) if (server !== own) await server.start();
    await client.synced(AbortSignal.timeout(40_000));
  });

  it('refuses the members of another cluster', async () => {
    const [server] = await cluster(1);
    const client = clientOf([server!], { clusterId: '00000000' });
    await eventually(() => client.state.kind === 'backoff', 'the server is refused');
    expect(client.state.lastError).toMatchObject({
      code: 'CONNECT_FAILED',
      message: 'the server belongs to another cluster',
    });
    const id = (await server!.appctl('cluster/cid', 'Open_vSwitch')).trim();
    await clientOf([server!], { clusterId: id.slice(0, 8) }).synced(AbortSignal.timeout(10_000));
  });

  it('reads from a relay, but never takes it for the leader', async () => {
    const [server] = await cluster(1);
    const writer = clientOf([server!]);
    await writer.transact(root, waiting);
    const relay = await ServerProcess.create([`relay:Open_vSwitch:unix:${server!.socket}`], () => []);
    running.push(relay);
    await relay.start();
    const reader = clientOf([relay]);
    await reader.synced(AbortSignal.timeout(20_000));
    await writer.transact(addBridge('through'));
    await reader.waitFor((replica) => replica.table('Bridge').size === 1, { deadlineMs: 20_000 });
    await reader.transact(addBridge('back'));
    await writer.waitFor((replica) => replica.table('Bridge').size === 2, { deadlineMs: 20_000 });
    const picky = clientOf([relay], { leaderOnly: true });
    await eventually(() => picky.state.kind === 'backoff', 'the relay is refused');
    expect(picky.state.lastError?.message).toContain('relay');
  });
});
