import { afterEach, describe, expect, it } from 'vitest';
import { ClusterLease, disabledLease, leaseTiming } from '../../src/adapters/cluster-lease.js';
import type { ClusterLeaseOptions } from '../../src/adapters/cluster-lease.js';
import { microTime, newLease } from '../../src/adapters/cluster-lease-object.js';
import { AgentError } from '../../src/lib/errors.js';
import { ManualClock } from '../config/manual-clock.js';
import { FakeRequester, refusal, settle } from '../fakes/kube-requester.js';
import type { FakeAnswer } from '../fakes/kube-requester.js';
import type { KubeRequest } from '../../src/kube/index.js';

const epochMs = Date.UTC(2026, 0, 1);

class DpuClock extends ManualClock {
  driftMs = 0;
  override wallMs(): number {
    return epochMs + this.nowMs() + this.driftMs;
  }
}

type Lease = { metadata: Record<string, unknown>; spec: Record<string, unknown> };

/** An API server that holds one lease and one node. */
class LeaseServer {
  lease: Lease | undefined;
  clock: ManualClock;
  /** Answers instead, once each. */
  readonly once: ((request: KubeRequest) => FakeAnswer | undefined)[] = [];
  always: ((request: KubeRequest) => FakeAnswer | undefined) | undefined;
  #version = 1;

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  readonly answer = (request: KubeRequest): FakeAnswer => {
    const dateMs = Math.floor((epochMs + this.clock.nowMs()) / 1000) * 1000;
    const instead = this.always?.(request) ?? this.once.shift()?.(request);
    if (instead !== undefined) return instead;
    if (request.path === '/api/v1/nodes/host-a') return { status: 200, body: { metadata: { uid: 'node-1' } }, dateMs };
    if (request.method === 'GET') {
      return this.lease === undefined
        ? refusal(404, 'NotFound', 'no lease')
        : { status: 200, body: this.lease, dateMs };
    }
    const body = request.body as Lease;
    if (request.method === 'POST' && this.lease !== undefined) return refusal(409, 'AlreadyExists', 'there is one');
    if (request.method === 'PUT' && body.metadata['resourceVersion'] !== this.lease?.metadata['resourceVersion']) {
      return refusal(409, 'Conflict', 'the object has been modified');
    }
    return { status: 200, body: this.store(body), dateMs };
  };

