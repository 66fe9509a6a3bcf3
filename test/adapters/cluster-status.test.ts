import { describe, expect, it } from 'vitest';
import { ClusterStatus } from '../../src/adapters/cluster-status.js';
import type { ConnectionStatus } from '../../src/attach/connection-status.js';
import { FakeRequester, refusal } from '../fakes/kube-requester.js';
import type { Answering } from '../fakes/kube-requester.js';
import { podObject, podView } from '../fakes/pods.js';

const statusKey = 'k8s.ovn.org/dpu.connection-status';
const ready = new Map<string, ConnectionStatus | undefined>([['default', { status: 'Ready', reason: undefined }]]);
const signal = new AbortController().signal;

function setup(answer: Answering): { client: FakeRequester; status: ClusterStatus; written: unknown[] } {
  const client = new FakeRequester(answer);
  const written: unknown[] = [];
  return { client, written, status: new ClusterStatus({ client, onWritten: (pod) => written.push(pod) }) };
}

describe('the writer of the connection status', () => {
  it('patches the status of the pod with a test of its uid first, and hands on what the server made of it', async () => {
    const answered = podObject({ resourceVersion: '8' });
    const { client, status, written } = setup(() => ({ status: 200, body: answered }));
    const pod = podView({ annotations: { [statusKey]: '{"ns/blue":{"Status":"Ready"}}' } });
    expect(await status.write(pod, ready, signal)).toEqual({ kind: 'written' });
    expect(client.requests).toMatchObject([
      {
        method: 'PATCH',
        path: '/api/v1/namespaces/shop/pods/web-0/status',
        contentType: 'application/json-patch+json',
        deadlineMs: 10_000,
        signal,
        body: [
          { op: 'test', path: '/metadata/uid', value: 'uid-1' },
          { op: 'test', path: '/metadata/resourceVersion' },
          { op: 'test', path: '/metadata/annotations/k8s.ovn.org~1dpu.connection-status' },
          { op: 'replace', value: '{"ns/blue":{"Status":"Ready"},"default":{"Status":"Ready"}}' },
        ],
      },
    ]);
    expect(written).toEqual([answered]);
  });

  it('writes nothing that is there already', async () => {
    const { client, status, written } = setup(() => refusal(500, 'InternalError', 'not to be asked'));
    const pod = podView({ annotations: { [statusKey]: '{"default":{"Status":"Ready"}}' } });
    expect(await status.write(pod, ready, signal)).toEqual({ kind: 'written' });
    expect([client.requests, written]).toEqual([[], []]);
  });

  const mismatch = 'the server rejected our request due to an error in our request';
  const invalid = 'Pod "web-0" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes';
  const refusals: readonly (readonly [string, Parameters<typeof refusal>, unknown])[] = [
    ['a pod that is gone', [404, 'NotFound', 'pods "web-0" not found'], { kind: 'gone' }],
    ['a namespace that is gone', [404, 'NotFound', 'namespaces "shop" not found'], { kind: 'gone' }],
    ['a conflict of versions', [409, 'Conflict', 'Operation cannot be fulfilled'], { kind: 'conflict' }],
    ['a test of the patch that failed', [422, 'Invalid', mismatch], { kind: 'conflict' }],
    [
      'the same from a server that says more',
      [422, 'Invalid', 'testing value /metadata/uid failed'],
      { kind: 'conflict' },
    ],
    ['a content that breaks a rule', [422, 'Invalid', invalid], { kind: 'failed', code: 'KUBE_INVALID' }],
    [
      'words that a tenant put into a rule',
      [422, 'Invalid', `x: ${mismatch}`],
      { kind: 'failed', code: 'KUBE_INVALID' },
    ],
    ['missing rights', [403, 'Forbidden', 'cannot patch pods/status'], { kind: 'failed', code: 'KUBE_FORBIDDEN' }],
    ['a broken server', [500, 'InternalError', 'etcd is gone'], { kind: 'failed', code: 'KUBE_SERVER_ERROR' }],
  ];
  it.each(refusals)('answers to %s', async (_, parts, expected) => {
    const { status, written } = setup(() => refusal(...parts));
    const result = await status.write(podView(), ready, signal);
    expect(result).toMatchObject(expected as object);
    if (result.kind === 'failed') expect(result.message).toContain(parts[2]);
    expect(written).toEqual([]);
  });

  it('says how long the server wants to be left alone', async () => {
    const { status } = setup(() => ({ ...refusal(429, 'TooManyRequests', 'slow down'), retryAfterMs: 3_000 }));
    const result = await status.write(podView(), ready, signal);
    expect(result).toMatchObject({ kind: 'failed', code: 'KUBE_THROTTLED', retryAfterMs: 3_000 });
  });

  it('lets through what is no answer of a server: that is a fault of the program', async () => {
    const { status } = setup(() => {
      throw new TypeError('a bug');
    });
    await expect(status.write(podView(), ready, signal)).rejects.toThrow('a bug');
  });

  it('keeps a hostile name inside its segment of the path', async () => {
    const { client, status } = setup(() => ({ status: 200, body: {} }));
    await status.write({ ...podView(), name: '../../secrets?x=' }, ready, signal);
    expect(client.requests[0]?.path).toBe('/api/v1/namespaces/shop/pods/..%2F..%2Fsecrets%3Fx%3D/status');
  });
});
