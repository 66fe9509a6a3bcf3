import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterPods } from '../../../src/adapters/cluster-pods.js';
import { ClusterStatus } from '../../../src/adapters/cluster-status.js';
import type { ConnectionStatus } from '../../../src/attach/connection-status.js';
import { systemClock } from '../../../src/lib/clock.js';
import type { PodView } from '../../../src/model/pod.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { HostCluster, nodeName } from './host-cluster.js';

const statusKey = 'k8s.ovn.org/dpu.connection-status';
const signal = new AbortController().signal;
const ready: ConnectionStatus = { status: 'Ready', reason: undefined };
const error: ConnectionStatus = { status: 'Error', reason: 'the VF is claimed by another pod' };
const change = (
  status: ConnectionStatus | undefined,
  key = 'default',
): ReadonlyMap<string, ConnectionStatus | undefined> => new Map([[key, status]]);

describe('the connection status at an API server', () => {
  let cluster: HostCluster;
  let pods: ClusterPods;
  let status: ClusterStatus;

  beforeAll(async () => {
    cluster = await HostCluster.start();
    const client = await cluster.client();
    pods = new ClusterPods({ client, clock: systemClock, random: Math.random, nodeName });
    status = new ClusterStatus({ client, onWritten: (pod) => pods.accept(pod) });
    pods.start();
    await eventually(() => pods.snapshot() !== undefined, 'the pods are listed');
  });
  afterAll(async () => {
    await pods.close();
    await cluster.close();
  });

  const find = (name: string): PodView | undefined =>
    [...(pods.snapshot()?.pods.values() ?? [])].find((pod) => pod.name === name);
  const seen = async (name: string): Promise<PodView> => {
    await eventually(() => find(name) !== undefined, `pod ${name} is seen`);
    return find(name)!;
  };
  const stored = async (name: string): Promise<string> => {
    const path = `jsonpath={.metadata.annotations['k8s\\.ovn\\.org/dpu\\.connection-status']}`;
    return cluster.kubectl('get', 'pod', '-n', 'shop', name, '-o', path);
  };

  it('is read back by kubectl as ovn-kubernetes writes it, in a pod without annotations', async () => {
    cluster.makePod('bare');
    expect(await status.write(await seen('bare'), change(ready), signal)).toEqual({ kind: 'written' });
    expect(await stored('bare')).toBe('{"default":{"Status":"Ready"}}');
    // The next plan is made with what the write returned, whether or not the watch was faster.
    expect(find('bare')?.annotations.status).toBe('{"default":{"Status":"Ready"}}');
  });

  it('keeps what others wrote, is replaced, and is removed', async () => {
    cluster.makePod('web', { [statusKey]: '{"ns/blue":{"Status":"Ready","Extra":1}}', other: 'x' });
    expect(await status.write(await seen('web'), change(error), signal)).toEqual({ kind: 'written' });
    expect(await stored('web')).toBe(
      '{"ns/blue":{"Status":"Ready","Extra":1},"default":{"Status":"Error","Reason":"the VF is claimed by another pod"}}',
    );
    expect(await status.write(await seen('web'), change(ready), signal)).toEqual({ kind: 'written' });
    expect(await status.write(await seen('web'), change(undefined), signal)).toEqual({ kind: 'written' });
    expect(await stored('web')).toBe('{"ns/blue":{"Status":"Ready","Extra":1}}');
  });

  it('sends nothing that is there already', async () => {
    cluster.makePod('same', { [statusKey]: '{"default":{"Status":"Ready"}}' });
    const pod = await seen('same');
    const before = cluster.writes().length;
    expect(await status.write(pod, change(ready), signal)).toEqual({ kind: 'written' });
    expect(cluster.writes()).toHaveLength(before);
  });

  it('is a conflict when the annotation was changed meanwhile', async () => {
    cluster.makePod('raced', { [statusKey]: '{}' });
    const old = await seen('raced');
    await cluster.kubectl(
      'annotate',
      'pod',
      '-n',
      'shop',
      'raced',
      '--overwrite',
      `${statusKey}={"a/b":{"Status":"Ready"}}`,
    );
    expect(await status.write(old, change(ready), signal)).toEqual({ kind: 'conflict' });
    expect(await stored('raced')).toBe('{"a/b":{"Status":"Ready"}}');
  });

  it('never reaches another incarnation of the pod', async () => {
    cluster.makePod('again');
    const old = await seen('again');
    await cluster.kubectl('delete', 'pod', '-n', 'shop', 'again', '--wait=false');
    cluster.makePod('again');
    expect(await status.write(old, change(ready), signal)).toEqual({ kind: 'conflict' });
    expect(await stored('again')).toBe('');
    await eventually(() => find('again') !== undefined && find('again')?.uid !== old.uid, 'the new pod is seen');
    expect(await status.write(await seen('again'), change(ready), signal)).toEqual({ kind: 'written' });
    expect(await stored('again')).toBe('{"default":{"Status":"Ready"}}');
  });

  it('is for nobody when the pod is gone', async () => {
    cluster.makePod('gone');
    const old = await seen('gone');
    await cluster.kubectl('delete', 'pod', '-n', 'shop', 'gone');
    expect(await status.write(old, change(ready), signal)).toEqual({ kind: 'gone' });
  });

  it('fails with the words of the server when it breaks a rule, for trying again is of no use', async () => {
    cluster.makePod('full', { big: 'x'.repeat(262_100) });
    const result = await status.write(await seen('full'), change(error), signal);
    expect(result).toMatchObject({
      kind: 'failed',
      code: 'KUBE_INVALID',
      message: expect.stringContaining('Too long') as string,
    });
  });

  it('fails with the right that is missing, and waits as long as the server asks', async () => {
    cluster.makePod('denied');
    const pod = await seen('denied');
    const stranger = new ClusterStatus({ client: await cluster.client('nobody'), onWritten: () => undefined });
    const denied = await stranger.write(pod, change(ready), signal);
    expect(denied).toMatchObject({
      kind: 'failed',
      code: 'KUBE_FORBIDDEN',
      message: expect.stringContaining('pods/status') as string,
    });
    cluster.api.faults.refuse({
      status: 429,
      retryAfterSeconds: 7,
      match: { resource: 'pods', subresource: 'status' },
    });
    const throttled = await status.write(pod, change(ready), signal);
    expect(throttled).toMatchObject({ kind: 'failed', code: 'KUBE_THROTTLED', retryAfterMs: 7_000 });
  });

  it('may have been written when the answer is lost, and is then found to be there', async () => {
    cluster.makePod('lost');
    const pod = await seen('lost');
    cluster.api.faults.loseReply({ match: { resource: 'pods', subresource: 'status' } });
    expect(await status.write(pod, change(ready), signal)).toMatchObject({ kind: 'failed', code: 'CONNECTION_LOST' });
    await eventually(() => find('lost')?.annotations.status !== undefined, 'the watch brings what was written');
    const before = cluster.writes().length;
    expect(await status.write(await seen('lost'), change(ready), signal)).toEqual({ kind: 'written' });
    expect(cluster.writes()).toHaveLength(before);
  });
});
