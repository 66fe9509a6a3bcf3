import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterLease } from '../../../src/adapters/cluster-lease.js';
import type { ClusterLeaseOptions } from '../../../src/adapters/cluster-lease.js';
import { microTime } from '../../../src/adapters/cluster-lease-object.js';
import type { LeaseState } from '../../../src/agent/attach-ports.js';
import { systemClock } from '../../../src/lib/clock.js';
import type { Json, JsonObject } from '../../../src/sandbox/cluster/json.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { HostCluster, agentUser, leaseNamespace, leaseRules, nodeName } from './host-cluster.js';

const name = `ovn-dpu-${nodeName}`;
const ref = { namespace: leaseNamespace, name };
const leases = 'leases.coordination.k8s.io';
/** A hundredth of the real one, so that a test takes no minute. */
const timing = { durationMs: 1_200, renewMs: 200, confirmMs: 500 };

describe('the lease at an API server', () => {
  let cluster: HostCluster;
  const keepers: ClusterLease[] = [];
  const renewers: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    cluster = await HostCluster.start();
  });
  afterEach(async () => {
    for (const stop of renewers.splice(0)) await stop();
    for (const keeper of keepers.splice(0)) await keeper.close();
    await cluster.close();
  });

  async function keep(
    owner: string,
    options: Partial<ClusterLeaseOptions> = {},
    user = agentUser,
  ): Promise<ClusterLease> {
    const keeper = new ClusterLease({
      client: await cluster.client(user),
      clock: systemClock,
      random: Math.random,
      namespace: leaseNamespace,
      writer: { owner, instance: `i${keepers.length}` },
      timing,
      isReadOnly: false,
      onBug: (error) => expect.unreachable(String(error)),
      ...options,
    });
    keepers.push(keeper);
    keeper.setAble(true);
    keeper.setNodeName(nodeName);
    return keeper;
  }

  const becomes = (keeper: ClusterLease, kind: LeaseState['kind']): Promise<true> =>
    eventually(() => keeper.state().kind === kind, `the lease becomes ${kind}`);
  const spec = (): JsonObject => (cluster.api.direct.find(leases, ref)?.['spec'] ?? {}) as JsonObject;

  /** One renewal as ovn-kubernetes makes it: get, change the time, put. */
  function renewAsOvnKubernetes(): void {
    const lease = cluster.api.direct.find(leases, ref);
    const renewTime: Json = microTime(cluster.api.nowMs());
    if (lease === undefined) {
      const metadata = { name, namespace: leaseNamespace };
      const fresh = { holderIdentity: 'ovnkube-dpu-node', leaseDurationSeconds: 2, renewTime, acquireTime: renewTime };
      cluster.api.direct.create(leases, { metadata, spec: fresh }, 'ovnkube');
    } else cluster.api.direct.update(leases, { ...lease, spec: { ...spec(), renewTime } }, '', 'ovnkube');
  }

  /** ovn-kubernetes in DPU mode, until it is stopped. */
  function startRenewer(): () => Promise<void> {
    let timer = systemClock.after(0, renew);
    function renew(): void {
      renewAsOvnKubernetes();
      timer = systemClock.after(150, renew);
    }
    const stop = (): Promise<void> => {
      timer.cancel();
      return Promise.resolve();
    };
    renewers.push(stop);
    return stop;
  }

  it('is there for kubectl as the host half reads it, and stays renewed', async () => {
    const keeper = await keep('default');
    await becomes(keeper, 'held');
    const [holder, seconds, owner] = (
      await cluster.kubectl(
        ...['get', 'lease', '-n', leaseNamespace, name, '-o'],
        'jsonpath={.spec.holderIdentity} {.spec.leaseDurationSeconds} {.metadata.ownerReferences[0].name}',
      )
    ).split(' ');
    expect([holder, seconds, owner]).toEqual(['ovnkube-dpu-node', '2', nodeName]);
    expect(spec()['renewTime']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const before = spec()['renewTime'];
    await eventually(() => spec()['renewTime'] !== before, 'it is renewed');
    expect(keeper.state()).toMatchObject({ kind: 'held', message: undefined });
    expect(keeper.stats()).toMatchObject({ failures: 0, conflicts: 0 });
  });

  it('is left to ovn-kubernetes while that renews it, and taken over when it is gone', async () => {
    renewAsOvnKubernetes();
    const stop = startRenewer();
    const keeper = await keep('default');
    await becomes(keeper, 'foreign');
    expect(keeper.state()).toMatchObject({ holder: 'ovnkube-dpu-node (written by ovnkube)' });
    expect(keeper.stats().renewals).toBeLessThanOrEqual(1);
    await stop();
    await becomes(keeper, 'held');
  });

  it('is given up to ovn-kubernetes when that starts beside the agent', async () => {
    const keeper = await keep('default');
    await becomes(keeper, 'held');
    const stop = startRenewer();
    await becomes(keeper, 'foreign');
    const writes = cluster.writes().length;
    const reads = keeper.stats().reads;
    await eventually(() => keeper.stats().reads > reads + 5, 'the keeper looks on');
    expect(cluster.writes()).toHaveLength(writes);
    await stop();
    await becomes(keeper, 'held');
  });

  it('is not lost to a host half that starts, which renews once', async () => {
    const keeper = await keep('default');
    await becomes(keeper, 'held');
    const kinds = new Set<string>();
    keeper.onChange(() => kinds.add(keeper.state().kind));
    renewAsOvnKubernetes();
    const bumped = spec()['renewTime'];
    await becomes(keeper, 'unknown');
    await becomes(keeper, 'held');
    expect(spec()['renewTime']).not.toBe(bumped);
    expect(kinds).toEqual(new Set(['unknown', 'held']));
  });

  it('is held by one of two owners at a time, whoever comes first, and handed on', async () => {
    const both = await Promise.all([keep('one'), keep('two')]);
    let overlaps = 0;
    for (const keeper of both) {
      keeper.onChange(() => (overlaps += both.every((other) => other.state().kind === 'held') ? 1 : 0));
    }
    const holder = (): ClusterLease | undefined => both.find((keeper) => keeper.state().kind === 'held');
    await eventually(
      () => holder() !== undefined && both.some((keeper) => keeper.state().kind === 'foreign'),
      'one holds it',
    );
    expect(overlaps).toBe(0);
    const first = holder()!;
    await first.close();
    const second = both.find((keeper) => keeper !== first)!;
    await becomes(second, 'held');
  });

  it('is held at once after a restart of the agent', async () => {
    const former = await keep('default');
    await becomes(former, 'held');
    await former.close();
    const keeper = await keep('default');
    await becomes(keeper, 'held');
    expect(keeper.stats().reads).toBe(1);
  });

  it('knows its own renewal again although the answer to it was lost', async () => {
    const keeper = await keep('default');
    await becomes(keeper, 'held');
    const kinds = new Set<string>();
    keeper.onChange(() => kinds.add(keeper.state().kind));
    cluster.api.faults.loseReply({ times: 3, match: { verb: 'update', resource: 'leases' } });
    await eventually(() => keeper.stats().failures >= 3, 'answers are lost');
    const { renewals } = keeper.stats();
    await eventually(() => keeper.stats().renewals > renewals + 1, 'it is renewed again');
    expect([...kinds]).toEqual(['held']);
    expect(keeper.state()).toMatchObject({ kind: 'held', message: undefined });
  });

  it('stays as it is while the API server is down, and is renewed when that is back', async () => {
    const keeper = await keep('default');
    await becomes(keeper, 'held');
    await cluster.api.stop();
    await eventually(() => keeper.stats().failures > 0, 'the keeper notices');
    expect(keeper.state()).toMatchObject({
      kind: 'held',
      message: expect.stringContaining('cannot be kept') as string,
    });
    await cluster.api.start();
    const { renewals } = keeper.stats();
    await eventually(() => keeper.stats().renewals > renewals, 'it is renewed again');
    expect(keeper.state()).toMatchObject({ kind: 'held', message: undefined });
  });

  it('is made anew when somebody deletes it', async () => {
    const keeper = await keep('default');
    await becomes(keeper, 'held');
    await cluster.kubectl('delete', 'lease', '-n', leaseNamespace, name);
    await eventually(() => cluster.api.direct.find(leases, ref) !== undefined, 'there is a lease');
    expect(keeper.state()).toMatchObject({ kind: 'held' });
  });

  it('is unknown to a user without the right, whose message names it, until it is granted', async () => {
    const keeper = await keep('default', {}, 'poor');
    await eventually(() => keeper.stats().failures > 0, 'it is refused');
    expect(keeper.state()).toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/forbidden.*Allow the agent/) as string,
    });
    cluster.api.rules.grant('poor', leaseRules, leaseNamespace);
    await becomes(keeper, 'held');
    expect(keeper.state()).toMatchObject({ message: expect.stringContaining('nodes') as string });
  });

  it('is only looked at by an agent that observes', async () => {
    const keeper = await keep('default', { isReadOnly: true });
    await becomes(keeper, 'held');
    startRenewer();
    await becomes(keeper, 'foreign');
    expect(cluster.writes()).toEqual([]);
  });

  it('shows a clock that is wrong, and carries the time of the cluster', async () => {
    cluster.api.setSkew(-3_600_000);
    const keeper = await keep('default');
    await eventually(() => keeper.stats().renewals > 1, 'it is renewed');
    const skewMs = keeper.clockSkewMs() ?? 0;
    expect(Math.abs(skewMs + 3_600_000)).toBeLessThan(2_000);
    const renewedMs = Date.parse(spec()['renewTime'] as string);
    expect(Math.abs(renewedMs - cluster.api.nowMs())).toBeLessThan(5_000);
  });

  it('is free at once when the server knows that nobody has renewed it for long', async () => {
    cluster.api.setSkew(-60_000);
    renewAsOvnKubernetes();
    cluster.api.setSkew(-59_000);
    renewAsOvnKubernetes();
    cluster.api.setSkew(0);
    const keeper = await keep('default');
    await becomes(keeper, 'held');
    expect(keeper.stats().reads).toBe(1);
  });
});
