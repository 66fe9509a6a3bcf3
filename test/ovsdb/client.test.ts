import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OvsdbClient } from '../../src/ovsdb/index.js';
import type { ChangeSet, Json, OvsdbClientOptions } from '../../src/ovsdb/index.js';
import { AgentError } from '../../src/lib/errors.js';
import { ScriptedOvsdbPeer } from '../fakes/scripted-ovsdb-peer.js';
import { eventually } from '../integration/lab/daemon.js';

type LabDatabase = Record<string, object>;

const a = '00000000-0000-4000-8000-00000000000a';
const b = '00000000-0000-4000-8000-00000000000b';
const zero = '00000000-0000-0000-0000-000000000000';
const someId = '11111111-0000-4000-8000-000000000001';
const otherId = '11111111-0000-4000-8000-000000000002';

let peer: ScriptedOvsdbPeer;
let clients: OvsdbClient<LabDatabase>[];

beforeEach(async () => {
  peer = await ScriptedOvsdbPeer.start();
  clients = [];
});

afterEach(async () => {
  for (const client of clients) await client.close();
  await peer.stop();
});

function makeClient(options: Partial<OvsdbClientOptions<LabDatabase>> = {}): OvsdbClient<LabDatabase> {
  const client = new OvsdbClient<LabDatabase>({
    endpoints: [peer.endpoint],
    database: 'Lab',
    monitor: { Thing: {} },
    timing: { backoff: { baseMs: 5, capMs: 20 } },
    ...options,
  });
  clients.push(client);
  return client;
}

async function syncedClient(options: Partial<OvsdbClientOptions<LabDatabase>> = {}): Promise<OvsdbClient<LabDatabase>> {
  const client = makeClient(options);
  client.start();
  await client.synced(AbortSignal.timeout(10_000));
  return client;
}

const names = (client: OvsdbClient<LabDatabase>): unknown[] =>
  [...client.replica.table('Thing').rows()].map(({ name }) => name).sort();

/** Waits until the client is in sync by another connection than the first `count` ones. */
async function resynced(client: OvsdbClient<LabDatabase>, count: number): Promise<void> {
  await eventually(() => peer.connections.length > count && client.state.kind === 'synced', 'the client is back');
}

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof AgentError ? error.code : error),
  );

