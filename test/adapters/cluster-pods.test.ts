import { afterEach, describe, expect, it } from 'vitest';
import { ClusterPods } from '../../src/adapters/cluster-pods.js';
import { AgentError } from '../../src/lib/errors.js';
import { ManualClock } from '../config/manual-clock.js';
import { FakeCluster, listOf, refusal, settle } from '../fakes/kube-requester.js';
import type { Answering } from '../fakes/kube-requester.js';
import { podObject } from '../fakes/pods.js';

const closing: ClusterPods[] = [];
afterEach(async () => {
  for (const pods of closing.splice(0)) await pods.close();
});

/** The pods of every node; the field selector is obeyed. */
function setup(items: readonly unknown[], nodeName?: string, answering?: Answering) {
  const clock = new ManualClock();
  const client = new FakeCluster((request) => answering?.(request) ?? listOf(items, '10'));
  const pods = new ClusterPods({ client, clock, random: () => 0.5, nodeName });
  closing.push(pods);
  let changes = 0;
  pods.onChange(() => (changes += 1));
  pods.start();
  return { clock, client, pods, changes: () => changes };
}

const names = (pods: ClusterPods): readonly string[] | undefined => {
  const snapshot = pods.snapshot();
  return snapshot && [...snapshot.pods.values()].map(({ name, resourceVersion }) => `${name}@${resourceVersion}`);
};

describe('the pods of the host node', () => {
  it('are those that the server selects by the configured node, and no other', async () => {
    const { client, pods } = setup([podObject(), podObject({ uid: 'u2', nodeName: 'host-b' })], 'host-a');
    await settle();
    expect(client.requests[0]).toMatchObject({
      path: '/api/v1/pods',
      query: { fieldSelector: 'spec.nodeName=host-a' },
    });
    expect(names(pods)).toEqual(['web-0@7']);
    expect(pods.state()).toEqual({ kind: 'synced', server: 'https://fake:6443' });
    pods.setNodeName('host-b');
    expect(pods.nodeName()).toBe('host-a');
  });

  it('are not known before the name of the node is', async () => {
    const { client, pods } = setup([podObject()]);
    await settle();
    expect(client.requests).toEqual([]);
    expect([pods.nodeName(), pods.snapshot()]).toEqual([undefined, undefined]);
    expect(pods.state()).toMatchObject({ kind: 'connecting', message: 'the name of the host node is not known yet' });
    pods.setNodeName('host-a');
    await settle();
    expect(names(pods)).toEqual(['web-0@7']);
  });

  it('are not asked for by a name that no node can have', async () => {
    const { client, pods } = setup([podObject()]);
    pods.setNodeName('host-a,metadata.name=x\u001b');
    await settle();
    expect(client.requests).toEqual([]);
    expect(pods.state()).toMatchObject({ kind: 'connecting', message: expect.stringContaining('\\u001b') as string });
    pods.setNodeName('host-a');
    await settle();
    expect(names(pods)).toEqual(['web-0@7']);
  });

  it('follow the watch, and tell who was deleted', async () => {
    const { client, pods, changes } = setup([podObject()], 'host-a');
    await settle();
    const before = pods.snapshot();
    const told = changes();
    client.emit('ADDED', podObject({ uid: 'u2', name: 'web-1', resourceVersion: '11' }));
    client.emit('DELETED', podObject({ resourceVersion: '12' }));
    expect(names(pods)).toEqual(['web-1@11']);
    expect([...(pods.snapshot()?.deleted ?? [])]).toEqual(['uid-1']);
    expect(changes()).toBeGreaterThan(told);
    // Whoever planned with the former look still has it whole.
    expect([...(before?.pods.keys() ?? [])]).toEqual(['uid-1']);
    expect(pods.snapshot()).toBe(pods.snapshot());
  });

  it('leave when they move to another node', async () => {
    const { client, pods } = setup([podObject()], 'host-a');
    await settle();
    client.emit('MODIFIED', podObject({ nodeName: 'host-b', resourceVersion: '11' }));
    expect(names(pods)).toEqual([]);
  });

  it('are taken over from a write before the watch brings them', async () => {
    const { client, pods } = setup([podObject()], 'host-a');
    await settle();
    pods.snapshot();
    pods.accept(podObject({ resourceVersion: '15' }));
    expect(names(pods)).toEqual(['web-0@15']);
    client.emit('MODIFIED', podObject({ resourceVersion: '14' }));
    expect(names(pods)).toEqual(['web-0@15']);
  });

  it('are unknown, and not gone, from the moment at which the node has another name', async () => {
    const { client, pods } = setup([podObject(), podObject({ uid: 'u2', nodeName: 'host-b', name: 'db-0' })]);
    pods.setNodeName('host-a');
    await settle();
    pods.setNodeName('host-b');
    expect(pods.snapshot()).toBeUndefined();
    expect(pods.state()).toMatchObject({ kind: 'connecting' });
    await settle();
    expect(names(pods)).toEqual(['db-0@7']);
    expect(client.watchCount).toBe(1);
  });

  it('stay as they were while the server is away, which is told with its reason', async () => {
    const { clock, client, pods } = setup([podObject()], 'host-a');
    await settle();
    client.answer = () => {
      throw new AgentError('CONNECT_FAILED', 'the API server cannot be reached');
    };
    client.stream = async (request) => {
      await client.request(request);
    };
    client.endWatches();
    await settle();
    for (let second = 0; second < 120; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    expect(names(pods)).toEqual(['web-0@7']);
    expect(pods.state()).toMatchObject({
      kind: 'stale',
      code: 'CONNECT_FAILED',
      message: expect.stringContaining('cannot be reached') as string,
    });
  });

  it('say what is missing when they may not be listed', async () => {
    const { pods } = setup([], 'host-a', () => refusal(403, 'Forbidden', 'cannot list pods'));
    await settle();
    expect(pods.snapshot()).toBeUndefined();
    expect(pods.state()).toMatchObject({
      kind: 'connecting',
      code: 'KUBE_FORBIDDEN',
      message: expect.stringContaining('cannot list pods') as string,
    });
  });

  it('are watched no more after the end', async () => {
    const { client, pods } = setup([podObject()], 'host-a');
    await settle();
    await pods.close();
    expect(client.watchCount).toBe(0);
    pods.setNodeName('host-b');
    await settle();
    expect(client.requests).toHaveLength(1);
  });
});