  /** Takes over what somebody wrote. */
  store(lease: Lease): Lease {
    this.#version += 1;
    this.lease = { ...lease, metadata: { uid: 'l1', ...lease.metadata, resourceVersion: String(this.#version) } };
    return this.lease;
  }

  /** A renewal as ovn-kubernetes writes it: nothing else changes. */
  renewByOther(): void {
    const before = this.lease ?? (newLeaseOf('other') as Lease);
    this.store({ ...before, spec: { ...before.spec, renewTime: microTime(epochMs + this.clock.nowMs() + 3) } });
  }
}

function newLeaseOf(owner: string, renewTime = microTime(epochMs - 1000)): unknown {
  const writer = { owner, instance: 'old' };
  return newLease('ovn', 'ovn-dpu-host-a', {
    holderIdentity: 'x',
    durationSeconds: 40,
    renewTime,
    writer,
    node: undefined,
  });
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function setup(options: Partial<ClusterLeaseOptions> = {}) {
  const clock = new DpuClock();
  const server = new LeaseServer(clock);
  const client = new FakeRequester(server.answer);
  const lease = new ClusterLease({
    client,
    clock,
    random: () => 0.5,
    namespace: 'ovn',
    writer: { owner: 'default', instance: 'a1' },
    timing: leaseTiming(10_000, 40_000),
    isReadOnly: false,
    onBug: (error) => expect.unreachable(String(error)),
    ...options,
  });
  cleanups.push(() => lease.close());
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1_000) {
      clock.advance(Math.min(left, 1_000));
      await settle();
    }
  };
  const begin = async (): Promise<void> => {
    lease.setAble(true);
    lease.setNodeName('host-a');
    await pass(1);
  };
  return { clock, server, client, lease, pass, begin };
}

const writesOf = (client: FakeRequester): readonly KubeRequest[] =>
  client.requests.filter(({ method }) => method !== 'GET');

describe('the keeper of the lease', () => {
  it('does nothing before it knows the node', async () => {
    const { client, lease, pass } = setup();
    lease.setAble(true);
    await pass(30_000);
    expect(client.requests).toEqual([]);
    expect(lease.state()).toMatchObject({ kind: 'unknown', message: 'The name of the host node is not known yet.' });
  });

  it('creates it where there is none, and renews it every ten seconds', async () => {
    const { client, server, lease, pass, begin } = setup();
    await begin();
    expect(lease.state()).toEqual({ kind: 'held', renewedWallMs: epochMs + 1, message: undefined });
    expect(writesOf(client)).toMatchObject([
      { method: 'POST', path: '/apis/coordination.k8s.io/v1/namespaces/ovn/leases' },
    ]);
    await pass(30_000);
    expect(writesOf(client).slice(1)).toMatchObject([{ method: 'PUT' }, { method: 'PUT' }, { method: 'PUT' }]);
    expect(server.lease?.spec).toMatchObject({
      holderIdentity: 'ovnkube-dpu-node',
      leaseDurationSeconds: 40,
      renewTime: microTime(epochMs + 30_001),
      acquireTime: microTime(epochMs + 1),
    });
    expect(server.lease?.metadata).toMatchObject({ ownerReferences: [{ kind: 'Node', uid: 'node-1' }] });
    expect(lease.stats()).toMatchObject({ renewals: 4, failures: 0, conflicts: 0 });
  });

  it('renews nothing while the agent is not able to plug, looks all the same, and renews at once when it is', async () => {
    const { client, server, lease, pass } = setup();
    lease.setNodeName('host-a');
    await pass(1);
    await pass(20_000);
    expect(client.requests).toHaveLength(3);
    expect(writesOf(client)).toEqual([]);
    expect(lease.state()).toMatchObject({ kind: 'unknown' });
    lease.setAble(true);
    await pass(1);
    expect(lease.state()).toMatchObject({ kind: 'held' });
    lease.setAble(false);
    const renewed = server.lease?.spec['renewTime'];
    await pass(60_000);
    expect(server.lease?.spec['renewTime']).toBe(renewed);
    expect(lease.state()).toMatchObject({
      kind: 'held',
      message: expect.stringContaining('not able to plug') as string,
    });
  });

  it('does not write more often because the agent becomes able again and again', async () => {
    const { client, lease, pass, begin } = setup();
    await begin();
    for (let turn = 0; turn < 20; turn += 1) {
      lease.setAble(false);
      lease.setAble(true);
      await pass(100);
    }
    expect(writesOf(client)).toHaveLength(1);
  });

  it('goes on at once after a restart', async () => {
    const { server, lease, begin } = setup();
    server.store(newLeaseOf('default') as Lease);
    await begin();
    expect(lease.state()).toMatchObject({ kind: 'held', renewedWallMs: epochMs + 1 });
  });

  it('keeps its hands off a lease that somebody else renews, and takes it once that has been silent', async () => {
    const { client, server, lease, pass, begin } = setup();
    server.renewByOther();
    await begin();
    expect(lease.state()).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('renewed the lease once') as string,
    });
    server.renewByOther();
    await pass(10_000);
    expect(lease.state()).toEqual({ kind: 'foreign', holder: 'x', seenWallMs: epochMs + 10_001 });
    for (let turn = 0; turn < 6; turn += 1) {
      server.renewByOther();
      await pass(10_000);
    }
    expect(lease.state()).toMatchObject({ kind: 'foreign' });
    expect(writesOf(client)).toEqual([]);
    await pass(40_000);
    expect(lease.state()).toMatchObject({ kind: 'held' });
  });

  it('is not driven off by the host half, which renews once when it starts', async () => {
    const { server, lease, pass, begin } = setup();
    await begin();
    server.renewByOther();
    const renewed = server.lease?.spec['renewTime'];
    await pass(10_000);
    expect(lease.state()).toMatchObject({ kind: 'unknown' });
    await pass(30_000);
    expect(lease.state()).toMatchObject({ kind: 'held', message: undefined });
    expect(server.lease?.spec['renewTime']).not.toBe(renewed);
  });

  it('never writes over a renewal that comes between its look and its write', async () => {
    const { client, server, lease, pass, begin } = setup();
    server.store(newLeaseOf('default') as Lease);
    const renewInBetween = ({ method }: KubeRequest): undefined => {
      if (method === 'PUT') server.renewByOther();
    };
    server.once.push(
      () => undefined,
      () => undefined,
      renewInBetween,
    );
    await begin();
    await pass(1_000);
    expect(writesOf(client)).toMatchObject([{ method: 'PUT' }]);
    expect(server.lease?.spec['renewTime']).toBe(microTime(epochMs + 4));
    expect(lease.state()).toMatchObject({ kind: 'unknown', message: expect.stringContaining('renewed') as string });
    expect(lease.stats()).toMatchObject({ conflicts: 1, renewals: 0 });
  });

  it('starts over when two agents create it at the same moment', async () => {
    const { client, server, lease, pass, begin } = setup();
    server.once.push(
      () => undefined,
      () => undefined,
      () => {
        server.store(newLeaseOf('other') as Lease);
        return undefined;
      },
    );
    await begin();
    await pass(1_000);
    expect(lease.stats()).toMatchObject({ conflicts: 1, renewals: 0 });
    expect(lease.state()).toMatchObject({ kind: 'foreign', holder: 'x' });
    expect(writesOf(client)).toHaveLength(1);
  });

  it('holds on while the API server is away, says so, and judges anew when it is back', async () => {
    const { server, lease, pass, begin } = setup();
    await begin();
    const away = (): never => {
      throw new AgentError('CONNECT_FAILED', 'the API server cannot be reached');
    };
    server.always = away;
    await pass(3_600_000);
    expect(lease.state()).toMatchObject({
      kind: 'held',
      message: expect.stringContaining('cannot be reached') as string,
    });
    server.renewByOther();
    server.always = undefined;
    await pass(10_000);
    expect(lease.state()).toMatchObject({ kind: 'unknown', message: expect.stringContaining('renewed') as string });
  });

  it('tries again soon after a failure, and not before the server wants to be asked again', async () => {
    const { client, server, pass, begin } = setup();
    server.once.push(
      () => refusal(500, 'InternalError', 'etcd'),
      () => ({ ...refusal(429, 'TooManyRequests', 'later'), retryAfterMs: 7_000 }),
    );
    await begin();
    expect(client.requests).toHaveLength(1);
    await pass(1_300);
    expect(client.requests).toHaveLength(2);
    await pass(6_000);
    expect(client.requests).toHaveLength(2);
    await pass(2_000);
    expect(client.requests).toHaveLength(5);
  });

  it('does not know the lease that it may not read, and names the right that it lacks', async () => {
    const { server, lease, pass, begin } = setup();
    await begin();
    server.always = () => refusal(403, 'Forbidden', 'leases "ovn-dpu-host-a" is forbidden');
    await pass(10_000);
    expect(lease.state()).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(
        /is forbidden.*Allow the agent to get, create and update the lease ovn-dpu-host-a/,
      ) as string,
    });
    server.always = undefined;
    await pass(10_000);
    expect(lease.state()).toMatchObject({ kind: 'held', message: undefined });
  });

  it('does not hold the lease that it may read and not write', async () => {
    const { server, lease, begin } = setup();
    server.always = ({ method }) => (method === 'GET' ? undefined : refusal(403, 'Forbidden', 'cannot create leases'));
    await begin();
    expect(lease.state()).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('cannot create leases') as string,
    });
  });

  it('renews without a reference to a node that it may not read, says so, and does not ask each time', async () => {
    const { client, server, lease, pass, begin } = setup();
    server.always = ({ path }) =>
      path.startsWith('/api/v1/nodes') ? refusal(403, 'Forbidden', 'cannot get nodes') : undefined;
    await begin();
    await pass(60_000);
    expect(lease.state()).toMatchObject({
      kind: 'held',
      message: expect.stringContaining('cannot get nodes') as string,
    });
    expect(client.requests.filter(({ path }) => path.startsWith('/api/v1/nodes'))).toHaveLength(1);
    expect(server.lease?.metadata['ownerReferences']).toEqual([]);
  });

  it('belongs to the node of today when it is made anew after the node was', async () => {
    const { server, pass, begin } = setup();
    await begin();
    server.lease = undefined;
    server.always = ({ path }) =>
      path === '/api/v1/nodes/host-a' ? { status: 200, body: { metadata: { uid: 'node-2' } } } : undefined;
    await pass(10_000);
    expect(server.lease).toMatchObject({ metadata: { ownerReferences: [{ kind: 'Node', uid: 'node-2' }] } });
  });

  it('writes nothing when it only observes, and tells what it sees', async () => {
    const { client, server, lease, pass, begin } = setup({ isReadOnly: true });
    await begin();
    expect(lease.state()).toEqual({
      kind: 'held',
      renewedWallMs: undefined,
      message: 'Nobody else renews it; the agent only observes.',
    });
    for (let turn = 0; turn < 4; turn += 1) {
      server.renewByOther();
      await pass(10_000);
    }
    expect(lease.state()).toMatchObject({ kind: 'foreign' });
    expect(client.requests.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('reports a clock that is wrong, and writes the time of the cluster', async () => {
    const { clock, server, lease, pass, begin } = setup();
    clock.driftMs = -600_000;
    await begin();
    await pass(30_000);
    expect(lease.clockSkewMs()).toBeGreaterThan(599_000);
    expect(lease.clockSkewMs()).toBeLessThan(601_000);
    const renewedMs = Date.parse(String(server.lease?.spec['renewTime']));
    expect(Math.abs(renewedMs - (epochMs + clock.nowMs()))).toBeLessThan(2_000);
  });

  it('trusts its own clock within the precision of the server', async () => {
    const { clock, server, pass, begin } = setup();
    clock.driftMs = 3_000;
    await begin();
    await pass(10_000);
    expect(server.lease?.spec['renewTime']).toBe(microTime(epochMs + 13_001));
  });

  it('turns to the lease of another node when the node changes', async () => {
    const { client, lease, pass, begin } = setup();
    await begin();
    lease.setNodeName('host-b');
    expect(lease.state()).toMatchObject({ kind: 'unknown', message: 'The lease has not been read yet.' });
    await pass(1);
    expect(client.requests.at(-1)?.path).toContain('/leases/ovn-dpu-host-b');
  });

  it('tells its listeners about news only', async () => {
    const { lease, server, pass, begin } = setup();
    const kinds: string[] = [];
    lease.onChange(() => kinds.push(lease.state().kind));
    await begin();
    await pass(60_000);
    server.renewByOther();
    await pass(10_000);
    server.renewByOther();
    await pass(30_000);
    expect(kinds).toEqual(['unknown', 'held', 'unknown', 'foreign']);
  });

  it('is disabled in a cluster without the feature', () => {
    expect(disabledLease.state()).toEqual({ kind: 'disabled' });
  });
});
