import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import type { Condition, JsonObject } from '../../src/ovsdb/index.js';
import { ConditionSlots } from '../../src/ovsdb/condition-slots.js';
import { LockTable } from '../../src/ovsdb/lock-table.js';
import { ReplicaFeed } from '../../src/ovsdb/replica-feed.js';
import { rpcLimitsDefault } from '../../src/ovsdb/rpc.js';
import { clusterMemoryEmpty } from '../../src/ovsdb/server-row.js';
import { SessionDriver } from '../../src/ovsdb/session-driver.js';
import type { SessionMemory } from '../../src/ovsdb/session-driver.js';
import { dial } from '../../src/ovsdb/transport.js';
import { ScriptedOvsdbPeer } from '../fakes/scripted-ovsdb-peer.js';
import { eventually } from '../integration/lab/daemon.js';

const row = '00000000-0000-4000-8000-0000000000aa';
let peer: ScriptedOvsdbPeer;
let driver: SessionDriver | undefined;

beforeEach(async () => {
  peer = await ScriptedOvsdbPeer.start();
});
afterEach(async () => {
  driver?.close(new AgentError('CLIENT_CLOSED', 'the test is over'));
  await peer.stop();
});

/** Makes the peer a server with a `_Server` database that says `says` about `Lab`. */
function serveServer(says: JsonObject): void {
  const schema = peer.answers.get('get_schema');
  peer.answer('get_schema', (request) =>
    request.params[0] === '_Server' ? { result: { name: '_Server', tables: {} } } : schema!(request),
  );
  peer.answer('monitor_cond', () => ({ result: { Database: { [row]: { initial: { name: 'Lab', ...says } } } } }));
}

async function startSession(
  leaderOnly = false,
): Promise<{ told: string[]; ends: [AgentError, boolean][]; memory: SessionMemory }> {
  const told: string[] = [];
  const ends: [AgentError, boolean][] = [];
  const memory: SessionMemory = {
    feed: new ReplicaFeed(new Map([['Thing', {}]])),
    conditions: new ConditionSlots<Condition>(),
    locks: new LockTable((name, state) => told.push(`lock ${name} ${state}`)),
    cluster: clusterMemoryEmpty,
  };
  driver = new SessionDriver({
    stream: await dial({ kind: 'unix', path: peer.path }, { signal: new AbortController().signal }),
    clock: systemClock,
    limits: rpcLimitsDefault,
    wish: { database: 'Lab', leaderOnly },
    memory,
    listener: {
      onHeard: () => undefined,
      onSynced: () => told.push('synced'),
      onResync: () => told.push('resync'),
      onUpdate: ({ changes }) => told.push(`update ${changes.length}`),
      onConditions: () => told.push('conditions'),
      onEnd: (error, isVerdict) => ends.push([error, isVerdict]),
    },
  });
  return { told, ends, memory };
}

describe('a session', () => {
  it('learns about the server before it asks for data, and remembers how far its cluster is', async () => {
    serveServer({ model: 'clustered', connected: true, leader: true, index: 41 });
    const { memory } = await startSession(true);
    await eventually(() => driver?.isSynced === true, 'in sync');
    expect(peer.requests.map(({ method, params }) => `${method} ${JSON.stringify(params[0])}`)).toEqual([
      'get_schema "_Server"',
      'monitor_cond "_Server"',
      'set_db_change_aware true',
      'get_schema "Lab"',
      'monitor_cond_since "Lab"',
    ]);
    expect(memory.cluster.indexMin).toBe(41);
  });

  it('leaves a server that does not lead, by its own verdict', async () => {
    serveServer({ model: 'clustered', connected: true, leader: false });
    const { ends } = await startSession(true);
    await eventually(() => ends.length === 1, 'it leaves');
    expect(ends[0]?.[1]).toBe(true);
    expect(peer.requestsOf('monitor_cond_since')).toHaveLength(0);
  });

  it('leaves in sync, when the leader stops leading or the database goes', async () => {
    for (const change of [{ modify: { leader: false } }, { delete: null }]) {
      serveServer({ model: 'clustered', connected: true, leader: true });
      const { ends } = await startSession(true);
      await eventually(() => driver?.isSynced === true, 'in sync');
      peer.connection.notify('update2', ['server', { Database: { [row]: change } }]);
      await eventually(() => ends.length === 1, 'it leaves');
      expect(ends[0]?.[1]).toBe(true);
    }
  });

  it('goes back to the schema when the data monitor is canceled, and tells that it is out of sync', async () => {
    const { told } = await startSession();
    await eventually(() => told.includes('synced'), 'in sync');
    peer.connection.notify('monitor_canceled', ['data']);
    await eventually(() => told.filter((what) => what === 'synced').length === 2, 'in sync again');
    expect(told.filter((what) => what !== 'conditions')).toEqual(['synced', 'resync', 'synced']);
  });

  it('forgets locks and conditions on their way when it ends', async () => {
    peer.answer('lock', () => ({ result: { locked: true } }));
    peer.answer('monitor_cond_change', () => 'silence');
    const { told, ends, memory } = await startSession();
    memory.locks.want('writer', false);
    await eventually(() => told.includes('lock writer held'), 'the lock is ours');
    memory.conditions.set('Thing', false);
    driver?.sendConditions();
    await eventually(() => peer.requestsOf('monitor_cond_change').length === 1, 'the change is sent');
    peer.connection.hangUp();
    await eventually(() => ends.length === 1, 'it ends');
    expect(ends[0]?.[1]).toBe(false);
    expect(told.at(-1)).toBe('lock writer none');
    expect(memory.conditions.isInFlight).toBe(false);
    expect(memory.conditions.isSettled('Thing')).toBe(false);
  });

  it('calls nonsense of the server a broken protocol', async () => {
    const { told, ends } = await startSession();
    await eventually(() => told.includes('synced'), 'in sync');
    peer.connection.notify('monitor_canceled', ['unknown']);
    await eventually(() => ends.length === 1, 'it ends');
    expect(ends[0]?.[0].code).toBe('PEER_PROTOCOL');
  });
});
