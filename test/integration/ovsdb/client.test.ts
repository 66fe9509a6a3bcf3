import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OvsdbClient } from '../../../src/ovsdb/index.js';
import type { ChangeSet, Json } from '../../../src/ovsdb/index.js';
import { OvsLab } from '../lab/ovs.js';
import { eventually } from '../lab/daemon.js';

type AnyDatabase = Record<string, object>;
const monitor = {
  Open_vSwitch: { columns: ['bridges', 'next_cfg', 'external_ids'] },
  Bridge: { columns: ['name', 'ports', 'external_ids'] },
  Port: { columns: ['name', 'interfaces'] },
  Interface: { columns: ['name', 'type', 'ofport'] },
};

let lab: OvsLab;
let client: OvsdbClient<AnyDatabase>;
let changes: ChangeSet[];

beforeEach(async () => {
  lab = await OvsLab.start();
  client = new OvsdbClient<AnyDatabase>({ endpoints: [`unix:${lab.socket}`], database: 'Open_vSwitch', monitor });
  changes = [];
  client.onChange((set) => changes.push(set));
  client.start();
  await client.synced(AbortSignal.timeout(10_000));
});

afterEach(async () => {
  await client.close();
  await lab.stop();
});

const addBridge = (name: string): Json[] => [
  { op: 'insert', table: 'Bridge', row: { name }, 'uuid-name': 'bridge' },
  { op: 'mutate', table: 'Open_vSwitch', where: [], mutations: [['bridges', 'insert', ['named-uuid', 'bridge']]] },
];

function bridgeNames(): string[] {
  return [...client.replica.table('Bridge').rows()].map(({ name }) => (typeof name === 'string' ? name : '?')).sort();
}

describe('a client of a standalone server', () => {
  it('has its own change in the replica when the transaction resolves', async () => {
    for (let round = 0; round < 50; round += 1) {
      await client.transact(addBridge(`br${round}`));
      expect(client.replica.table('Bridge').size).toBe(round + 1);
    }
  });

  it('follows the changes of others', async () => {
    await lab.vsctl('add-br', 'br-int');
    await client.waitFor((replica) => replica.table('Bridge').size === 1, { deadlineMs: 10_000 });
    expect(bridgeNames()).toEqual(['br-int']);
    await lab.vsctl('del-br', 'br-int');
    await client.waitFor((replica) => replica.table('Bridge').size === 0, { deadlineMs: 10_000 });
  });

  it('reports exactly what changed while it was away', async () => {
    await client.transact(addBridge('kept'));
    await client.transact(addBridge('gone'));
    const kept = [...client.replica.table('Bridge').rows()].find((row) => row['name'] === 'kept');
    await lab.killOvsdbServer();
    await eventually(() => client.state.kind !== 'synced', 'the loss is noticed');
    expect(bridgeNames()).toEqual(['gone', 'kept']);
    changes = [];
    await lab.startOvsdbServer();
    await lab.vsctl('--', 'del-br', 'gone', '--', 'add-br', 'new');
    await client.waitFor(() => bridgeNames().includes('new'), { deadlineMs: 10_000 });
    expect(bridgeNames()).toEqual(['kept', 'new']);
    const told = changes.flatMap((set) => set.changes).filter((change) => change.table === 'Bridge');
    expect(told.map((change) => change.kind).sort()).toEqual(['delete', 'insert']);
    expect(client.replica.table('Bridge').get(kept!._uuid)).toBe(kept);
  });
});

describe('what a server does otherwise than one would expect', () => {
  it('hangs up at a member that JSON-RPC 2.0 would add, so the client never sends one', async () => {
    const hungUp = await new Promise<boolean>((resolve) => {
      const socket = connect(lab.socket, () => socket.write('{"jsonrpc":"2.0","id":1,"method":"echo","params":[]}'));
      socket.once('data', () => resolve(false)).once('close', () => resolve(true));
    });
    expect(hungUp).toBe(true);
    expect(await client.call('echo', ['still there'])).toEqual(['still there']);
  });

  it('keeps a transaction that was given up from holding anybody back, and the session', async () => {
    const abort = new AbortController();
    const never: Json = {
      op: 'wait',
      table: 'Bridge',
      where: [],
      columns: ['name'],
      until: '==',
      rows: [{ name: 'x' }],
    };
    const waiting = client.transact([never], { signal: abort.signal });
    await client.transact(addBridge('meanwhile'));
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED_IN_FLIGHT' });
    expect(client.state.kind).toBe('synced');
    await client.transact(addBridge('after'));
    expect(bridgeNames()).toEqual(['after', 'meanwhile']);
  });
});