describe('a client', () => {
  it('gives nothing away before it was in sync', async () => {
    const client = makeClient();
    expect(client.state.kind).toBe('idle');
    expect(() => client.replica).toThrow(expect.objectContaining({ code: 'NOT_CONNECTED' }));
    expect(await code(client.transact([]))).toBe('NOT_CONNECTED');
    expect(await code(client.listDbs())).toBe('NOT_CONNECTED');
  });

  it('reads dumps and updates that arrive byte by byte', async () => {
    peer.pieceSize = 1;
    peer.rows = { [a]: { name: 'één' } };
    const client = await syncedClient();
    expect(names(client)).toEqual(['één']);
    peer.connection.notify('update3', ['data', zero, { Thing: { [b]: { insert: { name: 'two' } } } }]);
    await client.waitFor((replica) => replica.table('Thing').size === 2, { deadlineMs: 10_000 });
    expect(names(client)).toEqual(['two', 'één']);
  });

  it('falls back to older monitor methods, with the same contents', async () => {
    peer.rows = { [a]: { name: 'one', size: 3 } };
    peer.answers.delete('monitor_cond_since');
    const middle = await syncedClient();
    expect(names(middle)).toEqual(['one']);
    peer.connection.notify('update2', ['data', { Thing: { [a]: { modify: { name: 'uno' } } } }]);
    await middle.waitFor(() => names(middle)[0] === 'uno', { deadlineMs: 10_000 });

    peer.answers.delete('monitor_cond');
    const old = await syncedClient();
    peer.connection.notify('update', [
      'data',
      { Thing: { [a]: { old: { name: 'one' }, new: { name: 'eins', size: 3 } } } },
    ]);
    await old.waitFor(() => names(old)[0] === 'eins', { deadlineMs: 10_000 });
  });

  it('applies an update before the reply that follows it in the same bytes', async () => {
    const client = await syncedClient();
    peer.answer('transact', ({ connection, id }) => {
      const update = { id: null, method: 'update3', params: ['data', zero, { Thing: { [a]: { insert: {} } } }] };
      connection.sendBytes(JSON.stringify(update) + JSON.stringify({ id, result: [{}], error: null }));
      return 'silence';
    });
    await client.transact([{ op: 'comment', comment: 'x' }]);
    expect(client.replica.table('Thing').size).toBe(1);
  });

  it('drops its transaction id and loads everything anew when an update does not fit', async () => {
    peer.answer('monitor_cond_since', () => ({ result: [false, someId, { Thing: { [a]: { initial: {} } } }] }));
    const client = await syncedClient();
    peer.connection.notify('update3', ['data', otherId, { Thing: { [b]: { modify: { name: 'ghost' } } } }]);
    await resynced(client, 1);
    expect(peer.requestsOf('monitor_cond_since').map(({ params }) => params[3])).toEqual([zero, zero]);
    expect(client.stats.protocolErrors).toBe(1);
  });

  it('resumes from the last transaction id and applies what it missed', async () => {
    peer.answer('monitor_cond_since', ({ params }) =>
      params[3] === otherId
        ? { result: [true, someId, { Thing: { [b]: { insert: { name: 'missed' } } } }] }
        : { result: [false, someId, { Thing: { [a]: { initial: { name: 'old' } } } }] },
    );
    const client = await syncedClient();
    peer.connection.notify('update3', ['data', otherId, { Thing: { [a]: { modify: { name: 'new' } } } }]);
    await client.waitFor(() => names(client)[0] === 'new', { deadlineMs: 10_000 });
    peer.connection.hangUp();
    await resynced(client, 1);
    expect(names(client)).toEqual(['missed', 'new']);
    expect(client.stats.resumes).toBe(1);
  });

  it('tells the exact differences after a reload, and keeps the rows that are equal', async () => {
    peer.rows = { [a]: { name: 'same' }, [b]: { name: 'gone' } };
    const client = await syncedClient();
    const sets: ChangeSet[] = [];
    client.onChange((set) => sets.push(set));
    const kept = [...client.replica.table('Thing').rows()].find(({ name }) => name === 'same');
    peer.rows = { [a]: { name: 'same' } };
    peer.connection.hangUp();
    await resynced(client, 1);
    expect(sets.flatMap((set) => set.changes.map((change) => [set.cause, change.kind, change.uuid]))).toEqual([
      ['reload', 'delete', b],
    ]);
    expect(client.replica.table('Thing').get(kept!._uuid)).toBe(kept);
  });

  it('takes large dumps row by row', async () => {
    const count = 5000;
    peer.rows = Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
        { name: `thing-${index}`, size: index },
      ]),
    );
    const client = await syncedClient();
    expect(client.replica.table('Thing').size).toBe(count);
  });

  it.each([
    ['text that is no JSON', (): string => '{"id":1,,}'],
    ['a reply that nobody asked for', (): string => '{"id":4711,"result":[],"error":null}'],
    ['an update of an unknown monitor', (): string => '{"id":null,"method":"update3","params":["no","x",{}]}'],
    ['a notification of an unknown kind', (): string => '{"id":null,"method":"dance","params":[]}'],
    ['an update with too few parameters', (): string => '{"id":null,"method":"update3","params":["data"]}'],
  ])('survives %s: drops the connection and comes back', async (_what, text) => {
    const client = await syncedClient();
    peer.connection.sendBytes(text());
    await resynced(client, 1);
    expect(client.stats.protocolErrors).toBe(1);
  });

  it('survives a peer that hangs up in the middle of a message', async () => {
    const client = await syncedClient();
    peer.connection.sendBytes('{"id":null,"method":"upd');
    peer.connection.halfClose();
    await resynced(client, 1);
    expect(client.state.lastError).toBeUndefined();
  });

  it('gives up a peer that falls silent, and does not blame one that answers', async () => {
    const client = await syncedClient({ probeMs: 40 });
    await eventually(() => peer.requestsOf('echo').length >= 3, 'three probes');
    expect(peer.connections).toHaveLength(1);
    peer.answer('echo', () => 'silence');
    await resynced(client, 1);
    expect(client.stats.losses).toBe(1);
  });

  it('answers the probes of the peer', async () => {
    await syncedClient();
    peer.connection.send({ id: 'echo', method: 'echo', params: ['alive'] });
    peer.connection.send({ id: 7, method: 'dance', params: [] });
    await eventually(() => peer.replies.length === 2, 'both answers');
    expect(peer.replies).toEqual([
      { id: 'echo', result: ['alive'], error: null },
      { id: 7, result: null, error: 'unknown method' },
    ]);
  });

  it('says that the outcome of a transaction is unknown when the connection goes before the reply', async () => {
    const client = await syncedClient();
    peer.answer('transact', ({ connection }) => {
      connection.hangUp();
      return 'silence';
    });
    const error = await client.transact([]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', isOutcomeUnknown: true });
    expect(client.stats).toMatchObject({ transactionsUnknown: 1, transactionsInFlight: 0 });
  });

  it('cancels a transaction that its caller gives up, and consumes the late reply', async () => {
    const client = await syncedClient();
    let late: Json = null;
    peer.answer('transact', ({ id }) => {
      late = id;
      return 'silence';
    });
    const controller = new AbortController();
    const pending = code(client.transact([], { signal: controller.signal }));
    await eventually(() => peer.requestsOf('transact').length === 1, 'the transaction is sent');
    controller.abort();
    expect(await pending).toBe('ABORTED_IN_FLIGHT');
    await eventually(() => peer.requestsOf('cancel').length === 1, 'the cancel is sent');
    expect(peer.requestsOf('cancel')[0]?.params).toEqual([late]);
    peer.connection.send({ id: late, error: 'canceled' });
    peer.answer('list_dbs', () => ({ result: ['Lab'] }));
    expect(await client.listDbs()).toEqual(['Lab']);
    expect(peer.connections).toHaveLength(1);
  });

  it('asserts the locks it wants in every transaction, and hides that from the results', async () => {
    peer.answer('lock', () => ({ result: { locked: false } }));
    const client = makeClient();
    client.lock('writer');
    client.start();
    await client.synced();
    await eventually(() => client.lockState('writer') === 'waiting', 'the server queued us');
    peer.connection.notify('locked', ['writer']);
    await eventually(() => client.lockState('writer') === 'held', 'the lock is ours');
    expect(await client.transact([{ op: 'comment', comment: 'x' }])).toHaveLength(1);
    expect(peer.requestsOf('transact')[0]?.params[1]).toEqual({ op: 'assert', lock: 'writer' });
    peer.answer('transact', () => ({ result: [{ error: 'not owner' }, null] }));
    expect(await code(client.transact([{ op: 'comment', comment: 'x' }]))).toBe('OVSDB_NOT_OWNER');
    peer.connection.notify('stolen', ['writer']);
    await eventually(() => client.lockState('writer') === 'waiting', 'the lock is gone');
  });

  it('asks only for columns that the server has, and reports the others', async () => {
    const client = await syncedClient({ monitor: { Thing: { columns: ['name', 'color'] }, Other: {} } });
    expect(peer.requestsOf('monitor_cond_since')[0]?.params[2]).toEqual({ Thing: [{ columns: ['name'] }] });
    expect(client.missing).toEqual([{ table: 'Thing', column: 'color' }, { table: 'Other' }]);
    expect(client.presence('Thing', 'size')).toBe(true);
    expect(client.presence('Thing', 'color')).toBe(false);
  });

  it('never has two changes of conditions on their way, and resolves when the last one is acknowledged', async () => {
    const held: Json[] = [];
    peer.answer('monitor_cond_change', ({ id }) => {
      held.push(id);
      return 'silence';
    });
    const client = await syncedClient();
    const first = client.setCondition('Thing', [['name', '==', 'a']]);
    const second = client.setCondition('Thing', [['name', '==', 'b']]);
    await eventually(() => held.length === 1, 'the first change is sent');
    expect(peer.requestsOf('monitor_cond_change')).toHaveLength(1);
    peer.connection.send({ id: held[0]!, result: {}, error: null });
    await eventually(() => held.length === 2, 'the second change is sent');
    peer.connection.send({ id: held[1]!, result: {}, error: null });
    await Promise.all([first, second]);
    expect(peer.requestsOf('monitor_cond_change')[1]?.params[2]).toEqual({ Thing: [{ where: [['name', '==', 'b']] }] });
  });

  it('forgets its transaction id when the connection goes with a change of conditions on its way', async () => {
    peer.answer('monitor_cond_since', () => ({ result: [false, someId, { Thing: {} }] }));
    peer.answer('monitor_cond_change', ({ connection }) => {
      connection.hangUp();
      return 'silence';
    });
    const client = await syncedClient();
    await client.setCondition('Thing', [['name', '==', 'a']], { deadlineMs: 10_000 });
    const again = peer.requestsOf('monitor_cond_since')[1];
    expect(again?.params[3]).toBe(zero);
    expect(again?.params[2]).toMatchObject({ Thing: [{ where: [['name', '==', 'a']] }] });
  });

  it('refuses conditions that the server would refuse', async () => {
    const client = await syncedClient();
    expect(await code(client.setCondition('Thing', [['size', '==', 'text']]))).toBe('OVSDB_VALUE_INVALID');
    expect(await code(client.setCondition('Other', true))).toBe('USAGE');
    expect(peer.requestsOf('monitor_cond_change')).toHaveLength(0);
  });

  it('reads the schema again when the server cancels the monitor', async () => {
    const client = await syncedClient();
    peer.answer('get_schema', () => ({
      result: {
        name: 'Lab',
        version: '2.0.0',
        tables: { Thing: { isRoot: true, columns: { name: { type: 'string' }, color: { type: 'string' } } } },
      },
    }));
    peer.rows = { [a]: { name: 'one', color: 'red' } };
    peer.connection.notify('monitor_canceled', ['data']);
    await client.waitFor((replica) => replica.table('Thing').size === 1, { deadlineMs: 10_000 });
    expect(client.presence('Thing', 'color')).toBe(true);
    expect([...client.replica.table('Thing').rows()][0]).toMatchObject({ name: 'one', color: 'red' });
    expect(peer.connections).toHaveLength(1);
  });

  it('tries the other endpoints when one refuses, and tells why it waits', async () => {
    const client = makeClient({ endpoints: ['unix:/nonexistent/db.sock', peer.endpoint] });
    client.start();
    await client.synced(AbortSignal.timeout(10_000));
    expect(client.state.endpoint).toBe(peer.endpoint);
    const lost = makeClient({ endpoints: ['unix:/nonexistent/db.sock'] });
    lost.start();
    await eventually(() => lost.state.kind === 'backoff', 'the dial failed');
    expect(lost.state.lastError).toMatchObject({ code: 'CONNECT_FAILED', facts: { systemError: 'ENOENT' } });
  });

  it('ends everything when it is closed, twice without harm', async () => {
    const client = await syncedClient();
    peer.answer('transact', () => 'silence');
    const pending = code(client.transact([]));
    const waiting = code(client.waitFor(() => false));
    await client.close();
    await client.close();
    expect(await pending).toBe('CONNECTION_LOST');
    expect(await waiting).toBe('CLIENT_CLOSED');
    expect(await code(client.synced())).toBe('CLIENT_CLOSED');
    expect(await code(client.transact([]))).toBe('CLIENT_CLOSED');
    expect(client.state.kind).toBe('closed');
  });

  it('can be closed by a listener of the very change', async () => {
    const client = await syncedClient();
    client.onChange(() => void client.close());
    peer.connection.notify('update3', ['data', zero, { Thing: { [a]: { insert: {} } } }]);
    await eventually(() => client.state.kind === 'closed', 'closed');
  });
});
