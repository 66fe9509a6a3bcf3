import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import type { Condition, OvsdbClientOptions } from '../../src/ovsdb/index.js';
import { settleOptions } from '../../src/ovsdb/client-options.js';
import { ConditionSlots } from '../../src/ovsdb/condition-slots.js';
import { Connector } from '../../src/ovsdb/connector.js';
import { LockTable } from '../../src/ovsdb/lock-table.js';
import { ReplicaFeed } from '../../src/ovsdb/replica-feed.js';
import { clusterMemoryEmpty } from '../../src/ovsdb/server-row.js';
import { zeroStats } from '../../src/ovsdb/stats.js';
import type { ClientStats } from '../../src/ovsdb/stats.js';
import { ScriptedOvsdbPeer } from '../fakes/scripted-ovsdb-peer.js';
import { eventually } from '../integration/lab/daemon.js';

let peer: ScriptedOvsdbPeer;
let connectors: Connector[];

beforeEach(async () => {
  peer = await ScriptedOvsdbPeer.start();
  connectors = [];
});
afterEach(async () => {
  for (const connector of connectors) connector.close(new AgentError('CLIENT_CLOSED', 'the test is over'));
  await peer.stop();
});

function start(options: Partial<OvsdbClientOptions<object>> = {}): {
  connector: Connector;
  phases: string[];
  stats: ClientStats;
} {
  const phases: string[] = [];
  const stats = zeroStats();
  const settings = settleOptions({
    endpoints: [peer.endpoint],
    database: 'Lab',
    monitor: { Thing: {} },
    timing: { backoff: { baseMs: 1, capMs: 4 } },
    ...options,
  });
  const connector = new Connector({
    settings,
    stats,
    memory: {
      feed: new ReplicaFeed(settings.monitor),
      conditions: new ConditionSlots<Condition>(),
      locks: new LockTable(() => undefined),
      cluster: clusterMemoryEmpty,
    },
    listener: {
      onPhase: (phase, error) => phases.push(error === undefined ? phase : `${phase} ${error.code}`),
      onSynced: () => phases.push('synced'),
      onResync: () => undefined,
      onUpdate: () => undefined,
      onConditions: () => undefined,
    },
  });
  connectors.push(connector);
  connector.start();
  return { connector, phases, stats };
}

/** Keeps the event loop from reading sockets, as a long computation does. */
function block(forMs: number): void {
  const endMs = systemClock.nowMs() + forMs;
  while (systemClock.nowMs() < endMs);
}

describe('a connector', () => {
  it('goes through its phases, and through them again when the connection is lost', async () => {
    const { phases, stats } = start();
    await eventually(() => phases.includes('synced'), 'in sync');
    expect(phases).toEqual(['connecting', 'syncing', 'synced']);
    peer.connection.hangUp();
    await eventually(() => phases.length === 7, 'in sync again');
    expect(phases.slice(3)).toEqual(['backoff CONNECTION_LOST', 'connecting', 'syncing', 'synced']);
    expect(stats).toMatchObject({ dials: 2, connections: 2, losses: 1 });
  });

  it('does not cut a healthy connection because this process was busy', async () => {
    const { connector, phases, stats } = start({ probeMs: 30 });
    await eventually(() => phases.includes('synced'), 'in sync');
    const { session } = connector;
    // Longer than the probe and its answer may take together; the answers wait in the socket.
    for (let round = 0; round < 5; round += 1) {
      block(100);
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    }
    await eventually(() => stats.probes >= 2, 'probes were sent');
    expect(connector.session).toBe(session);
    expect(stats.losses).toBe(0);
  });

  it('takes the endpoints in turn', async () => {
    const other = await ScriptedOvsdbPeer.start();
    try {
      const { connector, phases } = start({ endpoints: [peer.endpoint, other.endpoint] });
      await eventually(() => phases.includes('synced'), 'in sync');
      const first = connector.endpoint;
      connector.redial();
      await eventually(() => phases.filter((phase) => phase === 'synced').length === 2, 'in sync again');
      expect(connector.endpoint).not.toBe(first);
    } finally {
      await other.stop();
    }
  });

  it('stops for good when it is closed, in whatever it does', async () => {
    const { connector, phases } = start();
    connector.close(new AgentError('CLIENT_CLOSED', 'closed'));
    expect(phases).toEqual(['connecting']);
    const running = start();
    await eventually(() => running.phases.includes('synced'), 'in sync');
    running.connector.close(new AgentError('CLIENT_CLOSED', 'closed'));
    running.connector.redial();
    expect(running.connector.session).toBeUndefined();
    expect(running.phases).toEqual(['connecting', 'syncing', 'synced']);
  });
});
