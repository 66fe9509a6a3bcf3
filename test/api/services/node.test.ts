import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { NodeFacts } from '../../../src/agent/api-view.js';
import { StatusKeeper } from '../../../src/agent/status-keeper.js';
import type { AgentStatus } from '../../../src/agent/status.js';
import { nodeService } from '../../../src/api/services/node.js';
import {
  GetNodeRequestSchema,
  GetStatusRequestSchema,
  WatchStatusRequestSchema,
} from '../../../src/gen/proto/dpu/agent/v1/node_pb.js';
import type { Condition } from '../../../src/model/condition.js';
import { ManualClock } from '../../config/manual-clock.js';
import { Reader, viewerContext } from '../../fakes/service-calls.js';

const ready: Condition = {
  object: { kind: 'bridge', name: 'br0' },
  state: 'ready',
  reason: 'Ready',
  message: 'All evidence was seen.',
  evidence: {},
};

const facts: NodeFacts = {
  version: '1.2.3',
  owner: 'agent-1',
  startedWallMs: 1_500,
  repair: 'on',
  attachMode: 'off',
  runtimeVersion: 'v20.0.0',
  hostNodeName: undefined,
  machine: {
    hostname: 'dpu-1',
    product: undefined,
    serial: 'MT1',
    firmware: undefined,
    kernel: '5.15',
    os: undefined,
    architecture: 'aarch64',
    bootId: undefined,
    bootedWallMs: undefined,
    cores: 16,
    memoryBytes: 2 ** 34,
    hugePages: [{ sizeBytes: 2 ** 29, total: 4, free: 3 }],
  },
  ovs: {
    version: '3.1.0',
    schemaVersion: undefined,
    dpdkVersion: undefined,
    docaVersion: undefined,
    isDpdkInitialized: false,
    isDocaInitialized: false,
    datapathTypes: ['netdev'],
    engine: undefined,
    runDir: '/run/openvswitch',
  },
  uplinks: [{ name: 'p0', port: 0, hasCarrier: true, speedBps: 2e11, mtu: 9216, mac: '02:00:00:00:00:01' }],
  capabilities: [{ name: 'trace', isAvailable: false, message: 'Not now.' }],
};

class World {
  readonly clock = new ManualClock();
  readonly keeper = new StatusKeeper();
  readonly handlers = nodeService({
    node: { facts: () => Promise.resolve(facts) },
    status: this.keeper,
    instanceId: 'i1',
    clock: this.clock,
  }).handlers;

  set(fields: Partial<AgentStatus> = {}): void {
    this.keeper.set({
      wallMs: this.clock.wallMs(),
      oldestLookWallMs: fields.wallMs ?? this.clock.wallMs(),
      freshMs: 10_000,
      ovsdb: { kind: 'synced', endpoint: 'unix:/db.sock' },
      vswitchd: 'alive',
      repair: 'on',
      isReady: true,
      conditions: [ready],
      findings: [],
      pendingCount: 0,
      appliedRounds: 0,
      appliedActions: 0,
      journal: [],
      chains: [],
      attach: undefined,
      ovsRunDir: '/run/openvswitch',
      ...fields,
    });
  }

  async status() {
    return (await this.handlers.getStatus(create(GetStatusRequestSchema), viewerContext())).status;
  }

  watch() {
    return new Reader((context) => this.handlers.watchStatus(create(WatchStatusRequestSchema), context));
  }
}

describe('GetNode', () => {
  it('tells the facts, and leaves out what is not known', async () => {
    const { node } = await new World().handlers.getNode(create(GetNodeRequestSchema), viewerContext());
    expect(node?.agent).toEqual({
      version: '1.2.3',
      owner: 'agent-1',
      instanceId: 'i1',
      startedAt: { seconds: 1n, nanos: 500_000_000 },
      repair: 'on',
      attachMode: 'off',
      runtimeVersion: 'v20.0.0',
    });
    expect(node?.machine).toEqual({
      hostname: 'dpu-1',
      serial: 'MT1',
      kernel: '5.15',
      architecture: 'aarch64',
      cores: 16,
      memoryBytes: 2n ** 34n,
      hugePages: [{ sizeBytes: 2n ** 29n, total: 4n, free: 3n }],
    });
    expect(node?.uplinks).toEqual([
      { name: 'p0', port: 0, hasCarrier: true, speedBps: 200_000_000_000n, mtu: 9216, mac: '02:00:00:00:00:01' },
    ]);
    expect(node?.capabilities).toEqual([{ name: 'trace', isAvailable: false, message: 'Not now.' }]);
    expect(Object.keys(node?.openVswitch ?? {})).not.toContain('engine');
  });
});

describe('GetStatus', () => {
  it('is not available before the first look', async () => {
    await expect(new World().status()).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });

  it('tells the newest status', async () => {
    const world = new World();
    world.set({ repair: 'observe' });
    expect(await world.status()).toMatchObject({ repair: 'observe', isReady: true, freshSeconds: 10 });
  });

  it('is not ready once a living agent would have made a newer one', async () => {
    const world = new World();
    world.set();
    world.clock.advance(10_000);
    expect(await world.status()).toMatchObject({ isReady: true });
    world.clock.advance(1);
    expect(await world.status()).toMatchObject({ isReady: false });
    world.set();
    expect(await world.status()).toMatchObject({ isReady: true });
  });
});

describe('WatchStatus', () => {
  it('begins with the first look', async () => {
    const world = new World();
    const reader = world.watch();
    expect(await reader.due()).toBeUndefined();
    world.set();
    expect((await reader.next()).status).toMatchObject({ isReady: true });
    await reader.leave();
  });

  it('sends what differs, and nothing where only times do', async () => {
    const world = new World();
    world.set();
    const reader = world.watch();
    await reader.next();
    world.clock.advance(1_000);
    world.set();
    expect(await reader.due()).toBeUndefined();
    world.set({ pendingCount: 2 });
    expect((await reader.next()).status).toMatchObject({ pendingCount: 2, observedAt: { seconds: 1n } });
    await reader.leave();
  });

  it('sends only the newest to a slow reader', async () => {
    const world = new World();
    world.set();
    const reader = world.watch();
    await reader.next();
    for (let pendingCount = 1; pendingCount <= 50; pendingCount += 1) world.set({ pendingCount });
    expect((await reader.next()).status).toMatchObject({ pendingCount: 50 });
    expect(await reader.due()).toBeUndefined();
    await reader.leave();
  });

  it('sends one twice within the time for which it is fresh, and says when it no longer is', async () => {
    const world = new World();
    world.set();
    const reader = world.watch();
    await reader.next();
    const told: (boolean | undefined)[] = [];
    for (let round = 0; round < 3; round += 1) {
      expect(await reader.due()).toBeUndefined();
      world.clock.advance(4_999);
      expect(await reader.due()).toBeUndefined();
      world.clock.advance(1);
      told.push((await reader.next()).status?.isReady);
    }
    expect(told).toEqual([true, true, false]);
    expect(await reader.due()).toBeUndefined();
    await reader.leave();
    expect(world.clock.timerCount).toBe(0);
  });
});
